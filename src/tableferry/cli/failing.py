"""The edge where every error becomes two lines or a document, and an exit status; never a
traceback.
"""

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import click

from tableferry.aws.refusals import translated
from tableferry.cli.printing import print_error
from tableferry.errors import (
    AccessError,
    InvalidSpecError,
    Problem,
    TableferryError,
    TransientError,
)


class InterruptError(TableferryError):
    """Somebody pressed Ctrl-C; what was started goes on."""


class DefectError(TableferryError):
    """Something that should not happen."""


def guarded(run: Callable[[], Any], arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit status; prints its error if it has one."""
    as_json = "--json" in arguments
    try:
        with translated("a request", "AWS"):
            result = run()
        sys.stdout.flush()
    except Exception as error:
        return _fail(error, as_json)
    except KeyboardInterrupt:
        return _fail(click.Abort(), as_json)
    return result if isinstance(result, int) else 0


def _fail(error: Exception, as_json: bool) -> int:
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        return _reader_left()
    shown = _ours(error)
    try:
        print_error(shown, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    return AccessError.exit_status if isinstance(shown, TransientError) else shown.exit_status


def _reader_left() -> int:
    """Nobody reads our output any more: say nothing, and keep Python from saying it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _ours(error: Exception) -> TableferryError:
    if isinstance(error, TableferryError):
        return error
    if isinstance(error, click.Abort):
        return InterruptError("interrupted", hint="what was started in AWS goes on")
    if isinstance(error, click.ClickException):
        return _usage_error(error)
    return DefectError(
        f"{type(error).__name__}: {error}",
        hint=f"this is a defect; please report it with {_written_traceback()}",
    )


def _usage_error(error: click.ClickException) -> InvalidSpecError:
    command = "tableferry"
    path = "command"
    if isinstance(error, click.UsageError) and error.ctx is not None:
        command = error.ctx.command_path
    if isinstance(error, click.BadParameter) and error.param is not None:
        names = [name for name in error.param.opts if name.startswith("--")]
        path = names[0] if names else error.param.human_readable_name
    elif isinstance(error, click.NoSuchOption | click.BadOptionUsage):
        path = error.option_name
    problem = Problem(path, None, error.format_message().rstrip("."), f"see {command} --help")
    return InvalidSpecError([problem], hint=f"{command} --help shows how it is used")


def _written_traceback() -> str:
    with tempfile.NamedTemporaryFile(
        "w", prefix="tableferry-", suffix=".log", delete=False
    ) as file:
        file.write(traceback.format_exc())
    return file.name
