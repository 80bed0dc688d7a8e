"""Options that every command has, and help."""

import pytest

from tests.unit.cli.fake_stack import World


@pytest.mark.parametrize(
    "words",
    [
        ["--stack-name", "other", "--region", "eu-west-1", "--profile", "p", "status", "x"],
        ["status", "x", "--stack-name", "other", "--region", "eu-west-1", "--profile", "p"],
        ["--region", "eu-west-1", "status", "--stack-name", "other", "x", "--profile", "p"],
        ["--stack-name", "no", "--region", "eu-west-1", "--profile", "p", "status", "x"]
        + ["--stack-name", "other"],
    ],
)
def test_shared_options_may_stand_before_and_after_the_command(
    world: World, words: list[str]
) -> None:
    world.run(*words)
    assert world.connected == [("other", "eu-west-1", "p")]


def test_stack_of_the_environment_yields_to_the_command_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run("status", "x")
    monkeypatch.setenv("TABLEFERRY_STACK", "mine")
    world.run("status", "x")
    world.run("--stack-name", "other", "status", "x")
    world.run("status", "x", "--stack-name", "other")
    assert [name for name, _, _ in world.connected] == ["tableferry", "mine", "other", "other"]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["start", "--help"], ["local", "-h"]])
def test_help_is_no_error(world: World, words: list[str]) -> None:
    result = world.run(*words)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: tableferry")
    assert not world.connected


def test_version(world: World) -> None:
    result = world.run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("tableferry, version ") or result.stdout.startswith(
        "tableferry "
    )
