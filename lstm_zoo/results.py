"""results.json, read and checked: it holds what `compare` wrote, and nothing else.

A file that was cut short or edited by hand is damaged, and says where. Keys that this version does
not know are left alone.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean, stdev

from lstm_zoo.errors import RunError, listed
from lstm_zoo.runs import read_json

SCHEMA = 1
LARGEST = 1e75  # far above what a run scores, and its fourth power is still a float
LEVEL = 0.05  # of every test whose verdict a results.json holds

# A shape is a type (of int, at least 0), a constant, a tuple of alternatives, `[shape]` for a list,
# `[shape, shape]` for a pair, or an object's keys, of which `key?` may be missing and `*` is any.
_NUMBER, _COUNT, _FLAG, _TEXT = (float, None), (int, None), (bool, None), (str, None)
_TRIAL = {
    "seed": int,
    "status": ("ok", "failed"),
    "score": _NUMBER,
    "metrics": ({"*": _NUMBER}, None),
    "floor": _NUMBER,
    "learned": _FLAG,
    "learned_p_value": _NUMBER,
    "lag": ({}, None),
    "epochs": _COUNT,
    "best_epoch": _COUNT,
    "train_seconds": _NUMBER,
    "run": _TEXT,
    "error": _TEXT,
    "diverged": bool,
    "reused?": bool,
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
    "floor_test": ({"p_value": _NUMBER, "p_adjusted": _NUMBER, "beaten": bool}, None),
}
_PAIR = {
    "a": str,
    "b": str,
    "difference": _NUMBER,
    "ci95": ([float, float], None),
    "p_value": _NUMBER,
    "p_adjusted": _NUMBER,
    "verdict": ("better", "worse", "inconclusive"),
    "seeds_needed": _COUNT,
    "examples_test": ({"test": str, "p_value": float, "examples": int}, None),
    "seeds": int,
    "looks": int,
    "p_equal": _NUMBER,
    "p_equal_adjusted": _NUMBER,
    "equal": _FLAG,
}
_FLOOR = {"name": str, "value": _NUMBER, "low": _NUMBER, "high": _NUMBER}
_RESULTS = {
    "dataset": {"name": str, "sha256": str, "params": {}, "examples": {"*": int}},
    "task": _TEXT,
    "metric": ({"name": str, "better": ("higher", "lower")}, None),
    "floor": (_FLOOR, None),
    "floors": ({"*": _NUMBER}, None),
    "environment": {"versions": {}},
    "threads?": _COUNT,
    "seeds": [int],
    "against?": _TEXT,
    "match?": _TEXT,
    "tune_lr?": _COUNT,
    "margin": _NUMBER,
    "notes": [str],
    "models": [_MODEL],
    "pairs": [_PAIR],
}
_WORDS = {int: "a whole number", float: "a number", bool: "true or false"}
_WORDS |= {str: "a text", None: "null"}
_MISFIT = object()


def read(path: Path) -> dict:
    """The comparison that a results.json holds.

    Raises:
        RunError: it can't be read, is no results.json, is of another schema version, or is
            damaged: a value is missing, of another type or no finite number, or a number does not
            follow from the trials' scores.
    """
    results = read_json(path)
    if not {"schema", "models"} <= set(results):
        raise RunError(f"{path} is no results.json: lstm-zoo compare … -o {path.name} writes one.")
    schema = results["schema"]
    if type(schema) is not int or schema != SCHEMA:
        raise RunError(
            f"{path} is of schema version {reprlib.repr(schema)}, and this lstm-zoo reads version "
            f"{SCHEMA}: compare again, or use the lstm-zoo that wrote it."
        )
    fault = next(_faults(results), None)
    if fault:
        raise RunError(f"{path} is damaged, or was edited by hand: {fault}.")
    return results


def scores_of(model: dict) -> dict[int, float]:
    """A model's scores by their seed, of the trials that have one."""
    return {t["seed"]: t["score"] for t in model["trials"] if t["score"] is not None}


