"""Every CLI command has help with an example and a place in the documents."""

from collections.abc import Iterator

import click
import pytest

from tableferry.cli.main import main
from tests.structure import project


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """The command and all below it, each with what a person types."""
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from commands(each, f"{path} {name}")


COMMANDS = dict(commands(main, "tableferry"))
LEAVES = {
    path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)
}

each_command = pytest.mark.parametrize("path", COMMANDS)
each_leaf = pytest.mark.parametrize("path", LEAVES)


@each_command
def test_command_says_what_it_does(path: str) -> None:
    assert COMMANDS[path].get_short_help_str(limit=200).strip()


@each_leaf
def test_help_shows_the_command_in_use(path: str) -> None:
    help_text = LEAVES[path].get_help(click.Context(LEAVES[path], info_name=path))
    assert "Example" in help_text
    assert help_text.count(path) >= 2, "once in the usage line, once in the example"


@each_command
def test_every_option_has_help(path: str) -> None:
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@each_leaf
def test_command_stands_in_the_documents(path: str) -> None:
    assert path in (project.ROOT / "docs" / "cli.md").read_text()
