"""What the verbs give: plain data, a pandas frame, and a look for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from lstm_zoo import records, runs
from lstm_zoo.errors import RunError, UsageError
from lstm_zoo.runs import read_history

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from lstm_zoo.door import options
    from lstm_zoo.reporting.page.parts import Report
    from lstm_zoo.reporting.tables import Block


class Picture(bytes):
    """A PNG, which a notebook shows."""

    def _repr_png_(self) -> bytes:
        return bytes(self)

    def __repr__(self) -> str:
        return f"<a PNG of {len(self):,} bytes>"

    def save(self, path: options.File) -> None:
        """Write it to a file.

        Raises:
            RunError: it can't be written.
        """
        _write(path, self)


class Answer:
    """What a verb found.

    Args:
        record: what the command prints with --json.
        blocks: what it prints for a person.
        rows: those of `frame`.
        pictures: PNGs.
    """

    def __init__(
        self,
        record: Any,
        blocks: Iterable[Block],
        rows: Iterable[dict] = (),
        pictures: Iterable[bytes] = (),
    ):
        self.record = record
        self._blocks = list(blocks)
        self._rows = list(rows)
        self.pictures = [Picture(png) for png in pictures]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The numbers as a table."""
        return _frame(self._rows)

    def __getitem__(self, key: Any) -> Any:
        return self.record[key]

    def save(self, path: options.File) -> None:
        """Write the record as JSON, as the command does, or the frame as CSV: as the name ends.

        Raises:
            UsageError: it ends in neither .json nor .csv.
            RunError: it can't be written.
        """
        match Path(path).suffix.lower():
            case ".json":
                _write(path, f"{records.dumps(self.record)}\n".encode())
            case ".csv":
                _write(path, self.frame.to_csv(index=False).encode())
            case _:
                raise UsageError(f"{path} has to end in .json, or in .csv for the frame.")

    def __repr__(self) -> str:
        if all(isinstance(block, str) for block in self._blocks):
            return "\n".join(map(str, self._blocks))
        from lstm_zoo.reporting import tables

        return tables.text(self._blocks)

    def _repr_html_(self) -> str:
        from lstm_zoo.reporting import notebook

        return notebook.html(self._blocks, self.pictures)


class Results(Answer):
    """A comparison: what results.json holds; `frame` has a row a trial.

    Args:
        record: a results.json.
    """

    def __init__(self, record: dict):
        from lstm_zoo.reporting import tables

        super().__init__(record, tables.results_blocks(record), _trials(record))

    @classmethod
    def read(cls, path: options.File) -> Results:
        """Those of a file that `compare` wrote.

        Raises:
            RunError: there is none, or it is damaged.
        """
        from lstm_zoo import results

        return cls(results.read(Path(path)))

    @cached_property
    def models(self) -> pd.DataFrame:
        """A row a model: its mean, spread and interval over the seeds, and its size."""
        return _frame([_flat(model, ("params", "train", "trials")) for model in self["models"]])

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """A row a pair of models: how `a` stands to `b`."""
        return _frame([_flat(pair) for pair in self["pairs"]])

    @property
    def verdicts(self) -> list[str]:
        """A sentence for each pair."""
        from lstm_zoo.reporting import sentences

        return sentences.verdicts(self.record)

    def figures(self, runs: options.File | None = None) -> dict[str, go.Figure]:
        """The charts of the report by their titles, for Plotly to show.

        Args:
            runs: the runs folder, where the runs are looked for that are not where they were.
        """
        from lstm_zoo.reporting import page

        folder = _runs_folder(runs)
        return _figures(page.comparison(self.record, folder / "results.json", folder))

    def to_markdown(self) -> str:
        """What `compare --markdown` prints."""
        from lstm_zoo.reporting import markdown

        return markdown.results(self.record)


