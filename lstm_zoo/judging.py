"""A verdict for CI: are new results as good as a baseline's, or as a number that is asked for?

Each check is one of two pairs of one-sided tests at 5 %, with Holm's correction over all checks,
once for what passes and once for what regresses:

    against a baseline    d = new − base, signed so that plus is better: Welch's test over the
                          seeds, which need not be the same. Pass if d is above −margin,
                          regression if it is below.
    at least, at most     Student's test of the mean over the seeds. Pass if it is beyond the
                          value, regression if it is short of it.

Where neither can be said, the check is inconclusive. Seed-for-seed identical scores pass without a
test; otherwise one score on either side is inconclusive. What can't be compared is a verdict of its
own, and never a pass. `Check.lower` and `Check.upper` are the one-sided 95 % bounds, not corrected.

The tests assume what `statistics.welch` and `statistics.mean_bounds` do: independent seeds and
about normal scores. A verdict holds for this test part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath
from statistics import fmean
from typing import Literal

from lstm_zoo.config import LATER_SERIES, TRAINING
from lstm_zoo.errors import UnknownName, counted, few
from lstm_zoo.reporting.sentences import number, words
from lstm_zoo.results import LEVEL
from lstm_zoo.statistics import Bounds, holm, mean_bounds, welch
from lstm_zoo.verdicts import possible

# The worst first: the worst outcome of a check is the gate's.
EXIT_CODES = {"not-comparable": 5, "regression": 3, "inconclusive": 4, "pass": 0}
MARGIN = 0.01  # of a score, where higher is better
RELATIVE_MARGIN = 0.05  # of the baseline's mean, for an error
_ONE_SEED = "has fewer than two seeds where two are needed"


@dataclass(frozen=True)
class Condition:
    """What `--at-least` or `--at-most` asks of a metric's mean."""

    kind: Literal["at-least", "at-most"]
    metric: str
    value: float


@dataclass(frozen=True)
class Check:
    """One question of the gate, and its answer; None is what it has not.

    Args:
        model: the model that is judged; None where nothing of the two files can be compared.
        check: `baseline`, `at-least` or `at-most`.
        metric: the metric's name.
        limit: what the bounds are held against: −margin, or the value that is asked for.
        margin: how much worse than the baseline is still a pass, in the metric's unit.
        baseline: the mean of the baseline's scores.
        new: the mean of the new scores.
        difference: new − baseline, signed so that plus is better.
        lower: the one-sided 95 % bound that the difference, or the mean, is above.
        upper: the one that it is below.
        p_pass: the p-value of passing, Holm-adjusted.
        p_regression: that of a regression.
        verdict: `pass`, `regression`, `inconclusive` or `not-comparable`.
        reason: why: the rest of a sentence that the model's name begins.
    """

    model: str | None
    check: str
    metric: str | None = None
    limit: float | None = None
    margin: float | None = None
    baseline: float | None = None
    new: float | None = None
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    p_pass: float | None = None
    p_regression: float | None = None
    verdict: str = "inconclusive"
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """The gate's verdict, with the checks that it rests on and what else is to be known."""

    verdict: str
    checks: list[Check]
    warnings: list[str]


def judge(
    new: dict,
    base: dict | None = None,
    *,
    margin: float | None = None,
    conditions: Sequence[Condition] = (),
    models: Sequence[str] = (),
    own_metrics: Iterable[str] = (),
) -> Outcome:
    """Whether new results pass.

    Args:
        new: what a results.json holds, as `results.read` returns it.
        base: the same of the baseline.
        margin: how much worse a model may be, in the metric's unit; by default 0.01, and for an
            error 5 % of the baseline's mean.
        conditions: what is asked of every model's metrics, whatever the baseline.
        models: those to judge; by default all of the baseline, and all new ones for `conditions`.
        own_metrics: the names of zoo files' metrics, which these results may lack.

    Raises:
        UnknownName: a model or a metric is asked for that there can't be.
    """
    _check_names(models, new, base)
    for condition in conditions:
        _check_metric(condition.metric, new, own_metrics)
    checks = [] if base is None else _against(new, base, margin, models)
    checks = _settled(checks + _asked(new, conditions, models))
    verdicts = {check.verdict for check in checks}
    worst = next((name for name in EXIT_CODES if name in verdicts), "not-comparable")
    others = [] if base is None else _warnings(new, base, models)
    return Outcome(worst, checks, [*_diverged(new, models), *others])


def _check_names(models: Sequence[str], *sides: dict | None) -> None:
    known = {name: None for side in sides if side for name in _models(side)}
    for name in models:
        if name not in known:
            raise UnknownName("model in these results called", name, known)


def _check_metric(name: str, results: dict, own: Iterable[str]) -> None:
    """A metric that these results lack is looked up among all there are."""
    present = _metrics(results)
    if name not in present:
        from lstm_zoo.metrics import METRICS

        if name not in (known := [*present, *METRICS, *own]):
            raise UnknownName("metric", name, known)


def _models(results: dict) -> dict[str, dict]:
    return {model["name"]: model for model in results["models"]}


