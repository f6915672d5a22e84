"""Results as tables and sentences, for a terminal and for Markdown."""

from __future__ import annotations

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from lstm_zoo.errors import counted
from lstm_zoo.runs import Run


def console() -> Console:
    """Stdout; as wide as it takes where it is no terminal."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=200)


def _table(*columns: str) -> Table:
    """A table whose first column is text and whose others are numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    return table


def _print(*lines: str | Table) -> None:
    """Lines and tables; a table too wide for the terminal runs on, and breaks no number."""
    out = console()
    for line in lines:
        if isinstance(line, Table):
            needed = Measurement.get(out, out.options.update(max_width=1000), line).maximum
            Console(highlight=False, width=max(out.width, needed)).print(line)
        else:
            out.print(Text(line), soft_wrap=not out.is_terminal)


def number(value: float | None) -> str:
    """Four significant digits; a dash for none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e15 else f"{value:.4g}"


def p_text(p_value: float) -> str:
    """`p = 0.03`; a very small one only as such."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def words(name: str) -> str:
    """A metric's or floor's name, as it is said."""
    return {"majority": "the most frequent class", "last_value": "the last value"}.get(
        name, name.replace("_", " ")
    )


def print_run(run: Run, following: str) -> None:
    """A finished run: its scores by part, its floor, and the command `following`."""
    record, config = run.metrics, run.config
    _print(
        f"{config.variant} on {config.dataset}, seed {config.seed}: "
        f"{record['parameters']:,} parameters, {counted(record['epochs'], 'epoch')} "
        f"in {record['train_seconds']:.1f} s "
        f"({record['examples_per_second']:,.0f} examples/s); " + _kept(record["best_epoch"]),
        scores_table(record),
        beats_floor(record),
        *record["notes"],
        "This is one seed; another may score differently.",
        f"Run: {run.folder}",
        f"Next: {following}",
    )


def _kept(best_epoch: int) -> str:
    if best_epoch:
        return f"weights of epoch {best_epoch}."
    return "no epoch did better on the validation part than the untrained weights, which are kept."


def print_evaluation(run: Run, record: dict) -> None:
    """A run's scores, computed again."""
    _print(f"{run.folder}:", scores_table(record), beats_floor(record))


def print_rows(columns: list[str], rows: list[tuple]) -> None:
    """Predictions, a line each."""
    table = _table(*columns)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _print(table)


def _cell(value: object) -> Text:
    return Text("" if value is None else number(value) if isinstance(value, float) else str(value))


def print_runs(lines: list[dict]) -> None:
    """Runs, a line each."""
    table = _table("run", "model", "metric", "score", "floor")
    for line in lines:
        finished = line["state"] == "finished"
        metric = words(line["metric"]) if finished else line["state"]
        scores = [number(line["score"]), number(line["floor"])]
        table.add_row(Text(line["run"]), Text(line["variant"] or "–"), metric, *scores)
    _print(table)


def scores_table(record: dict) -> Table:
    """Every metric of metrics.json, a column a part, the floors beside the main one."""
    parts = [part for part in ("train", "validation", "test") if record[part]]
    table = _table("metric", *parts)
    for name in record["test"]:
        table.add_row(words(name), *(number(record[part][name]) for part in parts))
    return table


def beats_floor(record: dict) -> str:
    """Whether the main metric beats the trivial answer, in words."""
    metric, floor = record["metric"], record["floor"]
    others = [
        f"{words(name)} {number(value)}"
        for name, value in record["floors"].items()
        if name != floor["name"]
    ]
    told = f"{words(floor['name'])}, {words(metric['name'])} {number(floor['value'])}"
    verdict = "Beats its floor" if record["learned"] else "Not better than its floor"
    also = f" Other trivial answers: {', '.join(others)}." if others else ""
    return (
        f"{verdict} ({told}; {p_text(record['learned_p_value'])}, {record['learned_test']}).{also}"
    )