class Run(Answer):
    """A finished run: `record` is its metrics.json, and `frame` its history, a row an epoch.

    Args:
        run: a path, a name under the runs folder, or `last`.
        runs: the runs folder, instead of LSTM_ZOO_RUNS or `runs`.

    Raises:
        RunError: it is not there, is not a run, is unfinished or is damaged.
    """

    def __init__(self, run: options.File = "last", *, runs: options.File | None = None):
        from lstm_zoo.reporting import tables

        found = _find(run, runs)
        self.folder = found.folder
        self.config = found.config.to_dict()
        plots = sorted((self.folder / "plots").glob("*.png"))
        pictures = [plot.read_bytes() for plot in plots]
        super().__init__(found.metrics, tables.run_blocks(found), read_history(found), pictures)

    def __fspath__(self) -> str:
        return str(self.folder)

    def figures(self) -> dict[str, go.Figure]:
        """The charts of the report by their titles, for Plotly to show."""
        from lstm_zoo.reporting import page

        return _figures(page.report(str(self.folder), self.folder.parent))

    def evaluate(self, **options: Unpack[options.OfRun]) -> Answer:
        """As `lstm_zoo.evaluate`."""
        from lstm_zoo.door import verbs

        return verbs.evaluate(self, **options)

    def predict(self, **options: Unpack[options.Predicting]) -> Answer:
        """As `lstm_zoo.predict`."""
        from lstm_zoo.door import verbs

        return verbs.predict(self, **options)

    def generate(self, length: int, **options: Unpack[options.Generating]) -> str:
        """As `lstm_zoo.generate`."""
        from lstm_zoo.door import verbs

        return verbs.generate(self, length, **options)

    def explain(self, question: options.Question, **options: Unpack[options.Explaining]) -> Answer:
        """As `lstm_zoo.explain`."""
        from lstm_zoo.door import verbs

        return verbs.explain(self, question, **options)

    def export(
        self, format: options.Format, output: options.File, **options: Unpack[options.Exporting]
    ) -> Answer:
        """As `lstm_zoo.export`."""
        from lstm_zoo.door import verbs

        return verbs.export(self, format, output, **options)

    def report(self, output: options.File, **options: Unpack[options.Paging]) -> Path:
        """As `lstm_zoo.report`."""
        from lstm_zoo.door import verbs

        return verbs.report(self, output, **options)


def _write(path: options.File, content: bytes) -> None:
    try:
        records.write_bytes(Path(path), content)
    except OSError as error:
        raise RunError(f"{path} can't be written: {error.strerror or error}.") from error


def _frame(rows: Sequence[dict]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(rows)
    if "date" in frame:
        frame["date"] = np.array(frame["date"], "datetime64[ns]")
    if "actual" in frame and frame["actual"].isna().all():  # it is still to come
        frame["actual"] = frame["actual"].astype(frame["predicted"].dtype)
    return frame


def _runs_folder(runs_dir: options.File | None) -> Path:
    return runs.runs_folder(None if runs_dir is None else str(runs_dir))


def _find(run: options.File, runs_dir: options.File | None) -> runs.Run:
    return runs.find(str(Path(run)), _runs_folder(runs_dir))


def _figures(report: Report) -> dict[str, go.Figure]:
    return {chart.title: chart.figure for part in report.parts for chart in part.charts}


def _trials(results: dict) -> Iterator[dict]:
    """A row a trial: what it scored, and what it took."""
    for model in results["models"]:
        for trial in model["trials"]:
            row = {"model": model["name"]} | _flat(trial, ("metrics", "lag", "folds", "intervals"))
            yield row | (trial["metrics"] or {})


def _flat(record: dict, without: Sequence[str] = ()) -> dict:
    """A record as a row: of an interval the two ends, of another dictionary its entries."""
    row: dict[str, Any] = {}
    for name, value in record.items():
        if name in without:
            continue
        if name == "ci95":
            row |= dict(zip(("ci95_low", "ci95_high"), value or (None, None), strict=True))
        elif isinstance(value, dict):
            row |= {f"{name}_{key}": one for key, one in value.items()}
        else:
            row[name] = value
    return row
