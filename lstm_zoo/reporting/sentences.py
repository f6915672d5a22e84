"""What is said of runs, comparisons and recipes: sentences and the numbers in them."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

from lstm_zoo import looks
from lstm_zoo.errors import counted, few, listed
from lstm_zoo.results import LEVEL, finished

ENOUGH_SEEDS = 5
REPEATS = "repeats the last known value"
_FEW, _MANY = 3, 6  # undecided and decided pairs that are told of in a sentence each


def number(value: float | None) -> str:
    """Four significant digits; a dash for none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if 9_999.5 <= abs(value) < 1e15 else f"{value:.4g}"


def percent(share: float) -> str:
    """`90 %`."""
    return f"{100 * share:.3g} %"


def p_text(p_value: float) -> str:
    """`p = 0.03`; a very small one only as such."""
    if p_value < 0.001:
        return "p < 0.001"
    off = abs(p_value - LEVEL)  # on which side of the level is to be seen
    digits = 2 + 2 * (off < LEVEL / 10) + 2 * (off < LEVEL / 1000)
    return f"p = {p_value:.{digits}g}"


def words(name: str) -> str:
    """A metric's or floor's name, as it is said."""
    return {"majority": "the most frequent class", "last_value": "the last value"}.get(
        name, name.replace("_", " ")
    )


def ordinal(number: int) -> str:
    """`2nd`, `3rd`, `11th`."""
    teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


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
    if better := _better_than(record):
        also += f" At least as good as the model: {listed(better)}."
    return (
        f"{verdict} ({told}; {p_text(record['learned_p_value'])}, {record['learned_test']}).{also}"
    )


def _better_than(record: dict) -> list[str]:
    """The other trivial answers that score at least as well as a run."""
    metric = record["metric"]
    sign = 1 if metric["better"] == "higher" else -1
    score = record["test"][metric["name"]]
    return [
        words(name)
        for name, value in record["floors"].items()
        if name != record["floor"]["name"] and sign * (value - score) >= 0
    ]


def run_told(record: dict) -> list[str]:
    """Everything that is said of a run."""
    return [
        beats_floor(record),
        *lag_line(record),
        *_train_share(record),
        *record["notes"],
        *metric_faults(record),
        "This is one seed; another may score differently.",
    ]


def metric_faults(record: dict) -> list[str]:
    """Which metrics of zoo files have no number, and why."""
    return [own["fault"] for own in record.get("own_metrics", {}).values() if own["fault"]]


def _train_share(record: dict) -> list[str]:
    """On how much of the training part its scores are."""
    scored = record.get("train_scored", {"examples": 0, "of": 0})
    if scored["examples"] == scored["of"]:
        return []
    return [
        f"The training part is scored on {scored['examples']:,} of its {scored['of']:,} examples, "
        "evenly spread."
    ]


def lag_line(record: dict) -> list[str]:
    """What a run's forecasts do instead of forecasting, if anything."""
    said = lag_words(record["lag"]) if record.get("lag") else None
    return [f"The forecast {said}."] if said else []


def span(ci95: list | None) -> str:
    """`0.9 to 1`; a dash for none."""
    return "–" if ci95 is None else f"{number(ci95[0])} to {number(ci95[1])}"


def told(results: dict) -> list[str]:
    """Everything that is said of a comparison, the verdict first."""
    return [*verdicts(results), *floor_lines(results), *remarks(results)]


def floor_lines(results: dict) -> list[str]:
    """The trivial answers, and which models do not beat them."""
    metric, floor = words(results["metric"]["name"]), results["floor"]
    by_seed = floor["high"] > floor["low"]
    spread = f" ({number(floor['low'])} to {number(floor['high'])} by seed)" if by_seed else ""
    line = f"Floor: {words(floor['name'])}, {metric} {number(floor['value'])}{spread}."
    others = [
        f"{words(name)} {number(value)}"
        for name, value in results["floors"].items()
        if name != floor["name"]
    ]
    if others:
        line += f" Other trivial answers: {listed(others)}."
    return [line, *_beaten_floors(results)]


