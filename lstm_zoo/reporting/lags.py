"""What is said of the longest lags: a sentence a model, and a table of every lag tried."""

from __future__ import annotations

from lstm_zoo.errors import counted, listed
from lstm_zoo.reporting.sentences import number, words


def lines(result: dict) -> list[str]:
    """What was asked, and how each model did, in words; `result` is what `lag_search` measured."""
    budget = result["budget"]
    rates = [f"{rate:g}" for rate in budget["learning_rates"]]
    one = len(budget["seeds"]) == 1
    most = "The seed has to, with" if one else "Most seeds have to, each with"
    return [
        *(model_told(model) for model in result["longest_lags"]),
        f"Solved: {result['solved']}, on fresh data. {most} at most "
        f"{counted(budget['updates'], 'update')} at each of the learning rates {listed(rates)}.",
    ]


def model_told(model: dict) -> str:
    """How far a model remembers."""
    name, longest, failed = model["model"], model["longest"], model["failed"]
    if model["parameters"]:
        name += f" ({model['parameters']:,} parameters)"
    if longest is None:
        text = f"{name} solves no lag: it failed at {counted(failed, 'step')} already."
    elif failed is None:
        text = f"{name} solves lags of at least {counted(longest, 'step')}: it never failed."
    else:
        text = f"{name} solves lags up to {counted(longest, 'step')}; it failed at {failed:,}."
    if model["out_of_order"]:
        further = listed(f"{steps:,}" for steps in model["out_of_order"])
        text += f" Out of order, it solved {further} all the same: more seeds would tell."
    return text


def point_told(name: str, point: dict) -> str:
    """One lag, as it is known."""
    verdict = "solved" if point["solved"] else "not solved"
    return (
        f"{name}: {counted(point['steps'], 'step')} {verdict} "
        f"({_solved(point)} seeds, in {point['train_seconds']:.0f} s of training)."
    )


def rows(result: dict) -> tuple[list[str], list[list[str]]]:
    """The columns of a table of every lag tried, and its rows."""
    metric = words(result["metric"])
    header = ["model", "steps", "solved by", metric, "floor", "learning rates", "seconds"]
    return header, [
        [
            model["model"],
            f"{point['steps']:,}",
            _solved(point),
            number(point["score"]),
            number(point["floor"]),
            _rates(point),
            f"{point['train_seconds']:.0f}",
        ]
        for model in result["longest_lags"]
        for point in model["points"]
    ]


def _solved(point: dict) -> str:
    seeds = point["seeds"]
    return f"{sum(seed['solved'] for seed in seeds)} of {len(seeds)}"


def _rates(point: dict) -> str:
    """The rates at which the seeds did best."""
    return ", ".join(f"{rate:g}" for rate in sorted({s["learning_rate"] for s in point["seeds"]}))
