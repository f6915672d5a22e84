"""Who trains what, where several processes train in one folder."""

import subprocess
import sys

from lstm_zoo.claims import Claims

OTHER = """
import sys
from pathlib import Path
from lstm_zoo.claims import Claims

claims = Claims(Path(sys.argv[1]))
print(claims.take("a"), claims.take("b"), claims.alone(), flush=True)
input()
"""


def other(folder):
    """Another process that takes claims, and keeps them until it is told to end."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", OTHER, folder], **pipes)


def test_a_claim_is_one_processs_until_it_ends(tmp_path):
    mine = Claims(tmp_path)
    assert mine.take("a")
    with other(tmp_path) as process:
        assert process.stdout.readline().split()[:2] == ["False", "True"]
        assert not mine.take("b")
        mine.give_up("a")
        process.kill()
    assert mine.take("b")


def test_a_process_knows_whether_it_is_alone(tmp_path):
    mine = Claims(tmp_path)
    mine.take("a")
    assert mine.alone()
    with other(tmp_path) as process:
        assert process.stdout.readline().split()[2] == "False"
        assert not mine.alone()
        process.kill()
    assert not mine.alone()  # what it finished may be there


def test_one_that_comes_later_is_alone_where_the_others_are_gone(tmp_path):
    with other(tmp_path) as first:
        first.stdout.readline()
        late = Claims(tmp_path)
        late.take("c")
        assert not late.alone()
        first.kill()
    del late
    again = Claims(tmp_path)
    again.take("a")
    assert again.alone()
