"""The command line's door: every ending becomes one sentence and an exit code."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Run `lstm-zoo` and leave the process."""
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


if __name__ == "__main__":
    main()