def _faults(results: dict) -> Iterator[str]:
    """What compare would not have written; the numbers are looked at where every type fits."""
    yield from _misfits(results, _RESULTS, "")
    yield from _models_faults(results)
    scores = {model["name"]: scores_of(model) for model in results["models"]}
    for pair in results["pairs"]:
        yield from _pair_faults(pair, scores)


def _misfits(value: object, shape: object, place: str) -> Iterator[str]:
    """Where `value` is not of the `shape`."""
    shapes = shape if isinstance(shape, tuple) else (shape,)
    fitting = next((s for s in shapes if _is(value, s)), _MISFIT)
    if fitting is _MISFIT:
        yield f"{place} is {reprlib.repr(value)}, not {listed(map(_in_words, shapes), 'or')}"
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
    if shape is float:
        return type(value) in (int, float) and abs(value) <= LARGEST
    if shape is int:
        return type(value) is int and 0 <= value <= LARGEST
    return isinstance(value, shape) if isinstance(shape, type) else value == shape


def _in_words(shape: object) -> str:
    if isinstance(shape, list):
        return "a list" if len(shape) == 1 else f"a list of {len(shape)}"
    return "an object" if isinstance(shape, dict) else _WORDS.get(shape, repr(shape))


def _models_faults(results: dict) -> Iterator[str]:
    models, metric = results["models"], results["metric"]
    if not models:
        yield "it has no model"
    if (double := _double(model["name"] for model in models)) is not None:
        yield f"the model {double!r} stands twice"
    for model in models:
        if (double := _double(trial["seed"] for trial in model["trials"])) is not None:
            yield f"the seed {double} of {model['name']} stands twice"
        for fault in _model_faults(model, metric and metric["name"]):
            yield f"{model['name']}: {fault}"


def _model_faults(model: dict, metric: str | None) -> Iterator[str]:
    """Where a model's numbers do not follow from each other."""
    for trial in model["trials"]:
        score, failed = trial["score"], trial["status"] == "failed"
        if failed and score is not None and not trial.get("diverged"):
            yield f"seed {trial['seed']} failed, and has a score"
        if not failed and score != (trial["metrics"] or {}).get(metric):
            yield f"the score of seed {trial['seed']} is not its {metric}"
    scores = list(scores_of(model).values())
    expected = {
        "mean": fmean(scores) if scores else None,
        "std": stdev(scores) if len(scores) > 1 else None,
    }
    for name, value in expected.items():
        if not _close(model[name], value, scores):
            yield f"its {name} is {model[name]}, and that of its trials' scores is {value}"


def _pair_faults(pair: dict, scores: dict[str, dict[int, float]]) -> Iterator[str]:
    """Where a pair does not follow from its models' scores."""
    a, b = pair["a"], pair["b"]
    if unknown := [name for name in (a, b) if name not in scores]:
        yield f"a pair names the model {unknown[0]!r}, which it does not have"
        return
    both = [(score, scores[b][seed]) for seed, score in scores[a].items() if seed in scores[b]]
    difference = fmean(x - y for x, y in both) if both else None
    if not _close(pair["difference"], difference, [score for two in both for score in two]):
        yield f"{a} minus {b} is {pair['difference']}, and that of their scores is {difference}"
    told_apart = pair["p_adjusted"] is not None and pair["p_adjusted"] < LEVEL
    if pair["verdict"] != "inconclusive" and not told_apart:
        yield f"{a} is said to be {pair['verdict']} than {b}, and p_adjusted does not say so"


def _double(values: Iterable) -> object:
    """The first value that stands there twice, or None."""
    seen = set()
    return next((value for value in values if value in seen or seen.add(value)), None)


def _close(a: float | None, b: float | None, scores: list[float]) -> bool:
    """Whether two numbers are the same but for the rounding of the `scores`."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9 * max(map(abs, scores)))
