"""`start` and `plan`: what is started, what is printed, which exit status."""

import json
from pathlib import Path
from typing import Any

import pytest

from tableferry.errors import (
    InvalidSpecError,
    ItemError,
    MigrationError,
    PermissionMissingError,
    Problem,
    TableferryError,
    TableNotFoundError,
    UnreachableError,
)
from tableferry.spec import MigrationSpec
from tests.unit.cli.fake_stack import SPEC, World, lambda_failure, read

OUTCOME = {"migrationId": "prefs-v2", "status": "SUCCEEDED", "seconds": 12.5, "error": None}
ESTIMATE = {"items": 5, "readUnits": 1.5, "writeUnits": 5, "seconds": 61, "usd": None}
PLAN = {
    "mode": "plan",
    "estimate": ESTIMATE,
    "bottleneck": "writing the destination",
    "warnings": ["PrefsV2 holds items"],
    "sample": [
        {"before": {"a": {"S": "1"}, "b": {"S": "2"}}, "after": {"c": {"S": "1"}, "b": {"S": "2"}}},
        {"before": {"a": {"S": "1"}}, "after": None},
        {"before": {"a": {"S": "1"}}, "after": {"a": {"S": "1"}}},
    ],
}


def succeeding(world: World, output: dict[str, Any]) -> None:
    world.executions.on_start = lambda arn, _spec: world.executions.end(
        arn, output=json.dumps(output)
    )


def failing(world: World, error: TableferryError, *, claims: bool) -> None:
    """The machine ends with that error; at its first state unless it `claims` the run."""

    def end(arn: str, document: dict[str, Any]) -> None:
        if claims:
            world.claim(arn, "prefs-v2", {"mode": "migrate", "spec": document, "steps": {}})
        world.executions.end(arn, "FAILED", **lambda_failure(error))

    world.executions.on_start = end


def test_started_with_the_whole_spec_under_a_name_of_its_own(world: World, spec_file: str) -> None:
    result = world.run("start", spec_file, "--json")
    assert result.exit_code == 0
    assert world.executions.started == [MigrationSpec.parse(SPEC).to_json()]
    (name,) = world.executions.names
    assert name.startswith("prefs-v2-")
    document = json.loads(result.stdout)
    assert document["status"] == "RUNNING"
    assert document["executionArn"].endswith(f":{name}")


def test_longest_id_still_makes_a_name(world: World, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({**SPEC, "migrationId": "m" * 63}))
    assert world.run("start", str(path)).exit_code == 0


@pytest.mark.parametrize("as_json", [True, False])
def test_account_region_and_endpoint_come_before_the_start(
    world: World, spec_file: str, as_json: bool
) -> None:
    said = "account 123456789012, Region us-east-1, endpoint http://127.0.0.1:4566"
    result = world.run("start", spec_file, *(["--json"] if as_json else []))
    assert said in (result.stderr if as_json else result.stdout)