def _beaten_floors(results: dict) -> list[str]:
    """Who beats the floor by the test, and what other trivial answer does as well as a model."""
    models = [model for model in results["models"] if model["mean"] is not None]
    weak = [
        f"{model['name']} ({p_text(model['floor_test']['p_adjusted'])})"
        for model in models
        if not model["floor_test"]["beaten"]
    ]
    lines = [f"{listed(weak)}: not better than the floor, over the test examples."] if weak else []
    if models and not weak:
        beat = f"{models[0]['name']} beats" if len(models) == 1 else "Every model beats"
        p_value = max(model["floor_test"]["p_adjusted"] for model in models)
        lines = [f"{beat} it ({p_text(p_value)}, over the test examples)."]
    return lines + _better_trivial(models, results)


def _better_trivial(models: list[dict], results: dict) -> list[str]:
    """The other trivial answers that score at least as well as a model."""
    sign = 1 if results["metric"]["better"] == "higher" else -1
    lines = []
    for name, value in results["floors"].items():
        outdone = [
            f"{model['name']} ({number(model['mean'])})"
            for model in models
            if name != results["floor"]["name"] and sign * (value - model["mean"]) >= 0
        ]
        if outdone:
            trivial = f"The trivial answer {words(name)} ({number(value)})"
            lines.append(f"{trivial} is at least as good as {listed(outdone)}.")
    return lines


def remarks(results: dict) -> list[str]:
    """What is to be known beside the verdicts: divergence, lags, few seeds, notes."""
    models = results["models"]
    lines = [line for model in models for line in _divergence(model)]
    lines += _recalled(results) + _untrained(models) + _lags(models)
    lines += [note for model in models for trial in finished(model) for note in trial["notes"]]
    seeds = len(results["seeds"])
    if 1 < seeds < ENOUGH_SEEDS:
        lines.append(f"{counted(seeds, 'seed')} make a rough interval; {ENOUGH_SEEDS} are better.")
    if seeds == 1 and results["margin"]:
        lines.append("One seed can't say whether two models are equal within a margin.")
    return list(dict.fromkeys([*lines, *_looks(results["pairs"]), *results["notes"]]))


def speeds(results: dict) -> list[str]:
    """How fast each model trained, and by which loop; the first examples' compiling is counted."""
    rates: dict[str, list[str]] = {}
    for model in results["models"]:
        done = [t for t in finished(model) if t.get("examples_per_second")]
        if done:
            rate = sum(trial["examples_per_second"] for trial in done) / len(done)
            kernels = listed(list(dict.fromkeys(trial["kernel"] for trial in done)))
            rates.setdefault(kernels, []).append(f"{model['name']} {rate:,.0f}")
    lines = [f"{listed(models)} examples/s ({kernels})" for kernels, models in rates.items()]
    return [f"Trained, compiling included: {'; '.join(lines)}."] if lines else []


def _recalled(results: dict) -> list[str]:
    """What is scored over the steps of recall alone, beside the floor's."""
    told = []
    for name, floor in results["floor"].get("scores", {}).items():
        if name.startswith("recall_"):
            means = {
                model["name"]: fmean(trial["metrics"][name] for trial in finished(model))
                for model in results["models"]
                if finished(model)
            }
            whose = listed(f"{model} {number(mean)}" for model, mean in means.items())
            told.append(f"{words(name).capitalize()}, mean: {whose}; floor {number(floor)}.")
    return told


def _looks(pairs: list[dict]) -> list[str]:
    """Which pairs were looked at before, and what that costs."""
    lines = []
    for look in sorted({pair["looks"] for pair in pairs} - {1}):
        names = [f"{pair['a']} / {pair['b']}" for pair in pairs if pair["looks"] == look]
        lines.append(
            f"Looked at before with other seeds: {few(names, 6)}. This is the {ordinal(look)} "
            f"look, at which a p-value counts {looks.factor(look)} times."
        )
    return lines


def _divergence(model: dict) -> list[str]:
    return [
        f"{model['name']} diverged with seed {trial['seed']}, and counts there at the floor's "
        f"{number(trial['score'])}."
        for trial in model["trials"]
        if trial["diverged"]
    ]


