"""Every way to fail: exit status, the JSON document, the two lines, never a traceback."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as botocore_exceptions

from tableferry.errors import (
    CollisionError,
    InvalidSpecError,
    MigrationStoppedError,
    PermissionMissingError,
    Problem,
    TableferryError,
    TableNotFoundError,
    TransientError,
    UnreachableError,
)
from tests.fakes import refusal
from tests.unit.cli.fake_stack import SPEC, Result, World

ON_AN_ID = ["status", "pause", "resume", "redrive", "stop", "approve", "report", "verify"]
ON_A_SPEC = ["plan", "start"]

each_on_an_id = pytest.mark.parametrize("command", ON_AN_ID)
each_on_a_spec = pytest.mark.parametrize("command", ON_A_SPEC)


def error_of(result: Result) -> dict[str, Any]:
    """The error document, which is all that stands on standard output."""
    document = json.loads(result.stdout)
    assert set(document) == {"error"}
    assert set(document["error"]) == {"name", "cause", "hint", "problems"}
    for problem in document["error"]["problems"]:
        assert set(problem) == {"path", "value", "rule", "remedy"}
    error: dict[str, Any] = document["error"]
    return error


@each_on_an_id
@pytest.mark.parametrize("migration_id", ["nobody", "", "no body", "x" * 3000])
def test_unknown_migration_is_wrong_input(world: World, command: str, migration_id: str) -> None:
    result = world.run(command, migration_id, "--json")
    assert result.exit_code == 2
    assert error_of(result)["name"] == "NotFoundError"
    assert migration_id in error_of(result)["cause"]
    assert not world.executions.started


@each_on_an_id
def test_error_without_json_is_said_on_standard_error_alone(world: World, command: str) -> None:
    result = world.run(command, "nobody")
    lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert any(line.startswith("error: ") and "nobody" in line for line in lines)
    assert any(line.startswith("hint: ") for line in lines)
    assert "Traceback" not in result.stdout + result.stderr
    assert "nobody" not in result.stdout


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnreachableError("no answer", hint="start it"), 3),
        (PermissionMissingError("refused"), 3),
        (TransientError("throttled"), 3),
        (TableNotFoundError("no ledger"), 2),
        (MigrationStoppedError("given up"), 1),
        (refusal("AccessDeniedException"), 3),
        (refusal("ThrottlingException"), 3),
        (botocore_exceptions.EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), 3),
        (botocore_exceptions.NoCredentialsError(), 3),
        (botocore_exceptions.NoRegionError(), 2),
        (refusal("ValidationException"), 1),
        (ZeroDivisionError("oops"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
@pytest.mark.parametrize("command", [*ON_AN_ID, *ON_A_SPEC])
def test_what_the_stack_says_no_with(
    world: World, spec_file: str, command: str, error: Exception, status: int
) -> None:
    world.refuses = error
    word = spec_file if command in ON_A_SPEC else "prefs-v2"
    result = world.run(command, word, "--json")
    assert result.exit_code == status
    found = error_of(result)
    assert found["name"].endswith("Error")
    assert found["cause"]
    assert "Traceback" not in result.stdout + result.stderr


def test_defect_names_a_file_with_its_traceback(world: World) -> None:
    world.refuses = ZeroDivisionError("oops")
    result = world.run("status", "prefs-v2", "--json")
    error = error_of(result)
    assert error["name"] == "DefectError"
    path = Path(error["hint"].rsplit(" ", 1)[1])
    assert "ZeroDivisionError: oops" in path.read_text()
    path.unlink()


@each_on_an_id
def test_interrupt_is_said_without_a_traceback(world: World, command: str) -> None:
    world.refuses = KeyboardInterrupt()  # type: ignore[assignment]
    result = world.run(command, "prefs-v2", "--json")
    assert result.exit_code == 1
    assert error_of(result)["name"] == "InterruptError"


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["status"], "ID"),
        (["status", "x", "--bogus"], "--bogus"),
        (["start"], "SPEC"),
        (["local", "up", "--port", "many"], "--port"),
        (["local", "up", "--port", "0"], "--port"),
        (["demo", "--items", "0"], "--items"),
        (["demo", "--items", "336777"], "--items"),
        (["teleport"], "command"),
        (["status", "x", "y"], "command"),
        (["local"], "command"),
        (["--stack-name"], "--stack-name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_error_names_what_is_wrong(world: World, words: list[str], path: str) -> None:
    result = world.run("--json", *words)
    assert result.exit_code == 2
    error = error_of(result)
    assert error["name"] == "InvalidSpecError"
    (problem,) = error["problems"]
    assert problem["path"] == path
    assert "--help" in problem["remedy"]
    plain = world.run(*words)
    assert plain.exit_code == 2
    assert plain.stderr.startswith("error: ")
    assert plain.stdout == ""


@each_on_a_spec
def test_spec_that_is_not_there(world: World, command: str, tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        result = world.run(command, str(path), "--json")
        assert result.exit_code == 2
        assert error_of(result)["name"] == "NotFoundError"
    assert not world.connected


@each_on_a_spec
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('{\n  "migrationId": "a",\n  oops\n}', "line 3, column 3"),
        ("", "line 1, column 1"),
        ("[]", "must be a JSON object"),
        ('{"migrationId": "a", "migrationId": "b"}', "more than once"),
    ],
)
def test_text_that_is_no_spec(
    world: World, command: str, tmp_path: Path, text: str, rule: str
) -> None:
    path = tmp_path / "spec.json"
    path.write_text(text)
    result = world.run(command, str(path), "--json")
    assert result.exit_code == 2
    assert rule in error_of(result)["problems"][0]["rule"]
    assert not world.connected


@each_on_a_spec
def test_bytes_that_are_no_text(world: World, command: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_bytes(b'{"migrationId": "\xff"}')
    result = world.run(command, str(path), "--json")
    assert result.exit_code == 2
    assert "UTF-8" in error_of(result)["problems"][0]["rule"]


@each_on_a_spec
def test_a_byte_order_mark_is_no_mistake(world: World, command: str, tmp_path: Path) -> None:
    """PowerShell and editors on Windows write one."""
    path = tmp_path / "spec.json"
    path.write_text('{"migrationId": 7}', encoding="utf-8-sig")
    found = error_of(world.run(command, str(path), "--json"))
    assert "migrationId" in [problem["path"] for problem in found["problems"]]


@each_on_a_spec
def test_all_mistakes_of_a_spec_come_at_once_before_any_call(
    world: World, command: str, tmp_path: Path
) -> None:
    path = tmp_path / "spec.json"
    bad = {**SPEC, "strategie": "copy", "segments": 0, "transform": [{"rename": {"from": "a"}}]}
    path.write_text(json.dumps(bad))
    result = world.run(command, str(path), "--json")
    assert result.exit_code == 2
    paths = {problem["path"] for problem in error_of(result)["problems"]}
    assert {"strategie", "segments"} <= paths
    assert any(each.startswith("transform[0].rename") for each in paths)
    assert not world.connected
    plain = world.run(command, str(path))
    assert all(f"  {each}: " in plain.stderr for each in paths)


@each_on_a_spec
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TableNotFoundError("Prefs is not there", problems=[Problem("a", 1, "b", "c")]), 2),
        (InvalidSpecError([Problem("source", 1, "b", "c")]), 2),
        (CollisionError("two keys"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_the_tables_say_no_with_starts_nothing(
    world: World, spec_file: str, command: str, error: TableferryError, status: int
) -> None:
    world.tables.error = error
    result = world.run(command, spec_file, "--json")
    assert result.exit_code == status
    assert error_of(result)["name"] == error.name
    assert not world.executions.started
