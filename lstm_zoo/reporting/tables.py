"""Results as tables and sentences, for a terminal, for Markdown and for a notebook."""

from __future__ import annotations

import io
import shlex
from collections.abc import Collection, Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from lstm_zoo.errors import counted, harmless, printable
from lstm_zoo.reporting import backtest, lags, lengths, search
from lstm_zoo.reporting.sentences import (
    beats_floor,
    floor_lines,
    lag_line,
    metric_faults,
    number,
    outcome_lines,
    plus_minus,
    remarks,
    run_told,
    span,
    speeds,
    verdicts,
    words,
)
from lstm_zoo.results import finished
from lstm_zoo.runs import Run

Block = str | Table
_WIDEST = 100_000  # letters of a table that is cut nowhere


def console() -> Console:
    """Stdout; as wide as it takes where it is no terminal."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=200)


def _table(*columns: str, texts: Collection[str] = ()) -> Table:
    """A table whose first column is text, as are `texts`, and whose others are numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        left = not place or column in texts
        table.add_column(_text(column), justify="left" if left else "right", no_wrap=True)
    return table


def _print(*blocks: Block, out: Console | None = None) -> None:
    """Lines and tables; what is too wide for the terminal is stacked, and elsewhere runs on."""
    out = out or console()
    for block in blocks:
        if isinstance(block, Table):
            _print_table(block, out)
        else:
            out.print(_text(block), soft_wrap=not out.is_terminal)


def _print_table(table: Table, out: Console) -> None:
    needed = Measurement.get(out, out.options.update(max_width=_WIDEST), table).maximum
    if needed > out.width and out.is_terminal:
        table = _stacked(table)
        needed = Measurement.get(out, out.options.update(max_width=_WIDEST), table).maximum
    width, out.width = out.width, max(out.width, needed)
    out.print(table, crop=False)
    out.width = width


def _stacked(table: Table) -> Table:
    """A table whose rows are below each other, a cell a line, under their first one."""
    first, *others = table.columns
    stacked = Table(box=None, pad_edge=False, show_header=False)
    stacked.add_column(no_wrap=True)
    stacked.add_column(no_wrap=True)
    for name, *cells in zip(*(column.cells for column in table.columns), strict=True):
        stacked.add_row(first.header, name, style="bold")
        for column, cell in zip(others, cells, strict=True):
            stacked.add_row(column.header, cell)
        stacked.add_row()
    return stacked


def text(blocks: Iterable[Block]) -> str:
    """The same as a text."""
    file = io.StringIO()
    plain = {"force_terminal": False, "force_jupyter": False, "color_system": None}
    _print(*blocks, out=Console(file=file, highlight=False, width=200, **plain))
    return file.getvalue().rstrip("\n")


def print_run(run: Run, following: str) -> None:
    """A finished run, and the command `following`."""
    _print(*run_blocks(run), f"Next: {following}")


def run_blocks(run: Run) -> list[Block]:
    """A finished run: its scores by part, and its floor."""
    record, config = run.metrics, run.config
    return [
        f"{config.variant} on {config.dataset}, seed {config.seed}: "
        f"{record['parameters']:,} parameters, {counted(record['epochs'], 'epoch')} "
        f"in {record['train_seconds']:.1f} s "
        f"({record['examples_per_second']:,.0f} examples/s, compiling included; "
        f"{record['kernel']['words']}); " + _kept(record["best_epoch"]),
        scores_table(record),
        *run_told(record),
        f"Run: {run.folder}",
    ]


def _kept(best_epoch: int) -> str:
    if best_epoch:
        return f"weights of epoch {best_epoch}."
    return "no epoch did better on the validation part than the untrained weights, which are kept."


def print_evaluation(record: dict) -> None:
    """A run's scores, computed again."""
    _print(*evaluation_blocks(record))


def evaluation_blocks(record: dict) -> list[Block]:
    """A run's scores, computed again."""
    said = [beats_floor(record), *lag_line(record), *metric_faults(record)]
    return [f"{record['run']}:", scores_table(record), *said]


def print_rows(columns: list[str], rows: Sequence[Sequence], texts: Collection[str] = ()) -> None:
    """Rows of numbers and, in the columns `texts`, of texts."""
    _print(rows_table(columns, rows, texts))


def rows_table(columns: list[str], rows: Sequence[Sequence], texts: Collection[str] = ()) -> Table:
    """The same as a table."""
    table = _table(*columns, texts=texts)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def _text(value: str) -> Text:
    """A text as it stands, harmless on a terminal."""
    return Text(harmless(value))


def _cell(value: object) -> Text:
    return _text("" if value is None else number(value) if isinstance(value, float) else str(value))


def print_runs(lines: list[dict]) -> None:
    """Runs, a line each."""
    _print(runs_table(lines))


def runs_table(lines: list[dict]) -> Table:
    """Runs, a line each."""
    table = _table("run", "model", "metric", "score", "floor")
    for line in lines:
        done = line["state"] == "finished"
        metric = words(line["metric"]) if done else line["state"]
        names = [printable(line["run"]), line["variant"] or "–"]
        scores = [number(line["score"]), number(line["floor"])]
        table.add_row(*map(_text, [*names, metric, *scores]))
    return table


def print_contrast(found: dict) -> None:
    """Runs side by side."""
    _print(*contrast_blocks(found))


