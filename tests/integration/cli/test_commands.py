"""The commands against the real stack: documents, exit status, steering."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.cli.conftest import Aws, CommandLine, rows

OUTCOME_FIELDS = {
    "migrationId",
    "status",
    "executionArn",
    "seconds",
    "copy",
    "sync",
    "cleanup",
    "verify",
    "snapshot",
    "undo",
    "consumed",
    "report",
    "error",
}


@pytest.fixture
def tables(aws: Aws) -> tuple[str, str]:
    """A source with 300 items, and an empty destination."""
    name = f"t{uuid4().hex[:10]}"
    aws.table(name, rows(300))
    aws.table(f"{name}-new", [])
    return name, f"{name}-new"


@pytest.fixture
def spec(tmp_path: Path, tables: tuple[str, str]) -> Callable[..., tuple[str, str]]:
    """Writes a spec file; gives its path and its migrationId."""

    def write(**fields: Any) -> tuple[str, str]:
        migration_id = f"m-{uuid4().hex[:10]}"
        source, destination = tables
        document = {
            "migrationId": migration_id,
            "source": {"tableName": source},
            "destination": {"tableName": destination},
            "verify": "count",
            "snapshot": "none",
            "segments": 2,
            **fields,
        }
        path = tmp_path / f"{migration_id}.json"
        path.write_text(json.dumps(document))
        return str(path), migration_id

    return write


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    """Polls until it holds; Step Functions has no event to wait for."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_start_and_report_print_the_contracts_document(
    tableferry: CommandLine, spec: Any, aws: Aws, tables: tuple[str, str]
) -> None:
    path, migration_id = spec()
    started = tableferry("start", path, "--wait", "--json")
    assert started.status == 0, started.stderr
    document = started.document
    assert set(document) == OUTCOME_FIELDS
    assert (document["migrationId"], document["status"]) == (migration_id, "SUCCEEDED")
    assert document["copy"] == {
        "read": 300,
        "written": 300,
        "skipped": 0,
        "filtered": 0,
        "quarantined": 0,
    }
    assert document["verify"]["match"] is True
    assert document["error"] is None
    assert aws.items(tables[0]) == aws.items(tables[1])
    assert "account 000000000000, Region us-east-1, endpoint http://127.0.0.1:" in started.stderr
    reported = tableferry("report", migration_id, "--json")
    assert (reported.status, reported.document) == (0, document)


def test_status_shows_every_state_and_the_segments(tableferry: CommandLine, spec: Any) -> None:
    path, migration_id = spec()
    assert tableferry("start", path, "--wait").status == 0
    shown = tableferry("status", migration_id, "--json").document
    states = {state["name"]: state["status"] for state in shown["states"]}
    assert states["CopySourceToDestination"] == "SUCCEEDED"
    assert states["CleanDestination"] == "SKIPPED"
    copied = next(each for each in shown["maps"] if each["work"] == "copy")
    assert (copied["segments"]["done"], copied["items"]) == (2, 300)
    assert copied["mapRunArn"]
    text = tableferry("status", migration_id).stdout
    assert "✓ CopySourceToDestination" in text
    assert "copy: 2 of 2 segments, 300 items" in text


def test_plan_changes_nothing(
    tableferry: CommandLine, spec: Any, aws: Aws, tables: tuple[str, str]
) -> None:
    path, migration_id = spec(transform=[{"rename": {"from": "n", "to": "number"}}])
    planned = tableferry("plan", path, "--json")
    assert planned.status == 0, planned.stderr
    assert planned.document["estimate"]["items"] == 300
    assert "number" in planned.document["sample"][0]["after"]
    assert aws.items(tables[1]) == {}
    assert tableferry("report", migration_id).status == 2, "a plan leaves no record"


def test_used_id_and_missing_table_start_no_execution(
    tableferry: CommandLine, spec: Any, aws: Aws
) -> None:
    path, _ = spec()
    assert tableferry("start", path, "--wait").status == 0
    machines = aws.client("stepfunctions")
    (machine,) = machines.list_state_machines()["stateMachines"]

    def executions() -> int:
        arn = machine["stateMachineArn"]
        return len(machines.list_executions(stateMachineArn=arn)["executions"])

    before = executions()
    again = tableferry("start", path, "--json")
    assert again.status == 2
    assert again.document["error"]["problems"][0]["path"] == "migrationId"
    missing, _ = spec(source={"tableName": "nowhere"})
    refused = tableferry("start", missing, "--json")
    assert refused.status == 2
    assert refused.document["error"]["name"] == "TableNotFoundError"
    assert executions() == before


