"""Models tested at other lengths than the one that they were trained at.

A recurrent layer has the same weights whatever the number of steps. So the weights of each finished
run are put into its model built for another number of steps, and scored on the test part drawn at
that length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import keras

from lstm_zoo import assembly, data, evaluation, forecasting, sources, training, verdicts
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import UsageError, counted
from lstm_zoo.metrics import METRICS
from lstm_zoo.results import LARGEST
from lstm_zoo.runs import Run
from lstm_zoo.scoring import Scorer
from lstm_zoo.tasks import task_of

STEPS = "steps"  # the parameter of a dataset that is its length


def at(config: RunConfig, steps: int) -> RunConfig:
    """The same run at another length; its data are other data."""
    return replace(config, data=config.data | {STEPS: steps}, data_sha256=None)


def check(configs: list[RunConfig], lengths: Iterable[int], data_dir: str | None = None) -> None:
    """Each model has the same weights at every length.

    Raises:
        UsageError: one has not, or can't be built at one of them.
    """
    own = _shapes(configs, data_dir)
    for steps in lengths:
        try:
            others = _shapes([at(config, steps) for config in configs], data_dir)
        except UsageError as error:
            raise UsageError(f"At {counted(steps, 'step')}: {error}") from None
        for config, mine, other in zip(configs, own, others, strict=True):
            if mine != other:
                raise UsageError(
                    f"The weights of {config.variant} depend on the number of steps: what was "
                    f"trained at {config.data[STEPS]} steps is no model of {steps}. Leave it out."
                )


def _shapes(configs: list[RunConfig], data_dir: str | None) -> list[list[tuple[int, ...]]]:
    """The shapes of each model's weights, all for the same data."""
    dataset = sources.prepare(configs[0], sources.read(configs[0], data_dir))
    try:
        models = [assembly.build(config, dataset) for config in configs]
        return [[weight.shape for weight in model.weights] for model in models]
    finally:
        keras.utils.clear_session()


def scores(
    results: dict, configs: list[RunConfig], lengths: Iterable[int], data_dir: str | None = None
) -> list[dict]:
    """What the finished runs of a comparison score at other lengths, as results.json has it.

    Args:
        results: what `trials.compare` returned.
        configs: the configuration of each of its models.
        lengths: the numbers of steps.
        data_dir: where data files are looked for first.
    """
    return [
        _length(results, [at(config, steps) for config in configs], data_dir) for steps in lengths
    ]


def _length(results: dict, configs: list[RunConfig], data_dir: str | None) -> dict:
    first = configs[0]
    dataset = sources.prepare(first, sources.read(first, data_dir))
    task = task_of(dataset)
    floor = Scorer(task).floors(task.floors())[task.floor][task.metric]
    terms = verdicts.Terms(task.name, task.metric, METRICS[task.metric].better, len(dataset.test))
    models = [
        _model(model, config, dataset, floor, terms)
        for model, config in zip(results["models"], configs, strict=True)
    ]
    return {
        "steps": first.data[STEPS],
        "examples": len(dataset.test),
        "floor": {"name": task.floor, "value": floor},
        "models": models,
    }


def _model(
    compared: dict, config: RunConfig, dataset: data.Dataset, floor: float, terms: verdicts.Terms
) -> dict:
    """The trials of one model at another length.

    One that diverged, in training or here, counts at the floor's score.
    """
    model = assembly.build(config, dataset)
    dataset, _ = training.fitted_to(model, config, dataset)
    trials = []
    for trial in compared["trials"]:
        score = floor if trial["diverged"] else None
        if trial["status"] == "ok":
            trained = forecasting.load(Run(Path(trial["run"])), config)
            model.set_weights(trained.model.get_weights())
            answers = evaluation.answers(model, dataset, dataset.test, config)
            known = task_of(dataset).scores(answers, dataset.test)[terms.metric]
            score = known if abs(known) <= LARGEST else floor
        trials.append(trial | {"score": score})
    keras.utils.clear_session()
    summary = verdicts.summary(trials, terms)
    return {
        "name": compared["name"],
        "trials": [{"seed": trial["seed"], "score": trial["score"]} for trial in trials],
        **{name: summary[name] for name in ("mean", "std", "ci95")},
    }