def _untrained(models: list[dict]) -> list[str]:
    """Whose untrained weights were the best on the validation part, and in how many seeds."""
    counts = {m["name"]: sum(trial["best_epoch"] == 0 for trial in finished(m)) for m in models}
    told = [f"{name} (in {counted(count, 'seed')})" for name, count in counts.items() if count]
    if not told:
        return []
    return [
        "No epoch did better on the validation part than the untrained weights, which were kept: "
        f"{listed(told)}."
    ]


def _lags(models: list[dict]) -> list[str]:
    """What most of a forecaster's seeds do: repeat the last known value, or trail."""
    names: dict[str, list[str]] = {}
    for model in models:
        says = [lag_words(trial["lag"]) for trial in finished(model) if trial["lag"]]
        said, count = Counter(says).most_common(1)[0] if says else (None, 0)
        beats = model["floor_test"]["beaten"] and said == REPEATS
        if said and not beats and 2 * count > len(says):
            names.setdefault(said, []).append(model["name"])
    return [f"{said[0].upper()}{said[1:]}: {listed(who)}." for said, who in names.items()]


def lag_words(lag: dict) -> str | None:
    """What a forecast does instead of forecasting, if anything."""
    if lag["says"] == "trails":
        return f"trails by {counted(lag['shift'], 'step')}"
    return REPEATS if lag["says"] == "repeats" else None


def verdicts(results: dict) -> list[str]:
    """A sentence for each pair that is told apart, and for those that are not, in short if many."""
    pairs = results["pairs"]
    told_apart = [pair for pair in pairs if pair["verdict"] != "inconclusive"]
    others = [pair for pair in pairs if pair["verdict"] == "inconclusive"]
    if len(told_apart) > _MANY:
        lines = _all_decided(told_apart)
    else:
        lines = [_verdict(pair, results) for pair in told_apart]
    if len(others) > _FEW:
        lines.append(_all_undecided(others, results))
    else:
        lines += [_undecided(pair, results) for pair in others]
    if told_apart:
        examples = results["dataset"]["examples"]["test"]
        lines.append(f"This holds for this test part, of {counted(examples, 'example')}.")
    return lines


def _verdict(pair: dict, results: dict) -> str:
    by = ", over the seeds and over the test examples" if pair["examples_test"] else ""
    return (
        f"{pair['a']} is {pair['verdict']} than {pair['b']}: {words(results['metric']['name'])} "
        f"{pair['difference']:+.4g} ({span(pair['ci95'])}), {p_text(pair['p_adjusted'])}{by}."
        f"{_equality(pair, results)}"
    )


def _all_decided(pairs: list[dict]) -> list[str]:
    """Who is better than whom, a sentence for each that is better than any."""
    beaten: dict[str, list[str]] = {}
    for pair in pairs:
        sign = 1 if pair["verdict"] == "better" else -1
        winner, loser = (pair["a"], pair["b"])[::sign]
        told = f"{loser} ({sign * pair['difference']:+.3g}, {p_text(pair['p_adjusted'])})"
        beaten.setdefault(winner, []).append(told)
    ranked = sorted(beaten.items(), key=lambda item: -len(item[1]))
    return [f"{winner} is better than {listed(losers)}." for winner, losers in ranked]


def _undecided(pair: dict, results: dict) -> str:
    """Why a pair is not told apart, and what it would take."""
    text = f"{pair['a']} and {pair['b']} cannot be told apart with {counted(pair['seeds'], 'seed')}"
    return f"{text}{_why(pair)}.{_equality(pair, results)}"


def _why(pair: dict) -> str:
    test = pair["examples_test"]
    if pair["seeds"] == 0:
        return " that both finished"
    if pair["seeds"] == 1:
        if not test:
            return ""
        return (
            f"; on these {test['examples']:,} test examples {p_text(test['p_value'])} "
            f"({test['test']}), which does not cover other seeds"
        )
    if not pair["difference"]:
        return ": their scores are the same"
    if test and test["difference"] * pair["difference"] < 0:
        return ": by the mean of the scores and by the test examples, another one is ahead"
    if _short_of_examples(pair):
        return (
            f": the seeds say {p_text(pair['p_value'])}, the {test['examples']:,} test examples "
            f"{p_text(test['p_value'])} ({test['test']}), and more seeds can't mend that"
        )
    if pair["seeds_needed"] is None:
        return "; over 1,000 would be needed if the observed difference is real"
    if pair["seeds_needed"] > pair["seeds"]:
        return f"; about {pair['seeds_needed']} would be needed if the observed difference is real"
    return ""


