"""A process that has imported all, and calls lstm-zoo in a copy of itself, which is soon there.

It reads a call as a line of JSON, and answers with one:

    {"arguments": […], "after": seconds, "at": number, "most": bytes}
    {"code": exit code, negative where a signal ended it; "err": what was said; "events": number}

Where they are given, a copy is killed with SIGKILL so many seconds after its begin; or when it is
about to do the file operation of that number below the working folder: open a file to write,
rename, make or remove one; or by the system in the middle of a write, where a file gets larger than
so many bytes. With "commands" those are called instead, after so many seconds; {"commands": [[…]]}
alone does nothing else.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from lstm_zoo import __main__ as door
from lstm_zoo import backend
from lstm_zoo.runs import list_runs

CHANGES = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir"}


COMPARE = ["compare", "simple-rnn:units=4,dropout=0.2", "--seeds", "2", "--epochs", "3"]
ALONE = [*COMPARE, "--jobs", "1", "--backend", "jax", "-o", "results.json"]


class Zygote:
    """Calls lstm-zoo in processes that need no time to start; see `zygote.py`."""

    def __init__(self, folder, *before):
        self.folder = folder / "here"
        self.folder.mkdir(parents=True)
        own = {"SAID": folder / "said", "XDG_CACHE_HOME": folder / "cache", "TMPDIR": folder}
        self._process = subprocess.Popen(
            [*before, sys.executable, __file__],
            cwd=self.folder,
            env=os.environ | {name: str(path) for name, path in own.items()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    @property
    def seen(self):
        """Its folder with what is mounted there."""
        return Path(f"/proc/{self._process.pid}/root{self.folder}")

    def __call__(self, **call):
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        return json.loads(self._process.stdout.readline())

    def end(self):
        self._process.stdin.close()
        assert self._process.wait() == 0


def answers(folder):
    """What each finished run predicts, by its name."""
    found = {}
    for run in list_runs(folder):
        if run.finished:
            assert run.metrics["schema"] == 1
            with np.load(run.folder / "predictions.npz", allow_pickle=False) as arrays:
                found[run.name] = arrays["y_pred"].tobytes()
    return found


def scores(folder):
    results = json.loads((folder / "results.json").read_text())
    return [[trial["score"] for trial in model["trials"]] for model in results["models"]]


class Whole:
    """What the comparison comes to that nobody kills, and how often it changes a file."""

    def __init__(self, zygote):
        done = zygote(arguments=[*ALONE, "--runs", "whole"])
        assert done["code"] == 0, done["err"]
        self.answers = set(answers(zygote.folder / "whole").values())
        self.scores, self.events = scores(zygote.folder), done["events"]


def survived(zygote, whole, kills):
    """Kill the comparison in each of these ways, again and again, and then let it end.

    Returns:
        How often it was killed; at other times it had ended before.

    Raises:
        AssertionError: something was lost, damaged, or is another number.
    """
    runs, finished, killed = zygote.folder / "runs", {}, 0
    for kill in kills:
        done = zygote(arguments=ALONE, **kill)
        killed += done["code"] < 0
        now = answers(runs)
        assert finished.items() <= now.items(), f"{kill}: a finished run is gone, or another one"
        assert set(now.values()) <= whole.answers, f"{kill}: it came to something else"
        finished = now
        if len(finished) == 2:  # all is trained: from the beginning again
            shutil.rmtree(runs)
            finished = {}
    done = zygote(arguments=ALONE)
    assert done["code"] == 0, done["err"]
    assert set(answers(runs).values()) == whole.answers
    assert scores(zygote.folder) == whole.scores
    return killed


def main():
    """Answer until there are no more calls; nothing is computed here, for threads aren't copied."""
    backend.start("jax")
    from lstm_zoo import training, trials  # noqa: F401

    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        call = json.loads(line)
        answer = called(**call) if "arguments" in call else execute(**call)
        print(json.dumps(answer), flush=True)


def execute(commands):
    """Call other programs."""
    for command in commands:
        subprocess.run(command, check=True)


def called(arguments, after=None, at=None, most=None, commands=None):
    """Call lstm-zoo in a copy of this process."""
    err = Path(os.environ["SAID"])
    err.write_text("")
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        if most is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        behave(arguments, err, write, at)
    os.close(write)
    if after is not None:
        time.sleep(after)
        if commands:
            execute(commands)
        else:
            os.kill(
                pid, signal.SIGKILL
            )  # nobody has waited for it: it may have ended, and is there
    _, status = os.waitpid(pid, 0)
    with os.fdopen(read, "rb") as told:
        events = len(told.read())
    return {"code": os.waitstatus_to_exitcode(status), "err": err.read_text(), "events": events}


def behave(arguments, err, events, at):
    """Be the called process."""
    said = os.open(err, os.O_WRONLY | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    count, here = 0, f"{Path.cwd()}{os.sep}"

    def watch(event, details):
        nonlocal count
        if changes(event, details) and os.path.realpath(details[0]).startswith(here):
            count += 1
            os.write(events, b".")
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    code = 1
    try:
        code = door.run(arguments)
    finally:
        os._exit(code)


def changes(event, details):
    """Whether an audited event changes a file or a folder that it names."""
    if event not in CHANGES or not isinstance(details[0], str | os.PathLike):
        return False
    return event != "open" or bool((details[2] or 0) & (os.O_WRONLY | os.O_RDWR))


if __name__ == "__main__":
    main()