def print_results(results: dict, output: str | None) -> None:
    """A comparison: one table, the floor, and a verdict for each pair."""
    _print(results_table(results), *floor_lines(results), *verdicts(results))
    if output:
        _print(f"Results: {output}")


_FEW = 3  # pairs that are told of in a sentence each
_COLUMNS = ("model", "mean", "± std", "95 % interval", "parameters", "epochs", "seconds")


def results_table(results: dict) -> Table:
    """A row a model."""
    table = _table(*_header(results))
    for row in _rows(results):
        table.add_row(*(Text(cell) for cell in row))
    return table


def results_markdown(results: dict) -> str:
    """The same table and sentences as Markdown."""
    header = _header(results)
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *_rows(results)]
    table = "\n".join(f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines)
    return "\n\n".join([table, *floor_lines(results), *verdicts(results)])


def _header(results: dict) -> list[str]:
    metric = results["metric"]["name"] if results["metric"] else "score"
    return [_COLUMNS[0], words(metric), *_COLUMNS[2:]]


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;")


def _rows(results: dict) -> list[list[str]]:
    return [_row(model) for model in results["models"]]


def _row(model: dict) -> list[str]:
    done = [trial for trial in model["trials"] if trial["status"] == "ok"]
    failed = f" ({model['failures']} failed)" if model["failures"] else ""
    return [
        model["name"] + failed,
        number(model["mean"]),
        number(model["std"]),
        _interval(model["ci95"]),
        "–" if model["parameters"] is None else f"{model['parameters']:,}",
        _mean([trial["epochs"] for trial in done], "{:.0f}"),
        _mean([trial["train_seconds"] for trial in done], "{:.1f}"),
    ]


def _interval(ci95: list | None) -> str:
    return "–" if ci95 is None else f"{number(ci95[0])} to {number(ci95[1])}"


def _mean(values: list[float], form: str) -> str:
    return form.format(sum(values) / len(values)) if values else "–"


def floor_lines(results: dict) -> list[str]:
    """The trivial answer, and which models did not beat it in every seed."""
    if not results["floor"]:
        return ["No training finished, so there is nothing to compare."]
    floor, metric = results["floor"], results["metric"]["name"]
    lines = [f"Floor: {words(floor['name'])}, {words(metric)} {number(floor['value'])}."]
    for model in results["models"]:
        done = [trial for trial in model["trials"] if trial["status"] == "ok"]
        records = [Run(Path(trial["run"])).metrics for trial in done]
        lines += _remarks(model["name"], records)
    return lines


def _remarks(name: str, records: list[dict]) -> list[str]:
    """What is to be known of a model's score: nothing learned, untrained weights, notes."""
    learned = sum(record["learned"] for record in records)
    untrained = sum(record["best_epoch"] == 0 for record in records)
    lines = []
    if learned < len(records):
        lines.append(f"{name}: {beaten(learned, len(records)).lower()}.")
    if untrained:
        lines.append(
            f"{name}: no epoch did better on the validation part than the untrained weights in "
            f"{untrained} of {counted(len(records), 'seed')}; they were kept there."
        )
    return lines + list(dict.fromkeys(note for record in records for note in record["notes"]))


def verdicts(results: dict) -> list[str]:
    """A sentence for each pair that is told apart, and one for those that are not."""
    lines, open_pairs = [], []
    for pair in results["pairs"]:
        if pair["verdict"] == "inconclusive":
            open_pairs.append(pair)
        else:
            lines.append(_verdict(pair, results["metric"]["name"]))
    if len(open_pairs) > _FEW:
        return [*lines, _all_undecided(open_pairs, results)]
    return lines + [_undecided(pair, results) for pair in open_pairs]


def _verdict(pair: dict, metric: str) -> str:
    return (
        f"{pair['a']} is {pair['verdict']} than {pair['b']}: {words(metric)} "
        f"{pair['difference']:+.4g} ({_interval(pair['ci95'])}), {p_text(pair['p_adjusted'])}."
    )


