"""What is told of a walk-forward backtest: its folds, its intervals, and a classical model."""

from __future__ import annotations

from statistics import fmean

from lstm_zoo.errors import listed
from lstm_zoo.reporting.sentences import number, p_text, percent, words
from lstm_zoo.results import LEVEL, finished

_SCORES = ("mae", "mase", "skill")  # beside the main one


def folds(results: dict) -> list[dict]:
    """The folds as a training of the first model that finished has them; none of no backtest."""
    every = (_of(model) for model in results["models"])
    return next(([fold[0] for fold in each] for each in every if each), [])


def _of(model: dict) -> list[list[dict]]:
    """A model's folds, those of all its seeds together."""
    every = [trial["folds"] for trial in finished(model) if trial.get("folds")]
    return [list(fold) for fold in zip(*every, strict=True)]


def lines_by_fold(results: dict) -> dict[str, list[float]]:
    """The scores by fold: each model's means over its seeds, and the classical model's."""
    lines, classical = {}, results.get("classical")
    for model in results["models"]:
        if each := _of(model):
            lines[model["name"]] = [fmean(one["score"] for one in fold) for fold in each]
    return lines | ({classical["name"]: classical["folds"]} if classical else {})


def fold_rows(results: dict) -> tuple[list[str], list[list[str]]]:
    """The columns of the scores by fold, and a row a fold."""
    lines = lines_by_fold(results)
    header = ["fold", "test part", "examples", words(results["floor"]["name"]), *lines]
    return header, [
        [
            str(fold["fold"]),
            f"{fold['from']} to {fold['to']}",
            f"{fold['examples']:,}",
            number(fold["floor"]),
            *(number(scores[place]) for scores in lines.values()),
        ]
        for place, fold in enumerate(folds(results))
    ]


def score_rows(results: dict) -> tuple[list[str], list[list[str]]]:
    """The columns of the other scores, and a row a model: means over the seeds.

    The trivial answers, which have no intervals, and the classical model come last.
    """
    classical, models = results.get("classical"), [m for m in results["models"] if finished(m)]
    level = next((percent(i["level"]) for model in models for i in _intervals(model)), None)
    covered = [f"{level} intervals cover"] if level else []
    rows = [
        _scores(model["name"], [trial["metrics"] for trial in finished(model)], _covered(model))
        for model in models
    ]
    rows += [_scores(words(n), [one], "–") for n, one in results.get("floor_scores", {}).items()]
    if classical:
        covered_by = _words(classical.get("coverage"))
        rows.append(_scores(classical["name"], [classical["scores"]], covered_by))
    header = ["model", *map(words, _SCORES), *covered]
    return header, [row[: len(header)] for row in rows]


def _scores(name: str, scores: list[dict], covered: str) -> list[str]:
    means = [[one[score] for one in scores if one[score] is not None] for score in _SCORES]
    return [name, *(number(fmean(values) if values else None) for values in means), covered]


def _intervals(model: dict) -> list[dict]:
    return [trial["intervals"] for trial in finished(model) if trial.get("intervals")]


def _covered(model: dict) -> str:
    """The coverage over seeds and steps."""
    every = [intervals["coverage"] for intervals in _intervals(model)]
    return _words([fmean(one) for one in zip(*every, strict=True)])


def _words(steps: list[float] | None) -> str:
    """The coverage over the steps; that of the furthest where there are several."""
    if not steps:
        return "–"
    ends = f" (step 1: {percent(steps[0])}, step {len(steps)}: {percent(steps[-1])})"
    return percent(fmean(steps)) + (ends if len(steps) > 1 else "")


def lines(results: dict) -> list[str]:
    """How each model stands to the classical one."""
    classical = results.get("classical")
    if not classical:
        return []
    metric = results["metric"]["name"]
    score = number(classical["scores"][metric])
    rows = classical.get("season")
    season = f"a season of {rows:,} rows" if rows else "no season (--data period=N gives one)"
    told = [
        f"{classical['name']}, fitted anew before each fold, with {season}: "
        f"{words(metric)} {score}."
    ]
    by_verdict: dict[str, list[str]] = {}
    for model in classical["models"]:
        if model["p_value"] is not None:
            verdict = _verdict(model)
            by_verdict.setdefault(verdict, []).append(
                f"{model['name']} ({p_text(model['p_value'])})"
            )
    told += [
        f"{listed(names)}: {verdict} {classical['name']}, by the Diebold–Mariano test."
        for verdict, names in by_verdict.items()
    ]
    return told


def _verdict(model: dict) -> str:
    if model["p_value"] >= LEVEL:
        return "cannot be told apart from"
    return "better than" if model["difference"] < 0 else "worse than"
