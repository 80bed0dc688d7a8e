"""Where AWS's engine can not run, tests say why; in CI they do not get away with it."""

from pathlib import Path

import pytest

from tests.support import dynamodb_local


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on the PATH, and an empty cache."""
    monkeypatch.setattr(dynamodb_local, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(directory: Path, name: str, script: str = "exit 0") -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_missing_program_is_named(programs: Path) -> None:
    with pytest.raises(dynamodb_local.NotAvailableError, match="needs java"):
        dynamodb_local.fetched()
    program(programs, "java")
    with pytest.raises(dynamodb_local.NotAvailableError, match="needs mvn"):
        dynamodb_local.fetched()


def test_what_maven_says_is_passed_on_and_nothing_half_is_kept(programs: Path) -> None:
    program(programs, "java")
    program(programs, "mvn", "echo no route to repository; exit 1")
    for _ in range(2):
        with pytest.raises(dynamodb_local.NotAvailableError, match="no route to repository"):
            dynamodb_local.fetched()


def test_what_was_fetched_is_used_without_maven(programs: Path) -> None:
    program(programs, "java")
    made = 'for a; do case "$a" in -Dout*) /bin/mkdir "${a#*=}";; esac; done'
    program(programs, "mvn", made)
    library = dynamodb_local.fetched()
    (programs / "mvn").unlink()
    assert dynamodb_local.fetched() == library


@pytest.mark.parametrize(("value", "must"), [("true", True), ("", False)])
def test_ci_demands_it(value: str, must: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", value)
    assert dynamodb_local.must_be_there() is must
