"""Processors of one's own: real processes, which take them and end."""

import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux has affinity"),
]
TAKE = """
import os, sys
from lstm_zoo import cores
cores.keep_to(int(sys.argv[1]), [int(core) for core in sys.argv[2].split(",")], int(sys.argv[3]))
print(sorted(os.sched_getaffinity(0)), flush=True)
sys.stdin.read()
"""
CORES = sorted(os.sched_getaffinity(0))[:2] if hasattr(os, "sched_getaffinity") else []


@pytest.fixture
def take(tmp_path):
    """`take(1, place)`: a process that takes so many of two processors, and those it has."""
    begun = []

    def call(count, place=0):
        arguments = [str(count), ",".join(map(str, CORES)), str(place)]
        process = subprocess.Popen(
            [sys.executable, "-c", TAKE, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(tmp_path)},
        )
        begun.append(process)
        return process, process.stdout.readline().strip()

    yield call
    for process in begun:
        process.communicate()


@pytest.mark.skipif(len(CORES) < 2, reason="there is one processor")
def test_no_two_processes_have_the_same_while_there_are_others(take):
    first, second = CORES
    gone, own = take(1)
    assert own == f"[{first}]"
    assert take(1)[1] == f"[{second}]"
    assert take(1, place=3)[1] == f"[{second}]"  # none is free: that of its place
    assert take(2)[1] == f"[{first}, {second}]"
    gone.communicate()
    assert take(1, place=1)[1] == f"[{first}]"  # free again


def test_where_no_lock_can_be_kept_it_is_that_of_the_place(take, tmp_path):
    (tmp_path / f".lstm-zoo-cores-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert take(1)[1] == f"[{CORES[0]}]"
    assert take(1)[1] == f"[{CORES[0]}]"
    assert not (tmp_path / "elsewhere").exists()
