"""results.json, read and checked: it holds what `compare` wrote, and nothing else.

A file that was cut short or edited by hand is damaged, and says where. Keys that this version does
not know are left alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import fmean, stdev

from lstm_zoo.errors import RunError, listed
from lstm_zoo.files import contents
from lstm_zoo.records import read_json

SCHEMA = 1
LARGEST = 1e75  # far above what a run scores, and its fourth power is still a float
LEVEL = 0.05  # of every test whose verdict a results.json holds


class Probability(float):
    """A number from 0 to 1."""


# A shape is a type (of int, at least 0), a constant, a tuple of alternatives, `[shape]` for a list,
# `[shape, shape]` for a pair, or an object's keys, of which `key?` may be missing and `*` is any.
_NUMBER, _COUNT, _FLAG, _TEXT = (float, None), (int, None), (bool, None), (str, None)
_P_VALUE = (Probability, None)
_FOLD = {
    "fold": int,
    "from": (str, int),
    "to": (str, int),
    "examples": int,
    "train_rows": int,
    "score": float,
    "floor": float,
}
_INTERVALS = {"level": Probability, "coverage": [Probability], "width": [float]}
_TRIAL = {
    "seed": int,
    "status": ("ok", "failed"),
    "score": _NUMBER,
    "metrics": ({"*": _NUMBER}, None),
    "floor": _NUMBER,
    "learned": _FLAG,
    "learned_p_value": _P_VALUE,
    "lag": ({}, None),
    "epochs": _COUNT,
    "best_epoch": _COUNT,
    "train_seconds": _NUMBER,
    "examples_per_second?": _NUMBER,
    "kernel?": _TEXT,
    "run": _TEXT,
    "error": _TEXT,
    "diverged": bool,
    "reused?": bool,
    "folds?": [_FOLD],
    "intervals?": _INTERVALS,
    "notes": [str],
}
_MODEL = {
    "name": str,
    "params": {},
    "train?": {},
    "parameters": _COUNT,
    "multiply_adds": _COUNT,
    "trials": [_TRIAL],
    "mean": _NUMBER,
    "std": _NUMBER,
    "ci95": ([float, float], None),
    "best": _NUMBER,
    "worst": _NUMBER,
    "failures": int,
    "diverged": int,
    "at_floor": int,
    "floor_test": {"p_value": _P_VALUE, "p_adjusted": _P_VALUE, "beaten": bool},
}
_EXAMPLES_TEST = {"test": str, "p_value": Probability, "examples": int, "difference": float}
_PAIR = {
    "a": str,
    "b": str,
    "difference": _NUMBER,
    "ci95": ([float, float], None),
    "p_value": _P_VALUE,
    "p_adjusted": _P_VALUE,
    "verdict": ("better", "worse", "inconclusive"),
    "seeds_needed": _COUNT,
    "examples_test": (_EXAMPLES_TEST, None),
    "seeds": int,
    "looks": int,
    "p_equal": _P_VALUE,
    "p_equal_adjusted": _P_VALUE,
    "equal": _FLAG,
}
_FLOOR = {"name": str, "value": _NUMBER, "low": _NUMBER, "high": _NUMBER, "scores?": {"*": _NUMBER}}
_EXAMPLES = {"train?": int, "validation?": int, "test": int}
_TESTED_MODEL = {
    "name": str,
    "trials": [{"seed": int, "score": _NUMBER}],
    "mean": _NUMBER,
    "std": _NUMBER,
    "ci95": ([float, float], None),
}
_TESTED = {
    "steps": int,
    "examples": int,
    "floor": {"name": str, "value": float},
    "models": [_TESTED_MODEL],
}
_CLASSICAL = {
    "name": str,
    "season?": (int, None),
    "scores": {"*": _NUMBER},
    "coverage?": [float],
    "folds": [float],
    "models": [{"name": str, "difference": _NUMBER, "p_value": _P_VALUE}],
}
_RESULTS = {
    "dataset": {"name": str, "sha256": str, "params": {}, "examples": _EXAMPLES},
    "task": _TEXT,
    "metric": ({"name": str, "better": ("higher", "lower")}, None),
    "floor": (_FLOOR, None),
    "floors": ({"*": _NUMBER}, None),
    "floor_scores?": {"*": {"*": _NUMBER}},
    "environment": {"versions": {}},
    "threads?": _COUNT,
    "devices?": _COUNT,
    "seeds": [int],
    "against?": _TEXT,
    "match?": _TEXT,
    "tune_lr?": _COUNT,
    "margin": _NUMBER,
    "notes": [str],
    "models": [_MODEL],
    "pairs": [_PAIR],
    "test_steps?": [_TESTED],
    "classical?": _CLASSICAL,
}
_WORDS = {int: "a whole number", float: "a number", bool: "true or false"}
_WORDS |= {str: "a text", None: "null", Probability: "a number from 0 to 1"}
_MISFIT = object()


def read(path: Path) -> dict:
    """The comparison that a results.json holds.

    Raises:
        RunError: it can't be read, is no results.json, is of another schema version, or is
            damaged: a value is missing, of another type or no finite number, or does not follow
            from the trials.
    """
    _check_json(path)
    results = read_json(path)
    if not {"schema", "models"} <= set(results):
        raise RunError(f"{path} is no results.json: lstm-zoo compare … -o {path.name} writes one.")
    schema = results["schema"]
    if type(schema) is not int or schema != SCHEMA:
        raise RunError(
            f"{path} is of schema version {_shown(schema)}, and this lstm-zoo reads version "
            f"{SCHEMA}: compare again, or use the lstm-zoo that wrote it."
        )
    fault = next(_faults(results), None)
    if fault:
        raise RunError(f"{path} is damaged, or was edited by hand: {fault}.")
    return results


def _check_json(path: Path) -> None:
    """What is no JSON at all is no damaged results.json; what can't be read is left to others.

    Raises:
        RunError: it begins as no JSON object does.
    """
    content = b""
    with suppress(OSError):
        content = contents(path).strip()
    if content[:1] not in (b"", b"{"):
        raise RunError(
            f"{path} is no results.json: it holds no JSON object, and lstm-zoo compare … -o "
            "results.json writes one."
        )


def scores_of(model: dict) -> dict[int, float]:
    """A model's scores by their seed, of the trials that have one."""
    return {t["seed"]: t["score"] for t in model["trials"] if t["score"] is not None}