def _short_of_examples(pair: dict) -> bool:
    """Whether it is the test examples, rather than the seeds, that tell a pair apart too little."""
    test = pair["examples_test"]
    return bool(test) and test["p_value"] >= max(pair["p_value"], LEVEL / 10)


def _equality(pair: dict, results: dict) -> str:
    """What the margin of equality says."""
    if pair["equal"] is None:
        return ""
    margin, p_value = number(results["margin"]), p_text(pair["p_equal_adjusted"])
    if pair["equal"]:
        return f" They are equal within {margin} ({p_value})."
    return f" They are not shown to be equal within {margin} ({p_value})."


def _all_undecided(pairs: list[dict], results: dict) -> str:
    """The same of many pairs, in short."""
    seeds = len(results["seeds"])
    if seeds == 1:
        return (
            f"One seed tells none of the {len(pairs)} pairs apart; the results (-o, --json) have "
            "each pair's test over the test examples."
        )
    names = ", ".join(f"{pair['a']} / {pair['b']}{_in_short(pair)}" for pair in pairs)
    return f"Cannot be told apart with {counted(seeds, 'seed')}: {names}."


def _in_short(pair: dict) -> str:
    more = (pair["seeds_needed"] or 0) > pair["seeds"] and not _short_of_examples(pair)
    notes = [f"about {pair['seeds_needed']} needed"] if more else []
    notes += ["equal within the margin"] if pair["equal"] else []
    return f" ({'; '.join(notes)})" if notes else ""


def outcome_lines(outcome: dict) -> list[str]:
    """What the numbers say, in words."""
    published = outcome["published"]
    lines = [_published(number) for number in published]
    lines = lines or ["No number is published for this recipe."]
    if any(number["verdicts"] for number in published):
        lines.append(VERDICTS)
    if outcome["floor"] and outcome["ours"]:
        lines.append(_beside_floor(outcome))
    if outcome["differences"]:
        lines += ["Differences of protocol:", *(f"- {text}" for text in outcome["differences"])]
    return lines


VERDICTS = (
    "A task of memory is solved below a hundredth of its floor, and at the floor within a tenth of "
    "it; ours is what more than half of the seeds are."
)


def _published(published: dict) -> str:
    value = f"{words(published['metric'])} {plus_minus(published)}"
    text = f"Published: {value} ({published['source']})."
    if published["verdicts"]:
        return f"{text} {_verdicts(published['verdicts'])}"
    if published["tolerance"] is None:
        return f"{text} It is of another protocol, and only stands beside ours."
    if published["agrees"] is None:
        return f"{text} {_NOTHING_BESIDE}"
    agrees = "agree" if published["agrees"] else "do not agree"
    text = f"{text} We {agrees} within the tolerance of {number(published['tolerance'])}."
    if published["relation"] is None:
        return text
    low, high = published["prediction_interval"]
    return (
        f"{text} It lies {published['relation']} what one more seed of ours would give "
        f"(95 % prediction interval {number(low)} to {number(high)})."
    )


_NOTHING_BESIDE = "It has no number of ours to stand beside."


def plus_minus(published: dict) -> str:
    """A published number, with its standard deviation where there is one."""
    std = published.get("std")
    return number(published["value"]) + (f" ± {number(std)}" if std else "")


def _verdicts(verdicts: dict) -> str:
    """How the verdicts of a published loss and of ours stand to each other."""
    theirs, ours, seeds = (verdicts[key] for key in ("published", "ours", "seeds"))
    if ours is None:
        return f"That is {_state(theirs)}. {_NOTHING_BESIDE}"
    counts = [f"{_state(each)} in {counted(n, 'seed')}" for each, n in Counter(seeds).most_common()]
    agree = "The verdicts agree" if ours == theirs else "The verdicts do not agree"
    return f"That is {_state(theirs)}. Ours is {listed(counts)}. {agree}."


def _state(verdict: str) -> str:
    return "between solved and the floor" if verdict == "between" else verdict


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
