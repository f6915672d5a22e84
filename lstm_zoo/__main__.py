"""The command line's door: every ending becomes one sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys

from lstm_zoo.interrupts import INTERRUPTED


def main() -> None:
    """Run `lstm-zoo` and leave the process."""
    _open_streams()
    _keep_stderr()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:  # at once: libraries caught in mid-import can't clean up
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run `lstm-zoo` with these arguments; its exit code."""
    from lstm_zoo import interrupts
    from lstm_zoo.cli import cli
    from lstm_zoo.cli.endings import ending

    interrupts.watch()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a letter that can't be shown is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    try:
        return cli.main(arguments, prog_name="lstm-zoo", standalone_mode=False) or 0
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        return ending(error)


def _open_streams() -> None:
    """A stream that the caller has closed leads to nowhere, in the processes begun here too."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            os.set_inheritable(number, True)
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


class _Lasting(io.FileIO):
    """A stream whose reader may leave."""

    def write(self, content: bytes) -> int:
        """Write, and to nowhere once nobody reads it."""
        try:
            return super().write(content)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return len(content)


def _keep_stderr() -> None:
    """Nobody has to follow a training's progress: it goes on all the same."""
    raw = _Lasting(sys.stderr.fileno(), "w", closefd=False)
    buffer, encoding = io.BufferedWriter(raw), sys.stderr.encoding
    sys.stderr = io.TextIOWrapper(buffer, encoding, line_buffering=True, write_through=True)


if __name__ == "__main__":
    main()