def finished(model: dict) -> list[dict]:
    """A model's trials that ended well."""
    return [trial for trial in model["trials"] if trial["status"] == "ok"]


def _faults(results: dict) -> Iterator[str]:
    """What compare would not have written; the numbers are looked at where every type fits."""
    yield from _misfits(results, _RESULTS, "")
    yield from _models_faults(results)
    scores = {model["name"]: scores_of(model) for model in results["models"]}
    for tested in results.get("test_steps", ()):
        yield from _tested_faults(tested, [model["name"] for model in results["models"]])
    better = (results["metric"] or {}).get("better")
    for pair in results["pairs"]:
        yield from _pair_faults(pair, scores, better)


def _misfits(value: object, shape: object, place: str) -> Iterator[str]:
    """Where `value` is not of the `shape`."""
    shapes = shape if isinstance(shape, tuple) else (shape,)
    fitting = next((s for s in shapes if _is(value, s)), _MISFIT)
    if fitting is _MISFIT:
        yield f"{place} is {_shown(value)}, not {listed(map(_in_words, shapes), 'or')}"
    elif isinstance(fitting, list):
        for number, item in enumerate(value):
            yield from _misfits(item, fitting[0], f"{place}[{number}]")
    elif isinstance(fitting, dict):
        yield from _object_misfits(value, fitting, place)


