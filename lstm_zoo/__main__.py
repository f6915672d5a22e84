"""The command line's door: every ending becomes one sentence and an exit code."""

from __future__ import annotations

import errno
import os
import sys

import click

from lstm_zoo.errors import ZooError

INTERRUPTED = 130


def main() -> None:
    """Run `lstm-zoo` and leave the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run `lstm-zoo` with these arguments; its exit code."""
    try:
        from lstm_zoo.cli import cli

        return cli.main(arguments, prog_name="lstm-zoo", standalone_mode=False) or 0
    except click.UsageError as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt):
        return _say("Interrupted; nothing finished is lost.", INTERRUPTED)
    except ZooError as error:
        return _say(str(error), error.exit_code)
    except click.ClickException as error:
        return _say(error.format_message(), 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _say(_os_error(error), 1)
    except MemoryError:
        return _say("There is not enough memory for this.", 1)


def _usage(error: click.UsageError) -> int:
    hint = f" See '{error.ctx.command_path} --help'." if error.ctx else ""
    return _say(error.format_message() + hint, 2)


def _os_error(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "The disk is full; what is unfinished does not count, and nothing finished is lost."
    if error.filename:
        return f"{error.filename}: {error.strerror}."
    return f"{error}."


def _say(sentence: str, code: int) -> int:
    printable = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in sentence)
    click.echo(f"Error: {printable}" if code != INTERRUPTED else f"\n{printable}", err=True)
    return code


if __name__ == "__main__":
    main()