def contrast_blocks(found: dict) -> list[Block]:
    """Runs side by side: their names and numbers, what differs, and their scores."""
    named = [f"{number}: {line['run']}" for number, line in enumerate(found["runs"], 1)]
    numbers = [str(number) for number in range(1, len(named) + 1)]
    blocks: list[Block] = ["\n".join(named)]
    if not found["settings"]:
        blocks.append("They differ in no setting.")
    scores = {words(name): values for name, values in found["scores"].items()}
    for title, told in (("setting", found["settings"]), ("score", scores)):
        if told:
            rows = [[name, *map(_value, values)] for name, values in told.items()]
            blocks.append(rows_table([title, *numbers], rows))
    return blocks


def _value(value: object) -> object:
    """A setting or a score as a cell has it."""
    if type(value) is int:
        return f"{value:,}"
    return value if isinstance(value, float | str) else "–" if value is None else f"{value}"


def scores_table(record: dict) -> Table:
    """Every metric of metrics.json, a column a part, and what the floor scores on the test part."""
    columns = {part: record[part] for part in ("train", "validation", "test") if record[part]}
    columns["floor"] = record["floor"].get("scores", {})
    table = _table("metric", *columns)
    for name in record["test"]:
        scores = [number(scores.get(name)) for scores in columns.values()]
        table.add_row(*map(_text, [words(name), *scores]))
    return table


def print_results(results: dict, output: str | None) -> None:
    """A comparison, where it was written, and the command that draws it."""
    _print(*results_blocks(results))
    if output:
        page = shlex.join(["lstm-zoo", "report", output, "-o", "page.html"])
        _print(f"Results: {output}", f"Next: {page}")


def results_blocks(results: dict) -> list[Block]:
    """A comparison: one table, the floor, and a verdict for each pair."""
    return [
        results_table(results),
        *speeds(results),
        *floor_lines(results),
        *remarks(results),
        *verdicts(results),
        *_other_lengths(results),
        *_backtest(results),
    ]


def _backtest(results: dict) -> list[Block]:
    if not backtest.folds(results):
        return []
    tables = [filled(*backtest.score_rows(results)), filled(*backtest.fold_rows(results))]
    return [*tables, *backtest.lines(results)]


def _other_lengths(results: dict) -> list[Block]:
    if not lengths.tested(results):
        return []
    return [filled(*lengths.rows(results)), *lengths.lines(results)]


_COLUMNS = ("± std", "95 % interval", "worst", "best", "at floor")
_COSTS = ("parameters", "multiply-adds", "seconds")


def results_table(results: dict) -> Table:
    """A row a model."""
    return filled(*results_rows(results))


def filled(header: list[str], rows: list[list[str]]) -> Table:
    """A table of these rows."""
    table = _table(*header)
    for row in rows:
        table.add_row(*map(_text, row))
    return table


def results_rows(results: dict) -> tuple[list[str], list[list[str]]]:
    """The columns of a comparison's table, and a row a model."""
    header = ["model", words(results["metric"]["name"]), *_COLUMNS, *_COSTS]
    return header, [_row(model) for model in results["models"]]


def _row(model: dict) -> list[str]:
    done = finished(model)
    failed = f" ({model['failures']} failed)" if model["failures"] else ""
    return [
        model["name"] + failed,
        number(model["mean"]),
        number(model["std"]),
        span(model["ci95"]),
        number(model["worst"]),
        number(model["best"]),
        f"{model['at_floor']} of {len(model['trials'])}",
        f"{model['parameters']:,}",
        "–" if model["multiply_adds"] is None else f"{model['multiply_adds']:,}",
        _mean([trial["train_seconds"] for trial in done], "{:.1f}"),
    ]


def _mean(values: list[float], form: str) -> str:
    return form.format(sum(values) / len(values)) if values else "–"


def print_outcome(outcome: dict, summary: str) -> None:
    """A recipe's outcome."""
    _print(*outcome_blocks(outcome, summary))


def outcome_blocks(outcome: dict, summary: str) -> list[Block]:
    """A recipe's numbers beside the published ones and the floor."""
    table = _table("metric", "value", "95 % interval", "seeds", "from", texts=("from",))
    for row in outcome_rows(outcome):
        table.add_row(*map(_text, row))
    return [f"{outcome['recipe']}: {summary}.", table, *outcome_lines(outcome)]


def outcome_rows(outcome: dict) -> list[list[str]]:
    """Each metric of ours, and right below it whatever stands beside it."""
    rows = []
    for name, ours in outcome["ours"].items():
        interval, seeds = span(ours["ci95"]), str(ours["seeds"])
        rows.append([words(name), number(ours["mean"]), interval, seeds, "ours"])
        rows += [
            ["", plus_minus(published), "", "", published["source"]]
            for published in outcome["published"]
            if published["metric"] == name
        ]
        floor = outcome["floor"]
        if name == outcome["metric"]["name"] or name.startswith("recall_"):
            of = f"the floor: {words(floor['name'])}"
            rows.append(["", number(floor["scores"][name]), "", "", of])
    return rows


def print_lags(result: dict) -> None:
    """The longest lags."""
    _print(*lags_blocks(result))


def lags_blocks(result: dict) -> list[Block]:
    """The longest lags: every lag tried, and a sentence a model."""
    return [filled(*lags.rows(result)), *lags.lines(result)]


def print_search(found: dict) -> None:
    """A search."""
    _print(*search_blocks(found))


def search_blocks(found: dict) -> list[Block]:
    """A search: its best trials, what the winner scores, and what it cost."""
    return [filled(*search.rows(found)), *search.lines(found)]