def _metrics(results: dict) -> list[str]:
    """The names of the metrics that any trial has, the main one first."""
    trials = [trial for model in results["models"] for trial in model["trials"]]
    main = [results["metric"]["name"]] if results["metric"] else []
    return list(dict.fromkeys(main + [name for t in trials for name in t["metrics"] or {}]))


def _against(new: dict, base: dict, margin: float | None, models: Sequence[str]) -> list[Check]:
    """A check for each model of the baseline; one for all where the files are of two kinds."""
    reason = None
    if differences := _differences(_terms(new), _terms(base)):
        reason = f"The new results differ from the baseline: {few(differences)}"
    elif base["metric"] is None:
        reason = "No training finished, neither in the new results nor in the baseline"
    if reason:
        return [Check(None, "baseline", verdict="not-comparable", reason=reason)]
    return [_against_one(name, new, base, margin) for name in models or _models(base)]


def _terms(results: dict) -> dict:
    """What two comparisons must share, so that their scores mean the same.

    Where a file lies is left out: the digest says what is in it.
    """
    data, metric = results["dataset"], results["metric"] or {}
    params = {f"--data {k}": v for k, v in data["params"].items() if not _is_path(v)}
    later = {f"--data {name}": value for name, value in LATER_SERIES.items()}
    params = {name: value for name, value in params.items() if later.get(name, ...) != value}
    terms = {"dataset": data["name"], "SHA-256": data["sha256"], "task": results["task"]}
    terms |= {f"--{key.replace('_', '-')}": results.get(key) for key in ("match", "tune_lr")}
    return terms | {"metric": metric.get("name"), "better": metric.get("better")} | params


def _is_path(value: object) -> bool:
    return isinstance(value, str) and (
        PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
    )


def _differences(new: dict, base: dict) -> list[str]:
    """`key new (baseline: base)` for every key that differs; what is not there is null."""
    return [
        f"{key} {_shown(new.get(key))} (baseline: {_shown(base.get(key))})"
        for key in {**base, **new}
        if new.get(key) != base.get(key)
    ]


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:12]}…"


def _against_one(name: str, new: dict, base: dict, margin: float | None) -> Check:
    """A model against the same one of the baseline, its test not yet settled."""
    metric, higher = base["metric"]["name"], base["metric"]["better"] == "higher"
    check = Check(name, "baseline", metric)
    if reason := next(_hindrances(name, metric, new, base), None):
        return replace(check, verdict="not-comparable", reason=reason)
    now, then = (_values(_models(side)[name], metric, side) for side in (new, base))
    mean, mean_then = fmean(now.values()), fmean(then.values())
    if margin is None:
        margin = MARGIN if higher else RELATIVE_MARGIN * abs(mean_then)
    better, worse = (now, then) if higher else (then, now)
    check = replace(
        check,
        limit=0 - margin,
        margin=margin,
        baseline=mean_then,
        new=mean,
        difference=mean - mean_then if higher else mean_then - mean,
    )
    if now == then:
        return replace(check, verdict="pass", reason="has the same scores with the same seeds")
    if min(len(now), len(then)) < 2:
        return replace(check, reason=_ONE_SEED)
    bounds = welch([*better.values()], [*worse.values()], _resolution(metric, new))
    return _tested(check, bounds)


def _hindrances(name: str, metric: str, new: dict, base: dict) -> Iterator[str]:
    """Why a model can't be compared with itself in the baseline."""
    yield from _missing(name, metric, new, "the new results")
    yield from _missing(name, metric, base, "the baseline")
    now, then = (_training(_models(side)[name], side) for side in (new, base))
    if now is None or then is None:
        yield "can't be compared: a file does not say how it was trained (epochs, batch size, …)"
    elif differences := _differences(now, then):
        yield f"was trained otherwise: {few(differences)}"


def _training(model: dict, results: dict) -> dict | None:
    """How a model was trained; a tuned learning rate is a result, and no part of the protocol.

    What an older lstm-zoo had no parameter for was done as its default does it.
    """
    if model.get("train") is None:
        return None
    training = {parameter.name: parameter.default for parameter in TRAINING} | model["train"]
    return training | {"learning_rate": None} if results.get("tune_lr") else training


def _missing(name: str, metric: str, results: dict, where: str) -> Iterator[str]:
    """What of a model's values is not there."""
    if name not in _models(results):
        yield f"is not in {where}, where {_there(list(_models(results)))}"
        return
    model = _models(results)[name]
    values = _values(model, metric, results)
    if not values:
        yield f"has no training in {where}"
    if metric not in _metrics(results):
        yield f"has no {words(metric)} in {where}; {_there(_metrics(results))}"
    errors = {trial["seed"]: trial["error"] for trial in model["trials"]}
    for seed, value in values.items():
        if value is None:
            why = f": {errors[seed]}" if errors[seed] else ""
            yield f"has no {words(metric)} for seed {seed} in {where}{why}"


def _there(names: list[str]) -> str:
    return f"there {'is' if len(names) == 1 else 'are'} {few(names)}"


