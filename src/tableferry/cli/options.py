"""Options that every command has, before or after its name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from tableferry.cli.counting import open_table
from tableferry.cli.stack import Stack, connect
from tableferry.machine.table_count import CountedTable

DEFAULT_STACK = "tableferry"

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(slots=True)
class Choices:
    """What the shared options said; `connect` and `open` are other ones in tests."""

    stack_name: str = DEFAULT_STACK
    region: str | None = None
    profile: str | None = None
    as_json: bool = False
    connect: Callable[[str, str | None, str | None], Stack] = field(default=connect)
    open: Callable[[str, str | None, str | None], CountedTable] = field(default=open_table)

    def stack(self) -> Stack:
        """The deployed stack that the options name."""
        return self.connect(self.stack_name, self.region, self.profile)

    def table(self, name: str) -> CountedTable:
        """The table of that name or ARN, for who needs no stack."""
        return self.open(name, self.region, self.profile)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keeps what the command line says over what the environment says, wherever it stands."""
    name = str(parameter.name)
    source = context.get_parameter_source(name)
    choices = context.ensure_object(Choices)
    is_unset = getattr(choices, name) == getattr(Choices(), name)
    if source is ParameterSource.COMMANDLINE or (
        source is ParameterSource.ENVIRONMENT and is_unset
    ):
        setattr(choices, name, value)


_JSON = click.option(
    "--json",
    "as_json",
    is_flag=True,
    expose_value=False,
    callback=_keep,
    help="Print one JSON document on standard output, also on failure.",
)
_STACK_NAME = click.option(
    "--stack-name",
    metavar="NAME",
    envvar="TABLEFERRY_STACK",
    expose_value=False,
    callback=_keep,
    help=f"The deployed stack; {DEFAULT_STACK} by default, or TABLEFERRY_STACK.",
)
_ACCOUNT = (
    click.option(
        "--region",
        metavar="REGION",
        expose_value=False,
        callback=_keep,
        help="Region of the stack or table; by default that of your AWS configuration.",
    ),
    click.option(
        "--profile",
        metavar="NAME",
        expose_value=False,
        callback=_keep,
        help="Profile of your AWS configuration.",
    ),
)


def json_option(command: Command) -> Command:
    """Adds `--json`."""
    return _JSON(command)


def stack_options(command: Command) -> Command:
    """Adds `--json` and what names the stack."""
    for option in reversed((_STACK_NAME, *_ACCOUNT, _JSON)):
        command = option(command)
    return command


def table_options(command: Command) -> Command:
    """Adds `--json` and what names the account, for a command that needs no stack."""
    for option in reversed((*_ACCOUNT, _JSON)):
        command = option(command)
    return command


def wait_option(command: Command) -> Command:
    """Adds `--wait`."""
    return click.option(
        "--wait", is_flag=True, help="Show progress until the execution ends, then its outcome."
    )(command)
