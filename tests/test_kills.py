"""Killed at any moment, on a full disk and in a folder that nobody may write: nothing is lost.

`benchmarks/kills.py` kills many more times, and worker processes too.
"""

import random
import subprocess

import pytest
from zygote import ALONE, Whole, Zygote, answers, scores, survived

OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.fixture(scope="module")
def zygote(tmp_path_factory):
    made = Zygote(tmp_path_factory.mktemp("kills"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def whole(zygote):
    return Whole(zygote)


@pytest.mark.slow
def test_killed_at_any_moment_and_any_change_of_a_file(zygote, whole):
    draw = random.Random(6)
    moments = [{"after": draw.uniform(0.5, 4)} for _ in range(4)]
    changes = [{"at": number} for number in draw.sample(range(1, whole.events + 1), 14)]
    assert survived(zygote, whole, [*changes, *moments]) >= 10


@pytest.mark.slow
def test_killed_in_the_middle_of_a_write(zygote, whole):
    sizes = [0, 100, 3_000, 12_000, 25_000]
    assert survived(zygote, whole, [{"most": size} for size in sizes]) >= 4


@pytest.fixture
def mounting(tmp_path):
    """A zygote that sees other things mounted in its folder than anybody else."""
    try:
        subprocess.run([*OWN_MOUNTS, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount")
    made = Zygote(tmp_path, *OWN_MOUNTS)
    (made.folder / "runs").mkdir()
    yield made
    made.end()


@pytest.mark.slow
def test_a_disk_that_fills_up_costs_what_is_unfinished_alone(mounting, whole):
    runs = mounting.seen / "runs"
    small = ["mount", "-t", "tmpfs", "-o", "size=400k", "none", "runs"]
    mounting(commands=[small])
    full = mounting(arguments=ALONE)
    assert full["code"] == 1
    assert "disk is full" in full["err"].lower(), full["err"]
    assert "Traceback" not in full["err"]
    first = answers(runs)
    assert len(first) == 1  # there was room for one
    assert set(first.values()) < whole.answers

    mounting(commands=[["mount", "-o", "remount,size=20m", "runs"]])
    done = mounting(arguments=ALONE)
    assert done["code"] == 0, done["err"]
    assert first.items() <= answers(runs).items()
    assert scores(mounting.folder) == whole.scores


@pytest.mark.slow
def test_a_folder_that_turns_read_only_costs_what_is_unfinished_alone(mounting, whole):
    runs = mounting.folder / "runs"
    again = ["mount", "--bind", "runs", "runs"]
    read_only = [again, ["mount", "-o", "remount,ro,bind", "runs"]]
    stopped = mounting(arguments=[*ALONE, "--fresh"], commands=read_only, after=3)
    assert (stopped["code"], "Read-only file system" in stopped["err"]) == (1, True)
    assert "Traceback" not in stopped["err"]
    assert "can't be written" in mounting(arguments=ALONE)["err"]
    first = answers(runs)
    assert set(first.values()) <= whole.answers

    mounting(commands=[["umount", "runs"]])
    done = mounting(arguments=ALONE)
    assert done["code"] == 0, done["err"]
    assert first.items() <= answers(runs).items()
    assert scores(mounting.folder) == whole.scores
