"""The study of a search: what is drawn, what is stopped, and that no kill changes either."""

import json
import math
import os
import re
import subprocess
import sys

import optuna
import pytest

from lstm_zoo import study
from lstm_zoo.errors import MissingExtra, RunError
from lstm_zoo.space import Choice, Range

SPACE = {
    "units": Range(8, 256, log=True),
    "dropout": Range(0.0, 0.5),
    "cell": Choice([[1, 2], None, "tanh"]),
}
TERMS = {"model": "lstm", "space": {name: choice.to_dict() for name, choice in SPACE.items()}}
EPOCHS = 6


def opened(file, terms=TERMS, seed=0, warm_up=2):
    return study.opened(file, terms, SPACE, seed=seed, warm_up=warm_up)


def final(values):
    """What a training with these values would come to: the least is 0."""
    far = abs(math.log(values["units"] / 64)) + abs(values["dropout"] - 0.2)
    return far + (0 if values["cell"] is None else 1)


def curve(values):
    """Its validation loss from epoch 0 on, which falls to the final one."""
    return [final(values) + 1 - epoch / EPOCHS for epoch in range(EPOCHS + 1)]


def train(trial):
    """A trial from its first epoch to its last, unless it is stopped."""
    losses = curve(trial.values)
    for epoch, loss in enumerate(losses):
        if trial.hopeless([{"epoch": epoch, "val_loss": loss}]) and epoch < EPOCHS:
            trial.prune(float(epoch))
            return
    trial.finish(min(losses), seconds=1.0, run=f"run-{trial.number}")


def search(file, most, **settings):
    """All trials, one after the other."""
    with opened(file, **settings) as own:
        while trial := own.next(most):
            train(trial)
        return own.trials


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study of 40 trials, and its file."""
    file = tmp_path_factory.mktemp("study") / "whole.jsonl"
    return search(file, 40), file


def test_a_known_function_is_searched(whole):
    trials, _ = whole
    assert [trial["number"] for trial in trials] == list(range(40))
    for trial in trials:
        units, dropout, cell = (trial["values"][name] for name in SPACE)
        assert type(units) is int and 8 <= units <= 256
        assert type(dropout) is float and 0 <= dropout <= 0.5
        assert cell in ([1, 2], None, "tanh")
    finished = [trial for trial in trials if trial["state"] == "finished"]
    for trial in finished:
        assert trial["loss"] == min(curve(trial["values"]))
        assert (trial["seconds"], trial["run"]) == (1.0, f"run-{trial['number']}")
    drawn_at_random = min(final(trial["values"]) for trial in trials[:10])
    assert min(trial["loss"] for trial in finished) < min(0.2, drawn_at_random)


def test_the_hopeless_are_stopped_after_the_warm_up_and_five_others(whole):
    trials, _ = whole
    pruned = [trial for trial in trials if trial["state"] == "pruned"]
    assert len(pruned) > 5
    assert all(trial["state"] == "finished" for trial in trials[:5])
    for trial in pruned:
        losses = curve(trial["values"])
        epoch = trial["epochs"]
        assert 2 <= epoch < EPOCHS
        assert trial["loss"] == losses[epoch]
        assert trial["seconds"] == epoch
        before = [t for t in trials[: trial["number"]] if t["state"] == "finished"]
        reached = sorted(curve(other["values"])[epoch] for other in before)
        median = (reached[(len(reached) - 1) // 2] + reached[len(reached) // 2]) / 2
        assert losses[epoch] > median


def test_the_same_seed_draws_the_same_and_another_does_not(whole, tmp_path):
    trials, _ = whole
    assert search(tmp_path / "again.jsonl", 12) == trials[:12]
    other = search(tmp_path / "other.jsonl", 3, seed=1)
    assert all(a["values"] != b["values"] for a, b in zip(other, trials, strict=False))


def untimed(trials):
    """Less what a trial that was stopped took, of which a kill may take the knowledge."""
    return [trial | {"seconds": None} for trial in trials]


@pytest.mark.slow
@pytest.mark.parametrize("torn", [False, True], ids=["between lines", "within a line"])
def test_a_study_killed_at_any_line_goes_on_as_if_nothing_had_happened(whole, tmp_path, torn):
    """From each of the file's beginnings that a kill may leave."""
    trials, file = whole
    lines = file.read_bytes().splitlines(keepends=True)
    last = next(n for n, line in enumerate(lines) if json.loads(line).get("trial_id") == 14)
    for cut in range(torn, last - 1, 17):
        left = tmp_path / f"{cut}.jsonl"
        left.write_bytes(b"".join(lines[:cut]) + (lines[cut][:-3] if torn else b""))
        assert untimed(search(left, 14)) == untimed(trials[:14]), cut


