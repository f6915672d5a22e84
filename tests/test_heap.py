"""What is freed is kept: large blocks come without new pages, in whatever thread."""

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.tensorflow

FAULTS = """
import resource, threading
from lstm_zoo import heap
if {kept}:
    heap.join()
    heap.keep()
found = []

def faults():
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        bytearray(48 << 20)[::4096] = bytes(48 << 8)
    found.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

faults()
for _ in range(3):
    thread = threading.Thread(target=faults)
    thread.start()
    thread.join()
print(max(found))
"""


def faults(kept):
    script = FAULTS.format(kept=kept)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc"
    or tuple(map(int, platform.libc_ver()[1].split("."))) < (2, 35),
    reason="of newer versions of glibc",
)
def test_a_block_larger_than_glibc_keeps_by_itself_takes_no_new_pages():
    assert faults(kept=False) > 1_000
    assert faults(kept=True) < 100


@pytest.mark.slow
def test_what_is_there_when_keras_is_imported_is_collected_no_more():
    """In a process of its own: freezing twice would keep the garbage of this one."""
    script = "from lstm_zoo import backend; backend.start('jax'); import gc; "
    script += "first = gc.get_freeze_count(); backend.start('jax'); "
    script += "print(first > 100_000, gc.get_freeze_count() <= first)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True"], done.stderr
