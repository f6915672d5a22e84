"""What is said of an export: on the command line, and to whoever gets it."""

from __future__ import annotations

from lstm_zoo.errors import counted
from lstm_zoo.exporting.formats import Format
from lstm_zoo.forecasting import Loaded
from lstm_zoo.parameters import read_function
from lstm_zoo.reporting.sentences import number, words

_TEXT = """# {model} on {dataset}, as {form}

`{file}` was trained and exported by lstm-zoo {version}, with Keras {keras}. {compared}

- **Input**: {input}. {shapes}
- **Output**: {output}.
- **Score on the test part**: {score}
- **Scaling**, names of classes and the like: `preprocessing.json`.
- **An example**: `python example.py` needs NumPy and {package} alone. It reads `example.npz`, the
  first test example and what the original says of it.
{notes}
## The data

{data}
"""


def compared(record: dict) -> str:
    """How the runtime's answers compare with the original's."""
    runtime = "{name} {version}".format(**record["runtime"])
    return (
        f"{runtime} and the original differ by {record['largest_difference']:.2g} at most on "
        f"{counted(record['examples'], 'test example')} ({record['tolerance']:g} is allowed)."
    )


def shapes(record: dict) -> str:
    """Which sizes are free."""
    if "steps" in record["free"]:
        return "It takes any number of examples, of any number of steps."
    steps = record["input"]["shape"][1]
    return f"It takes any number of examples, of {counted(steps, 'step')} each."


def text(loaded: Loaded, form: Format, record: dict) -> str:
    """README.md."""
    found = loaded.run.metrics
    metric, floor = found["metric"]["name"], found["floor"]
    return _TEXT.format(
        model=record["model"],
        dataset=record["dataset"],
        form=form.words,
        file=form.file,
        version=record["versions"]["lstm-zoo"],
        keras=record["versions"]["keras"],
        compared=compared(record),
        input=_tensor(record["input"]),
        shapes=shapes(record),
        output=_tensor(record["output"]),
        score=f"{words(metric)} {number(found['test'][metric])}; {words(floor['name'])}, the "
        f"trivial answer, has {number(floor['value'])}.",
        package=form.package,
        notes="".join(f"- {note}\n" for note in record["notes"]),
        data=read_function(loaded.config.loader).doc.strip(),
    )


def _tensor(tensor: dict) -> str:
    sizes = ["any" if size is None else str(size) for size in tensor["shape"]]
    return f"{tensor['dtype']} ({', '.join(sizes)})"