def test_failure_is_shown_mended_and_redriven(
    tableferry: CommandLine, spec: Any, aws: Aws, tables: tuple[str, str]
) -> None:
    bad = {"id": {"S": "bad"}, "n": {"M": {}}}
    # Beyond what the first state samples is too much for a small engine: the item goes bad later.
    path, migration_id = spec(transform=[{"cast": {"attribute": "n", "to": "S"}}], approval=True)
    started = tableferry.in_background("start", path, "--wait", "--json")
    until(lambda: "waits for a person" in tableferry("status", migration_id).stdout)
    assert tableferry("report", migration_id, "--json").document["status"] == "RUNNING"
    aws.client("dynamodb").put_item(TableName=tables[0], Item=bad)
    assert tableferry("approve", migration_id).status == 0
    failed = started.wait()
    assert failed.status == 1
    assert failed.document["status"] == "FAILED"
    assert failed.document["error"]["name"] == "ItemError"
    assert "bad" in failed.document["error"]["cause"]
    text = tableferry("status", migration_id)
    assert text.status == 1
    assert "✗ CopySourceToDestination" in text.stdout
    assert "ItemError" in text.stdout
    aws.client("dynamodb").delete_item(TableName=tables[0], Key={"id": bad["id"]})
    redriven = tableferry("redrive", migration_id, "--wait", "--json")
    assert redriven.status == 0, redriven.stdout
    assert redriven.document["copy"]["written"] == 300
    assert tableferry("redrive", migration_id, "--json").status == 2


def test_pause_resume_and_stop(tableferry: CommandLine, spec: Any) -> None:
    path, migration_id = spec(approval=True)
    started = tableferry.in_background("start", path, "--wait", "--json")
    until(lambda: "waits for a person" in tableferry("status", migration_id).stdout)
    paused = tableferry("pause", migration_id, "--json")
    assert paused.status == 0, paused.stderr
    assert paused.document["heldLeases"] == []
    waited = started.wait()
    assert (waited.status, waited.document["status"]) == (1, "PAUSED")
    # Who: the command, or the Stop button where the execution's event came first.
    assert "PAUSED" in tableferry("status", migration_id).stdout
    resumed = tableferry("resume", migration_id, "--json")
    assert resumed.status == 0
    until(lambda: "waits for a person" in tableferry("status", migration_id).stdout)
    assert tableferry("approve", migration_id).status == 0
    watched = tableferry("status", migration_id, "--watch", "--json")
    assert (watched.status, watched.document["status"]) == (0, "SUCCEEDED")


def test_stop_gives_a_migration_up_for_good(tableferry: CommandLine, spec: Any) -> None:
    path, migration_id = spec(approval=True)
    assert tableferry("start", path).status == 0
    until(lambda: "waits for a person" in tableferry("status", migration_id).stdout)
    stopped = tableferry("stop", migration_id, "--json")
    assert stopped.status == 0, stopped.stderr
    assert stopped.document["status"] == "STOPPED"
    assert tableferry("status", migration_id, "--json").document["status"] == "STOPPED"
    assert tableferry("report", migration_id, "--json").status == 1
    for command in ("resume", "redrive"):
        refused = tableferry(command, migration_id, "--json")
        assert refused.status == 1
        assert refused.document["error"]["name"] == "MigrationStoppedError"


def test_redrive_can_go_on_in_a_new_execution(tableferry: CommandLine, spec: Any) -> None:
    path, migration_id = spec(approval=True)
    first = tableferry("start", path, "--json").document["executionArn"]
    until(lambda: "waits for a person" in tableferry("status", migration_id).stdout)
    assert tableferry("pause", migration_id).status == 0
    second = tableferry("redrive", migration_id, "--new-execution", "--json").document
    assert second["executionArn"] != first
    until(lambda: "waits for a person" in tableferry("status", migration_id).stdout)
    assert tableferry("approve", migration_id).status == 0
    assert tableferry("status", migration_id, "--watch").status == 0


def test_who_is_not_let_in_or_finds_nobody(tableferry: CommandLine) -> None:
    nobody = tableferry("status", "x", "--json", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert nobody.status == 3
    assert nobody.document["error"]["name"] == "UnreachableError"
    without = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    stranger = tableferry("status", "x", "--json", **without)
    assert stranger.status == 3
    assert stranger.document["error"]["name"] == "PermissionMissingError"
    other = tableferry("status", "x", "--json", TABLEFERRY_STACK="other")
    assert other.status == 2
    assert "other" in other.document["error"]["cause"]
