"""The command line's door: every ending becomes one sentence and an exit code."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """Run `lstm-zoo` and leave the process."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run `lstm-zoo` with these arguments; its exit code."""
    from lstm_zoo.cli import cli
    from lstm_zoo.cli.endings import ending

    try:
        return cli.main(arguments, prog_name="lstm-zoo", standalone_mode=False) or 0
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        return ending(error)


if __name__ == "__main__":
    main()
