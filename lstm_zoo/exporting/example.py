"""What shows a stranger how the model is used: a test example, and a program that reads it."""

from __future__ import annotations

import inspect
import io
import runpy
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from lstm_zoo import evaluation, forecasting
from lstm_zoo.data import Dataset
from lstm_zoo.exporting import runtimes
from lstm_zoo.exporting.formats import Format
from lstm_zoo.forecasting import Loaded
from lstm_zoo.quiet import quiet_imports
from lstm_zoo.tasks import task_of

FILE = "example.py"
_HEAD = '''"""One test example, what the model says of it in {runtime}, and what the original said.

It needs NumPy and {package}, and nothing else: python example.py
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


{functions}

recipe = json.loads((HERE / "preprocessing.json").read_text(encoding="utf-8"))
example = np.load(HERE / "example.npz", allow_pickle=False)
model = {load}(str(HERE / "{file}"))
{use}
np.testing.assert_allclose(answer, example["output"], rtol=1e-4, atol=1e-4 * scale)
print("The original said the same.")
'''

_FORECAST = """
series = recipe["series"]
scale = np.max(series["target_scale"])
answer = forecast(model, example["input"], series)
for ahead, value in enumerate(answer, start=1):
    print(f"{series['columns'][series['target']]}, {ahead} ahead: {value:.6g}")
"""

_CLASSES = """
scale = 1
answer = model(example["input"][None])[0]
for probabilities in np.atleast_2d(answer)[-10:]:  # of the last steps, where each has a class
    best = probabilities.argmax()
    print(f"{recipe['classes'][best]}, with a probability of {probabilities[best]:.3f}")
"""

_VALUES = """
scale = 1
answer = model(example["input"][None])[0]
print(answer)
"""


def program(dataset: Dataset, form: Format) -> str:
    """The source of example.py."""
    functions, use = [form.load], _CLASSES if dataset.classes else _VALUES
    if dataset.framing:
        functions, use = [form.load, runtimes.forecast], _FORECAST
    return _HEAD.format(
        runtime=form.runtime,
        package=form.package,
        file=form.file,
        functions="\n\n".join(map(inspect.getsource, functions)),
        load=form.load.__name__,
        use=use,
    )


def agrees(folder: Path) -> bool:
    """Whether example.py, run as a stranger runs it, says what the original said."""
    with quiet_imports(), redirect_stdout(io.StringIO()):
        try:
            runpy.run_path(str(folder / FILE))
        except AssertionError:
            return False
    return True


def save(loaded: Loaded, dataset: Dataset, file: Path) -> None:
    """Write the first test example, and what the original says of it.

    Of a series both are in its own unit, and so the program has to scale them.
    """
    first = dataset.test.piece(slice(1))
    (output,) = evaluation.outputs(loaded.model, first, 1, task_of(dataset).every_step)
    (x,), _ = first.take(slice(None))
    if dataset.framing:
        framing, start = forecasting.framing(loaded), int(first.index[0])
        x = dataset.series.values[start : start + framing.window]
        output = framing.to_units(output.astype(np.float64), x[-1, framing.target])
    np.savez(file, input=x, output=output)