def _undecided(pair: dict, results: dict) -> str:
    """Why a pair is not told apart, and how many seeds it would take."""
    seeds = len(results["models"][0]["trials"])
    text = f"{pair['a']} and {pair['b']} cannot be told apart with {counted(seeds, 'seed')}"
    if pair["examples_test"]:
        test = pair["examples_test"]
        return (
            f"{text}; on these {test['examples']:,} test examples {p_text(test['p_value'])} "
            f"({test['test']}), which does not cover other seeds."
        )
    if pair["seeds_needed"]:
        return f"{text}; about {pair['seeds_needed']} would be needed if the difference is real."
    return f"{text}."


def _all_undecided(pairs: list[dict], results: dict) -> str:
    """The same of many pairs, in short."""
    seeds = len(results["models"][0]["trials"])
    if seeds == 1:
        return (
            f"One seed tells none of the {len(pairs)} pairs apart; the results (-o, --json) have "
            "each pair's test over the test examples."
        )
    told = ", ".join(f"{pair['a']} / {pair['b']}{_in_short(pair)}" for pair in pairs)
    return f"Cannot be told apart with {counted(seeds, 'seed')}: {told}."


def _in_short(pair: dict) -> str:
    return f" (about {pair['seeds_needed']} needed)" if pair["seeds_needed"] else ""


def print_outcome(outcome: dict) -> None:
    """A recipe's numbers beside the published ones."""
    table = _table("metric", "ours", "95 % interval", "seeds")
    for name, ours in outcome["ours"].items():
        row = [number(ours["mean"]), _interval(ours["ci95"]), str(ours["seeds"])]
        table.add_row(words(name), *row)
    _print(f"{outcome['recipe']}:", table, *outcome_lines(outcome))


def outcome_lines(outcome: dict) -> list[str]:
    """What the numbers say, in words."""
    lines = [_published(number, outcome) for number in outcome["published"]]
    lines = lines or ["No number is published for this recipe."]
    if outcome["floor"] and outcome["ours"]:
        lines.append(_beside_floor(outcome))
    if outcome["differences"]:
        lines.append(f"Not the recipe's protocol: {'; '.join(outcome['differences'])}.")
    return lines


def _published(published: dict, outcome: dict) -> str:
    name = words(published["metric"])
    text = f"Published: {name} {number(published['value'])} ({published['source']})."
    if published["agrees"] is None:
        return f"{text} It has no number of ours to stand beside."
    agrees = "agree" if published["agrees"] else "do not agree"
    text = f"{text} We {agrees} within the tolerance of {number(published['tolerance'])}."
    if published["relation"] is None:
        return text
    low, high = published["prediction_interval"]
    return (
        f"{text} It lies {published['relation']} what one more seed of ours would give "
        f"(95 % prediction interval {number(low)} to {number(high)})."
    )


def _beside_floor(outcome: dict) -> str:
    """Plainly: does the recipe beat the trivial answer, and how far is it from it?"""
    metric, floor, seeds = outcome["metric"], outcome["floor"], len(outcome["runs"])
    told = f"{words(floor['name'])}, {words(metric['name'])} {number(floor['value'])}"
    if metric["better"] == "lower" and floor["value"]:
        ratio = outcome["ours"][metric["name"]]["mean"] / floor["value"]
        told += f"; ours is {ratio:.3f} times that"
    return f"{beaten(outcome['seeds_beating_floor'], seeds)} ({told})."


def beaten(learned: int, seeds: int) -> str:
    """In how many seeds the floor is beaten, by the test over the test examples."""
    if seeds == 1:
        return (
            "Beats its floor in this seed" if learned else "Not better than its floor in this seed"
        )
    if not learned:
        return "Not better than its floor in any seed"
    return (
        f"Beats its floor in {'every seed' if learned == seeds else f'{learned} of {seeds} seeds'}"
    )