def test_two_trials_that_were_under_way_go_on_first_and_none_is_counted_twice(tmp_path):
    file = tmp_path / "s.jsonl"
    with opened(file) as own:
        a, b, c = (own.next(9) for _ in range(3))
        b.finish(1.0)
        a.hopeless([{"epoch": 0, "val_loss": 3.0}])
    with opened(file) as own:
        again = [own.next(4) for _ in range(3)]
        assert [trial.number for trial in again] == [0, 2, 3]
        assert [trial.values for trial in again[:2]] == [a.values, c.values]
        assert own.next(4) is None
        assert [trial["state"] for trial in own.trials] == [
            "running",
            "finished",
            "running",
            "running",
        ]
        again[0].hopeless([{"epoch": 0, "val_loss": 3.0}, {"epoch": 1, "val_loss": 2.0}])
        again[0].fail("So it is.")
        again[1].prune()
        assert [trial["state"] for trial in own.trials] == [
            "failed",
            "finished",
            "pruned",
            "running",
        ]
        assert own.trials[0] == {
            "number": 0,
            "state": "failed",
            "loss": 2.0,
            "values": a.values,
            "epochs": 1,
            "seconds": None,
            "run": None,
            "error": "So it is.",
        }


def test_another_search_is_refused_with_what_is_other(tmp_path):
    file = tmp_path / "s.jsonl"
    search(file, 1)
    with (
        pytest.raises(RunError, match="is the study of another search, by its model: name another"),
        opened(file, TERMS | {"model": "gru"}),
    ):
        pass
    assert len(search(file, 2)) == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"epoch,loss\n", "is no study: name another --study FILE"),
        (b'{"op_code":0}\n', "is damaged: delete it to begin again."),
        (b'{"op_code":\n\n{}\n', "is damaged: delete it to begin again."),
        (
            b'{"op_code":0,"worker_id":"w","study_name":"theirs","directions":[1]}\n',
            "holds studies that are not of tune: name another --study FILE.",
        ),
    ],
)
def test_a_file_that_is_no_study_is_left_alone(tmp_path, content, told):
    file = tmp_path / "s.jsonl"
    file.write_bytes(content)
    with pytest.raises(RunError, match=told), opened(file):
        pass
    assert file.read_bytes() == content


def test_a_study_is_one_process_at_a_time(tmp_path):
    file = tmp_path / "s.jsonl"
    with (
        opened(file),
        pytest.raises(RunError, match=r"Another process searches in the study .*s\.jsonl\."),
        opened(file),
    ):
        pass
    with (
        pytest.raises(RunError, match="can't be written: No such file"),
        opened(tmp_path / "a" / "b"),
    ):
        pass


def test_optuna_says_nothing_by_itself(tmp_path, capfd):
    search(tmp_path / "s.jsonl", 12)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_without_optuna_its_extra_is_named(tmp_path):
    script = """
import sys
sys.modules["optuna"] = None
from lstm_zoo.__main__ import run
sys.exit(run(["tune", "lstm", "--trials", "2"]))
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == MissingExtra.exit_code == 1
    assert "with which tune searches, is not installed: pip install 'lstm-zoo[tune]'" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_search_by_other_processes_needs_no_keras_in_this_one():
    script = "import sys, lstm_zoo.search; print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"step": ?2', '"step":"a"'),
        ('"op_code": ?4', '"op_code":[[4]]'),
        ('"param_name": ?"units"', '"param_name":"unit"'),
        ('"seconds": ?1.0', '"seconds":"long"'),
    ],
)
def test_a_damaged_study_is_a_sentence(whole, tmp_path, old, new):
    file = tmp_path / "study.jsonl"
    text = whole[1].read_text()
    changed = re.sub(old, new, text, count=1)
    assert changed != text
    file.write_text(changed)
    with pytest.raises(RunError, match="is damaged"), opened(file):
        pass


def test_a_study_that_is_deep_foreign_or_no_file_is_a_sentence(tmp_path):
    deep = tmp_path / "deep.jsonl"
    deep.write_text('{"op_code":' + "[" * 200_000 + "\n")
    with pytest.raises(RunError, match="is damaged"), opened(deep):
        pass
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "own.jsonl"))
    storage = optuna.storages.JournalStorage(backend)
    own = optuna.create_study(storage=storage, study_name=study.NAME)
    own.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(RunError, match="not of tune"), opened(tmp_path / "own.jsonl"):
        pass
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunError, match="no regular file"), opened(tmp_path / "pipe"):
        pass