def test_waiting_prints_the_output_of_what_succeeded(world: World, spec_file: str) -> None:
    succeeding(world, OUTCOME)
    result = world.run("start", spec_file, "--wait", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == OUTCOME
    plain = world.run("start", spec_file, "--wait")
    assert "prefs-v2: SUCCEEDED after 12.5 s" in plain.stdout


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidSpecError([Problem("source", "Prefs", "is the ledger", "name yours")]), 2),
        (TableNotFoundError("Prefs is not there", hint="check"), 2),
        (PermissionMissingError("Scan was refused", hint="allow"), 3),
        (UnreachableError("no answer"), 3),
        (MigrationError("nobody knows"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_the_first_state_refuses_is_an_error_like_ours(
    world: World, spec_file: str, error: TableferryError, status: int
) -> None:
    failing(world, error, claims=False)
    result = world.run("start", spec_file, "--wait", "--json")
    assert result.exit_code == status
    assert json.loads(result.stdout) == {"error": error.to_json()}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ItemError("item 7 is bad", hint="mend it"), 1),
        (TableNotFoundError("Prefs is gone"), 1),
        (PermissionMissingError("BatchWriteItem was refused"), 3),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_failure_of_a_run_prints_its_outcome(
    world: World, spec_file: str, error: TableferryError, status: int
) -> None:
    failing(world, error, claims=True)
    result = world.run("start", spec_file, "--wait", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == status
    assert document["status"] == "FAILED"
    assert document["error"] == {"name": error.name, "cause": error.cause, "hint": error.hint}
    assert document["seconds"] == 12.5
    plain_id = world.run("report", "prefs-v2")
    assert f"error: {error.name}: {error.cause}" in plain_id.stdout
    assert "tableferry redrive prefs-v2" in plain_id.stdout


@pytest.mark.parametrize(("status", "shown"), [("ABORTED", "PAUSED"), ("TIMED_OUT", "TIMED_OUT")])
def test_other_ends_are_told_by_their_names(
    world: World, spec_file: str, status: str, shown: str
) -> None:
    def end(arn: str, document: dict[str, Any]) -> None:
        world.claim(arn, "prefs-v2", {"mode": "migrate", "spec": document, "steps": {}})
        world.executions.end(arn, status)

    world.executions.on_start = end
    result = world.run("start", spec_file, "--wait", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == shown


def test_aborted_before_it_claimed_its_run_stays_aborted(world: World, spec_file: str) -> None:
    world.executions.on_start = lambda arn, _spec: world.executions.end(arn, "ABORTED")
    result = world.run("start", spec_file, "--wait", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "ABORTED"


def test_workers_own_error_comes_before_the_maps(world: World, spec_file: str) -> None:
    def end(arn: str, document: dict[str, Any]) -> None:
        from tableferry.model import Failure

        steps = {"copying": {"segments": {"copy": 2}}}
        world.claim(arn, "prefs-v2", {"mode": "migrate", "spec": document, "steps": steps})
        world.segment(0, done=True, counts=read(10))
        world.segment(1, failure=Failure("ItemError", "item 7", "mend it", 111.0))
        world.executions.end(arn, "FAILED", error="States.ExceedToleratedFailureThreshold")

    world.executions.on_start = end
    result = world.run("start", spec_file, "--wait", "--json")
    document = json.loads(result.stdout)
    assert document["error"] == {"name": "ItemError", "cause": "item 7", "hint": "mend it"}
    assert document["copy"]["written"] == 10


def test_used_id_starts_nothing(world: World, spec_file: str) -> None:
    world.migrate("FAILED")
    world.tables.error = InvalidSpecError([Problem("source", "Prefs", "is odd", "mend")])
    result = world.run("start", spec_file, "--json")
    assert result.exit_code == 2
    paths = [each["path"] for each in json.loads(result.stdout)["error"]["problems"]]
    assert paths == ["migrationId", "source"], "all of it in one answer"
    assert not world.executions.started


def test_resume_of_what_never_was_starts_nothing(world: World, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({**SPEC, "resume": True}))
    result = world.run("start", str(path), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["problems"][0]["path"] == "resume"
    world.migrate("FAILED")
    assert world.run("start", str(path)).exit_code == 0


def test_other_modes_print_their_own_output(world: World, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({**SPEC, "mode": "count"}))
    succeeding(world, {"mode": "count", "sourceItems": 1000, "destinationItems": None})
    result = world.run("start", str(path), "--wait")
    assert result.exit_code == 0
    assert "source: 1,000 items" in result.stdout
    assert "destination: unknown items" in result.stdout


def test_plan_runs_mode_plan_and_prints_it(world: World, spec_file: str) -> None:
    world.migrate("SUCCEEDED")
    succeeding(world, PLAN)
    result = world.run("plan", spec_file, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == PLAN
    assert [spec["mode"] for spec in world.executions.started] == ["plan"]


def test_plan_for_people_shows_what_changes(world: World, spec_file: str) -> None:
    succeeding(world, PLAN)
    text = world.run("plan", spec_file).stdout
    assert "5 items, about 1 min 1 s, 2 read units, 5 write units, price unknown" in text
    assert "warning: PrefsV2 holds items" in text
    assert '- a: {"S": "1"}' in text
    assert '+ c: {"S": "1"}' in text
    assert "item 2: filtered" in text
    assert "item 3: the same before and after" in text


def test_plan_that_fails_has_its_exit_status(world: World, spec_file: str) -> None:
    failing(world, PermissionMissingError("Scan was refused"), claims=False)
    result = world.run("plan", spec_file, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"]["name"] == "PermissionMissingError"
