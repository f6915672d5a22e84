"""A finished run as a folder that other programs can use."""

from __future__ import annotations

from pathlib import Path

import keras

import lstm_zoo
from lstm_zoo import interrupts
from lstm_zoo.data import Dataset
from lstm_zoo.errors import CheckFailed
from lstm_zoo.exporting import card, check, example, folder
from lstm_zoo.exporting.check import Written
from lstm_zoo.exporting.formats import Format
from lstm_zoo.forecasting import Loaded, asked
from lstm_zoo.records import write_json, write_text

EXAMPLES = 100  # of the test part, evenly spread


def export(loaded: Loaded, dataset: Dataset, form: Format, target: Path) -> dict:
    """Write the run's model with all that its use takes, once it answers as the original does.

    Args:
        loaded: the run.
        dataset: whose test part the model is compared on.
        form: what it is written as.
        target: the folder, as `folder.target` has it.

    Raises:
        CheckFailed: the runtime answers otherwise.
        RunError: the model can't be written so, or its runtime can't load it.
    """
    x, _ = dataset.test.thinned(EXAMPLES).take(slice(None))
    with folder.made(target) as new:
        with asked(loaded):
            example.save(loaded, dataset, new / "example.npz")
        with asked(loaded, f"As {form.words}, the model of {{}} failed"):
            written = check.write(loaded.model, x, form, new / form.file)
        record = _record(loaded, form, written, len(x))
        if not written.same:
            raise _failed(card.compared(record), record)
        write_json(new / "preprocessing.json", loaded.run.read("preprocessing.json"))
        write_text(new / example.FILE, example.program(dataset, form))
        if not example.agrees(new):
            raise _failed(
                "Of the first test example, scaled and scaled back, the exported model says other "
                "than the original.",
                record,
            )
        write_text(new / "README.md", card.text(loaded, form, record))
        record["files"] = sorted([*folder.files(new), folder.RECORD])
        write_json(new / folder.RECORD, record)
        if interrupts.seen():  # and a library has swallowed it
            raise KeyboardInterrupt
    return record | {"path": str(target)}


def _failed(sentence: str, record: dict) -> CheckFailed:
    return CheckFailed(f"{sentence} Nothing was exported.", record | {"path": None, "files": []})


def _record(loaded: Loaded, form: Format, written: Written, examples: int) -> dict:
    """What was written, and how it was compared; as export.json has it."""
    model, config = loaded.model, loaded.config
    free = [name for name, size in zip(("batch", "steps"), written.input, strict=False) if not size]
    return {
        "schema": 1,
        "run": loaded.run.name,
        "model": config.variant,
        "dataset": config.dataset,
        "format": form.name,
        "input": {"shape": written.input, "dtype": model.inputs[0].dtype},
        "output": {"shape": written.output, "dtype": model.outputs[0].dtype},
        "free": free,
        "examples": examples,
        "largest_difference": written.difference,
        "tolerance": check.TOLERANCE,
        "runtime": {"name": form.runtime, "version": form.version},
        "versions": {"lstm-zoo": lstm_zoo.__version__, "keras": keras.__version__},
        "notes": _notes(loaded),
    }


def _notes(loaded: Loaded) -> list[str]:
    """What the user should know of this model's export."""
    notes, kernel = [], loaded.run.metrics.get("kernel")
    if isinstance(kernel, dict) and kernel.get("precision") != "float32":
        notes.append(
            "The run computed its products in bfloat16, and what is exported computes in float32: "
            "its answers are those of the saved model in Keras, not bit for bit those recorded."
        )
    modules = {type(layer).__module__ for layer in loaded.model._flatten_layers()}
    if any(module.partition(".")[0] != "keras" for module in modules):
        notes.append("It has layers that are not Keras' own: Keras needs their code to load it.")
    return notes