def _object_misfits(value: dict, shape: dict, place: str) -> Iterator[str]:
    if "*" in shape:
        shape = dict.fromkeys(value, shape["*"])
    for key, expected in shape.items():
        name = key if key in value else key.removesuffix("?")
        where = f"{place}.{name}".lstrip(".")
        if name in value:
            yield from _misfits(value[name], expected, where)
        elif name == key:
            yield f"{where} is missing"


def _is(value: object, shape: object) -> bool:
    """Whether `value` is of the shape's kind, whatever is in it."""
    if isinstance(shape, list):
        return isinstance(value, list) and len(shape) in (1, len(value))
    if isinstance(shape, dict):
        return isinstance(value, dict)
    if shape in (float, Probability):
        least, most = (0, 1) if shape is Probability else (-LARGEST, LARGEST)
        return type(value) in (int, float) and least <= value <= most
    if shape is int:
        return type(value) is int and 0 <= value <= LARGEST
    return isinstance(value, shape) if isinstance(shape, type) else value == shape


def _in_words(shape: object) -> str:
    if isinstance(shape, list):
        return "a list" if len(shape) == 1 else f"a list of {len(shape)}"
    return "an object" if isinstance(shape, dict) else _WORDS.get(shape) or _shown(shape)


def _shown(value: object) -> str:
    """A value as JSON has it, cut where it is long."""
    try:
        text = json.dumps(value)
    except RecursionError:
        return "a list in a list in a list …"
    return text if len(text) <= 40 else f"{text[:40]}…"


def _models_faults(results: dict) -> Iterator[str]:
    models = results["models"]
    if not models:
        yield "it has no model"
    if (double := _double(model["name"] for model in models)) is not None:
        yield f"the model {_shown(double)} stands twice"
    for model in models:
        seeds = [trial["seed"] for trial in model["trials"]]
        if (double := _double(seeds)) is not None:
            yield f"the seed {double} of {model['name']} stands twice"
        for fault in _model_faults(model, results["metric"] or {}):
            yield f"{model['name']}: {fault}"
        if seeds != results["seeds"]:
            yield f"the seeds of {model['name']} are not those of the comparison"


def _tested_faults(tested: dict, names: list[str]) -> Iterator[str]:
    """Where the scores at another length do not follow from each other."""
    of = f"at {tested['steps']} steps"
    if [model["name"] for model in tested["models"]] != names:
        yield f"the models tested {of} are not those of the comparison"
    for model in tested["models"]:
        for fault in _summary_faults(model, f" {of}"):
            yield f"{model['name']}: {fault}"


def _model_faults(model: dict, metric: dict) -> Iterator[str]:
    """Where a model's numbers do not follow from each other."""
    for trial in model["trials"]:
        for fault in _trial_faults(trial, metric.get("name")):
            yield f"seed {trial['seed']} {fault}"
    scores = list(scores_of(model).values())
    yield from _summary_faults(model)
    for name, value in _extremes_and_counts(model["trials"], scores, metric).items():
        if model[name] != value:
            yield _contradiction(f"its {name}", model[name], "that of its trials", value)
    test = model["floor_test"]
    if test["beaten"] != bool(_significant(test["p_adjusted"])):
        yield "whether it beats its floor does not follow from p_adjusted"


def _summary_faults(model: dict, of: str = "") -> Iterator[str]:
    """Where a model's mean, deviation and interval do not follow from its scores."""
    scores = list(scores_of(model).values())
    for name, value in _moments(scores).items():
        if not _close(model[name], value, scores):
            what = f"its {name}{of}"
            yield _contradiction(what, model[name], "that of its trials' scores", value)
    yield from _interval_faults(f"its mean{of}", model["mean"], model["ci95"], scores)


