"""What is said of runs, comparisons and recipes: sentences and the numbers in them."""

from __future__ import annotations

from pathlib import Path

from lstm_zoo.errors import counted
from lstm_zoo.runs import Run

_FEW = 3  # pairs that are told of in a sentence each


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


def span(ci95: list | None) -> str:
    """`0.9 to 1`; a dash for none."""
    return "–" if ci95 is None else f"{number(ci95[0])} to {number(ci95[1])}"


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


def told(results: dict) -> list[str]:
    """Everything that is said of a comparison, the verdict first."""
    return [*verdicts(results), *floor_lines(results)]


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
        f"{pair['difference']:+.4g} ({span(pair['ci95'])}), {p_text(pair['p_adjusted'])}."
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
