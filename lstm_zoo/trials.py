"""Many trials: every model from every seed, and what the pairs of models say of each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import keras
import numpy as np

from lstm_zoo import assembly, data, interrupts, metrics, runs, statistics, training
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import DataError, UsageError, ZooError, reason
from lstm_zoo.tasks import LEVEL


def compare(
    configs: list[RunConfig],
    seeds: list[int],
    raw: data.Raw,
    folder: Path,
    progress: training.Progress,
) -> dict:
    """Train each configuration from each seed, one after another: results.json.

    A training that fails is recorded with its reason and stops no other.

    Raises:
        ZooError: a configuration can't be meant or does not fit the data; nothing is trained then.
    """
    digest = data.digest(raw)
    configs = [replace(config, data_sha256=digest) for config in configs]
    for config in configs:
        assembly.build(config, assembly.prepare(config, raw))
    trials = [[_trial(c.with_seed(s), raw, folder, progress) for s in seeds] for c in configs]
    models = [_model(config, own) for config, own in zip(configs, trials, strict=True)]
    finished = [trial for own in trials for trial in own if trial["status"] == "ok"]
    record = runs.Run(Path(finished[0]["run"])) if finished else None
    about = record.metrics if record else {"task": None, "metric": None, "floor": None}
    return {
        "schema": 1,
        "dataset": {
            "name": configs[0].dataset,
            "sha256": digest,
            "params": configs[0].data,
        },
        "task": about["task"],
        "metric": about["metric"],
        "floor": about["floor"],
        "environment": training.environment(configs[0]),
        "models": models,
        "pairs": pairs(models, about) if record else [],
    }


def _trial(config: RunConfig, raw: data.Raw, folder: Path, progress: training.Progress) -> dict:
    """One run as results.json has it."""
    trial = dict.fromkeys(
        ("score", "metrics", "epochs", "best_epoch", "train_seconds", "run", "error")
    )
    trial = {"seed": config.seed, "status": "failed"} | trial
    try:
        run = training.train(config, raw, folder, progress)
    except (UsageError, DataError):
        raise
    except Exception as error:
        if interrupts.seen():
            raise KeyboardInterrupt from error
        why = str(error) if isinstance(error, ZooError) else reason(error)
        progress.say(f"{config.variant}, seed {config.seed}, failed: {why}")
        return trial | {"error": why}
    finally:
        keras.utils.clear_session()
    record = run.metrics
    return trial | {
        "status": "ok",
        "score": record["test"][record["metric"]["name"]],
        "metrics": record["test"],
        "epochs": record["epochs"],
        "best_epoch": record["best_epoch"],
        "train_seconds": record["train_seconds"],
        "run": str(run.folder),
    }


def _model(config: RunConfig, trials: list[dict]) -> dict:
    """A model's trials and their summary."""
    done = [trial for trial in trials if trial["score"] is not None]
    scores = [trial["score"] for trial in done]
    first = runs.Run(Path(done[0]["run"])) if done else None
    return {
        "name": config.variant,
        "params": config.params,
        "parameters": first.metrics["parameters"] if first else None,
        "trials": trials,
        "mean": float(np.mean(scores)) if scores else None,
        "std": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        "ci95": statistics.interval(scores),
        "failures": sum(trial["status"] == "failed" for trial in trials),
    }


def pairs(models: list[dict], about: dict) -> list[dict]:
    """The paired test of each pair of models, over the seeds that both finished.

    `about` has the task and the metric of the comparison, as metrics.json has them.
    """
    drafts = [(a, b, *_paired(a, b, about)) for a, b in combinations(models, 2)]
    adjusted = statistics.holm([test.p_value for _, _, test, _ in drafts])
    tests = sum(p is not None for p in adjusted)
    return [
        {
            "a": a["name"],
            "b": b["name"],
            "difference": test.difference,
            "ci95": test.ci95,
            "p_value": test.p_value,
            "p_adjusted": p,
            "verdict": _verdict(test.difference, p, about["metric"]["better"]),
            "seeds_needed": _needed(test, tests),
            "examples_test": examples,
        }
        for (a, b, test, examples), p in zip(drafts, adjusted, strict=True)
    ]


def _paired(a: dict, b: dict, about: dict) -> tuple[statistics.PairedTest, dict | None]:
    """The test over the seeds; with one seed, the test over the test examples."""
    both = [
        (x, y)
        for x, y in zip(a["trials"], b["trials"], strict=True)
        if x["score"] is not None and y["score"] is not None
    ]
    scores = [[x["score"] for x, _ in both], [y["score"] for _, y in both]]
    if len(both) != 1:
        return statistics.paired_t(*scores, _resolution(about, both)), None
    predictions = [_predictions(trial) for trial in both[0]]
    difference = scores[0][0] - scores[1][0]
    return statistics.PairedTest(difference), _examples_test(about["task"], *predictions)


def _resolution(about: dict, both: list) -> float:
    """The smallest step of the metric: one test example for an accuracy."""
    if about["metric"]["name"] != "accuracy" or not both:
        return 0.0
    return 1 / len(_predictions(both[0][0])["y_true"])


def _predictions(trial: dict) -> dict[str, np.ndarray]:
    with np.load(Path(trial["run"]) / "predictions.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def _examples_test(task: str, a: dict, b: dict) -> dict:
    """Are the two told apart on these test examples, whatever other seeds would say?"""
    if task == "classification":
        right = [metrics.right(one["y_true"], one["y_pred"]) for one in (a, b)]
        name, p_value = "exact McNemar", statistics.mcnemar(*right)
    else:
        losses = [np.mean((one["y_true"] - one["y_pred"]) ** 2, axis=1) for one in (a, b)]
        name = "Diebold–Mariano"
        _, p_value = statistics.diebold_mariano(*losses, horizon=a["y_true"].shape[1])
    return {"test": name, "p_value": p_value, "examples": len(a["y_true"])}


def _verdict(difference: float | None, p_adjusted: float | None, better: str) -> str:
    """How a stands to b."""
    if p_adjusted is None or p_adjusted >= LEVEL or not difference:
        return "inconclusive"
    return "better" if (difference > 0) == (better == "higher") else "worse"


def _needed(test: statistics.PairedTest, tests: int) -> int | None:
    if test.p_value is None or not test.difference:
        return None
    return statistics.seeds_needed(test.difference, test.std, tests)