def _trial_faults(trial: dict, metric: str | None) -> Iterator[str]:
    """Where a trial contradicts itself: the rest of a sentence that its seed begins."""
    score, failed = trial["score"], trial["status"] == "failed"
    if trial["diverged"] and not (failed and score == trial["floor"]):
        yield "diverged, and is not counted as failed at its floor"
    if failed and score is not None and not trial["diverged"]:
        yield "failed, and has a score"
    if not failed and score != (trial["metrics"] or {}).get(metric):
        yield f"has a score that is not its {metric or 'metric'}"
    if trial["learned"] != _significant(trial["learned_p_value"]):
        yield "is said to have learned or not, and learned_p_value says otherwise"


def _moments(scores: list[float]) -> dict[str, float | None]:
    return {
        "mean": fmean(scores) if scores else None,
        "std": stdev(scores) if len(scores) > 1 else None,
    }


def _extremes_and_counts(trials: list[dict], scores: list[float], metric: dict) -> dict:
    """What of a model is taken from its trials as it is."""
    best, worst = (max, min) if metric.get("better") == "higher" else (min, max)
    return {
        "best": best(scores, default=None),
        "worst": worst(scores, default=None),
        "failures": sum(trial["status"] == "failed" for trial in trials),
        "diverged": sum(trial["diverged"] for trial in trials),
        "at_floor": sum(trial["diverged"] or trial["learned"] is False for trial in trials),
    }


def _interval_faults(
    what: str, centre: float | None, ci95: list[float] | None, scores: list[float]
) -> Iterator[str]:
    """An interval that does not hold what it is of, but for the rounding of the `scores`."""
    if ci95 is None:
        return
    room = _rounding(scores)
    if centre is None or not ci95[0] - room <= centre <= ci95[1] + room:
        yield f"{what} is {_shown(centre)}, which its ci95 of {_shown(ci95)} does not hold"


def _pair_faults(
    pair: dict, scores: dict[str, dict[int, float]], better: str | None
) -> Iterator[str]:
    """Where a pair does not follow from its models' scores, or its verdict from its numbers."""
    a, b = pair["a"], pair["b"]
    if unknown := [name for name in (a, b) if name not in scores]:
        yield f"a pair names the model {_shown(unknown[0])}, which it does not have"
        return
    both = [(score, scores[b][seed]) for seed, score in scores[a].items() if seed in scores[b]]
    flat = [score for two in both for score in two]
    difference = fmean(x - y for x, y in both) if both else None
    of = f"{a} minus {b}"
    if not _close(pair["difference"], difference, flat):
        yield _contradiction(of, pair["difference"], "that of their scores", difference)
    yield from _interval_faults(of, pair["difference"], pair["ci95"], flat)
    if pair["seeds"] != len(both):
        yield f"{of} has {pair['seeds']} seeds, and both have a score of {len(both)}"
    if pair["verdict"] != (said := verdict(pair["difference"], pair["p_adjusted"], better)):
        yield f"{a} is said to be {pair['verdict']} than {b}, and its numbers say {said}"
    if pair["equal"] != _significant(pair["p_equal_adjusted"]):
        yield f"whether {a} and {b} are equal does not follow from p_equal_adjusted"


def verdict(difference: float | None, p_adjusted: float | None, better: str | None) -> str:
    """How a stands to b, by the difference and its p-value."""
    if not _significant(p_adjusted) or not difference:
        return "inconclusive"
    return "better" if (difference > 0) == (better == "higher") else "worse"


def _significant(p_value: float | None) -> bool | None:
    """What a test says; None where there was none."""
    return None if p_value is None else p_value < LEVEL


def _contradiction(what: str, value: object, other: str, expected: object) -> str:
    return f"{what} is {_shown(value)}, and {other} is {_shown(expected)}"


def _double(values: Iterable) -> object:
    """The first value that stands there twice, or None."""
    seen = set()
    return next((value for value in values if value in seen or seen.add(value)), None)


def _close(a: float | None, b: float | None, scores: list[float]) -> bool:
    """Whether two numbers are the same but for the rounding of the `scores`."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=_rounding(scores))


def _rounding(scores: list[float]) -> float:
    return 1e-9 * max(map(abs, scores), default=0)