def _values(model: dict, metric: str, results: dict) -> dict[int, float | None]:
    """A metric by seed; a diverged trial has none but the main one, its floor's."""
    main = results["metric"] is not None and metric == results["metric"]["name"]
    return {
        trial["seed"]: trial["score"] if main else (trial["metrics"] or {}).get(metric)
        for trial in model["trials"]
    }


def _resolution(metric: str, results: dict) -> float:
    """The smallest step of an accuracy, one test example; 0 where it is not known."""
    examples = results["dataset"].get("examples", {}).get("test")
    return 1 / examples if metric == "accuracy" and examples else 0.0


def _asked(new: dict, conditions: Sequence[Condition], models: Sequence[str]) -> list[Check]:
    """A check for each condition and model."""
    names = models or _models(new)
    return [_asked_one(name, asked, new) for name in names for asked in conditions]


def _asked_one(name: str, asked: Condition, new: dict) -> Check:
    """A model's mean against the value that is asked for, its test not yet settled."""
    check = Check(name, asked.kind, asked.metric, limit=asked.value)
    if reason := next(_missing(name, asked.metric, new, "the new results"), None):
        return replace(check, verdict="not-comparable", reason=reason)
    values = [*_values(_models(new)[name], asked.metric, new).values()]
    check = replace(check, new=fmean(values))
    if len(values) < 2:
        return replace(check, reason=_ONE_SEED)
    check = _tested(check, mean_bounds(values, _resolution(asked.metric, new)))
    lower, upper = possible((check.lower, check.upper), asked.metric)
    return replace(check, lower=lower, upper=upper)


def _tested(check: Check, bounds: Bounds) -> Check:
    """The check with its bounds and its two p-values, not yet adjusted."""
    above, below = bounds.p_above(check.limit), bounds.p_below(check.limit)
    p_pass, p_regression = (below, above) if check.check == "at-most" else (above, below)
    check = replace(check, lower=bounds.lower, upper=bounds.upper)
    return replace(check, p_pass=p_pass, p_regression=p_regression)


def _settled(checks: list[Check]) -> list[Check]:
    """The verdicts of those that were tested, with Holm's correction over all of them."""
    passes = holm([check.p_pass for check in checks])
    regressions = holm([check.p_regression for check in checks])
    return [
        check if p is None else _decided(check, p, q)
        for check, p, q in zip(checks, passes, regressions, strict=True)
    ]


def _decided(check: Check, p_pass: float, p_regression: float) -> Check:
    alone = _verdict(check.p_pass, check.p_regression)
    verdict = _verdict(p_pass, p_regression)
    reason = _reason(check, verdict)
    if verdict != alone:
        reason += f" (its bounds alone would say {alone}; Holm's correction counts every check)"
    return replace(check, p_pass=p_pass, p_regression=p_regression, verdict=verdict, reason=reason)


def _verdict(p_pass: float, p_regression: float) -> str:
    if p_pass <= LEVEL:
        return "pass"
    return "regression" if p_regression < LEVEL else "inconclusive"


def _reason(check: Check, verdict: str) -> str:
    """What a verdict says of the model: the rest of a sentence that its name begins."""
    held = f"{words(check.metric)} {number(check.limit)}"
    good, bad = {
        "baseline": (
            "is not worse than the baseline by more than the margin",
            "is worse than the baseline by more than the margin",
        ),
        "at-least": (f"reaches {held}", f"does not reach {held}"),
        "at-most": (f"stays within {held}", f"does not stay within {held}"),
    }[check.check]
    if verdict == "inconclusive":
        return f"can't be judged with these seeds, and more would tell: perhaps it {bad}"
    return good if verdict == "pass" else bad


def _diverged(new: dict, models: Sequence[str]) -> list[str]:
    """A sentence for each model with seeds that diverged."""
    lines = []
    for name, model in _models(new).items():
        seeds = [str(trial["seed"]) for trial in model["trials"] if trial["diverged"]]
        if seeds and name in (models or [name]):
            told = f"{counted(len(seeds), 'seed')} ({few(seeds)})"
            lines.append(f"{name} diverged with {told}, and counts there at its floor's score.")
    return lines


def _warnings(new: dict, base: dict, models: Sequence[str]) -> list[str]:
    """What is to be known of a comparison with a baseline, and is no verdict."""
    now, then = _models(new), _models(base)
    lines = [
        f"{name} has other parameters than in the baseline: {few(differences)}."
        for name in models or then
        if name in now
        and name in then
        and (differences := _differences(now[name]["params"], then[name]["params"]))
    ]
    now_in, then_in = _surroundings(new), _surroundings(base)
    other_code = now_in.pop("code", None) != then_in.pop("code", None)
    if differences := ["other code"] * other_code + _differences(now_in, then_in):
        lines.append(f"The baseline was made elsewhere or otherwise: {few(differences)}.")
    if alone := [name for name in now if name not in then and not models]:
        lines.append(f"Not in the baseline, and not compared with it: {few(alone)}.")
    return lines


def _surroundings(results: dict) -> dict:
    """The machine and the versions."""
    environment = {**results["environment"], "threads": results.get("threads")}
    environment["devices of a run"] = results.get("devices", 1)
    versions = environment.pop("versions", {})
    return {k: v for k, v in environment.items() if k not in ("started", "command")} | versions
