"""`status` and `report`: what is shown of a migration in any state."""

import json
from typing import Any

import pytest

from tableferry.aws.executions import HistoryEvent, MapRun
from tableferry.cli.looking import Looker
from tableferry.cli.works import MAP_OF_WORK
from tableferry.model import Failure, StopFlag, Work
from tests.fakes import Clock
from tests.unit.cli.fake_stack import AWS, DEFINITION, EXECUTIONS, World, entered, left, read

COPYING = {"copying": {"segments": {"copy": 4}}}
MAP = "CopySourceToDestination"


def copying(world: World, **fields: Any) -> str:
    """A migration that copies four segments: one done, one running, one failed, one waiting."""
    arn = world.migrate(steps=COPYING, **fields)
    world.segment(0, done=True, counts=read(100))
    world.segment(1, counts=read(30, throttled=7))
    world.segment(2, counts=read(20), failure=Failure("ItemError", "item 7", "mend it", 109.0))
    world.executions.events[arn] = [
        entered("ValidateMigration", 100.0),
        left("ValidateMigration", 101.0),
        entered(MAP, 101.0, "Map"),
    ]
    world.tables.sizes["Prefs"] = 600
    return arn


def status(world: World) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(world.run("status", "prefs-v2", "--json").stdout)
    return document


def test_document_has_states_segments_and_the_childs_own_error(world: World) -> None:
    copying(world)
    world.executions.runs = [MapRun("arn:map-run", MAP)]
    document = status(world)
    assert document["status"] == "RUNNING"
    states = {state["name"]: state["status"] for state in document["states"]}
    assert states["ValidateMigration"] == "SUCCEEDED"
    assert states[MAP] == "RUNNING"
    assert states["SnapshotSource"] == "AHEAD"
    (found,) = document["maps"]
    assert found["state"] == MAP
    assert found["mapRunArn"] == "arn:map-run"
    assert found["segments"] == {"total": 4, "done": 1, "running": 1, "failed": 1, "waiting": 1}
    assert (found["items"], found["expectedItems"], found["throttled"]) == (150, 600, 7)
    assert found["itemsPerSecond"] == 15.0
    assert found["etaSeconds"] == 30.0
    assert found["errors"][0]["cause"] == "item 7"


def test_text_has_the_graph_and_what_the_segments_say(world: World) -> None:
    copying(world)
    text = world.run("status", "prefs-v2").stdout
    assert "✓ ValidateMigration" in text
    assert f"▶ {MAP}" in text
    assert "1 of 4 segments, 1 running, 1 failed, 150 items" in text
    assert "throttled 7 times" in text
    assert "ItemError (1 segment): item 7" in text
    assert "hint: mend it" in text
    assert "StopMigration" not in text


@pytest.mark.parametrize(
    ("execution", "shown", "exit_status"),
    [
        ("RUNNING", "RUNNING", 0),
        ("SUCCEEDED", "SUCCEEDED", 0),
        ("ABORTED", "PAUSED", 1),
        ("FAILED", "FAILED", 1),
        ("TIMED_OUT", "TIMED_OUT", 1),
    ],
)
@pytest.mark.parametrize("command", ["status", "report"])
def test_exit_status_follows_the_migrations(
    world: World, command: str, execution: str, shown: str, exit_status: int
) -> None:
    output = json.dumps({"migrationId": "prefs-v2", "status": "SUCCEEDED"})
    world.migrate(execution, output=output, error="States.Runtime" if shown == "FAILED" else "")
    result = world.run(command, "prefs-v2", "--json")
    assert result.exit_code == exit_status
    assert json.loads(result.stdout)["status"] == shown


@pytest.mark.parametrize("command", ["status", "report"])
def test_given_up_is_stopped(world: World, command: str) -> None:
    world.migrate("FAILED")
    world.ledger.mark_stopped("prefs-v2", "ender")
    world.outcomes.documents["prefs-v2"] = {"migrationId": "prefs-v2", "status": "STOPPED"}
    result = world.run(command, "prefs-v2", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "STOPPED"


def test_report_of_a_running_migration_adds_up_what_there_is(world: World) -> None:
    copying(world)
    result = world.run("report", "prefs-v2", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["status"] == "RUNNING"
    assert document["copy"]["read"] == 150
    assert document["error"] is None
    assert document["seconds"] > 0
    assert "watch it: tableferry status prefs-v2" in world.run("report", "prefs-v2").stdout


def test_report_after_step_functions_forgot(world: World) -> None:
    arn = world.migrate("FAILED")
    del world.executions.states[arn]
    error = {"name": "ItemError", "cause": "item 7", "hint": ""}
    recorded = {"migrationId": "prefs-v2", "status": "FAILED", "error": error}
    world.outcomes.documents["prefs-v2"] = recorded
    result = world.run("report", "prefs-v2", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == recorded
    forgotten = world.run("status", "prefs-v2", "--json")
    assert forgotten.exit_code == 2
    assert "tableferry report prefs-v2" in json.loads(forgotten.stdout)["error"]["hint"]


def test_paused_says_by_whom_and_how_to_go_on(world: World) -> None:
    arn = copying(world)
    world.executions.end(arn, "ABORTED")
    assert "tableferry resume prefs-v2" in status(world)["reason"]
    world.ledger.flag_stop("prefs-v2", StopFlag(arn, 0, "the Stop button", 0.0))
    assert "the Stop button at 1970-01-01 00:00:00 UTC" in status(world)["reason"]


def test_worker_that_was_told_to_hand_back_did_not_fail(world: World) -> None:
    copying(world)
    world.segment(2, failure=Failure("MigrationPausedError", "stopped", "", 109.0))
    (found,) = status(world)["maps"]
    assert found["segments"]["failed"] == 0
    assert not found["errors"]


def test_failures_from_before_the_redrive_are_over(world: World) -> None:
    arn = copying(world)
    world.executions.events[arn] += [
        HistoryEvent("ExecutionFailed", 110.0),
        HistoryEvent("ExecutionRedriven", 120.0),
    ]
    (found,) = status(world)["maps"]
    assert found["segments"]["failed"] == 0


def test_waits_for_a_person(world: World) -> None:
    arn = world.migrate(steps={"approval": {"taskToken": "t", "at": 1.0}})
    world.executions.events[arn] = [entered("RequestApproval", 101.0)]
    assert "tableferry approve prefs-v2" in status(world)["reason"]


def test_waits_for_aws_in_the_words_of_the_machine(world: World) -> None:
    arn = world.migrate()
    world.executions.events[arn] = [entered("WaitForBackup", 101.0, "Wait")]
    assert status(world)["reason"].startswith("Backups take minutes")


def test_task_that_is_tried_again_says_why(world: World) -> None:
    arn = world.migrate()
    failure = HistoryEvent("TaskFailed", 102.0, error="TransientError")
    world.executions.events[arn] = [entered("PlanSegments", 101.0), failure]
    assert "PlanSegments failed 1 times (TransientError)" in status(world)["reason"]


def look_at(world: World, at: float) -> Any:
    return Looker(world.stack, "prefs-v2", f"{EXECUTIONS}:one", lambda: at).look()


def test_silence_has_a_reason(world: World) -> None:
    copying(world)
    assert look_at(world, 115.0).reason is None
    assert "no progress for 90 s" in look_at(world, 200.0).reason
    assert "ItemError: item 7" in look_at(world, 200.0).reason
    world.segment(2, counts=read(20))
    assert "throttled 7 times" in look_at(world, 200.0).reason
    world.segment(1, counts=read(30))
    assert "no worker has finished a page" in look_at(world, 200.0).reason


def test_rate_is_that_of_the_last_seconds(world: World) -> None:
    copying(world)
    clock = Clock(110.0)
    looker = Looker(world.stack, "prefs-v2", f"{EXECUTIONS}:one", clock.now)
    assert looker.look().works[0].per_second == 15.0, "the average, at first"
    for _ in range(8):
        clock.sleep(5)
        clock_items = round((clock.time - 110) * 2)
        world.segment(1, counts=read(30 + clock_items))
        look = looker.look()
    assert look.works[0].per_second == pytest.approx(2.0)
    assert look.works[0].eta_seconds == pytest.approx((600 - 230) / 2, rel=0.1)


def test_verification_counts_its_own_round(world: World) -> None:
    steps = {
        "verifying": {"segments": {"count-source": 2, "count-destination": 2}},
        "verification": {"round": 2},
    }
    world.migrate(steps=steps)
    world.segment(0, work=Work.COUNT_SOURCE, round=1, done=True, counts=read(50))
    world.segment(1, work=Work.COUNT_SOURCE, round=2, done=True, counts=read(60))
    source, destination = status(world)["maps"]
    assert (source["segments"]["done"], source["items"]) == (1, 60)
    assert destination["segments"]["waiting"] == 2


def test_console_link_is_for_aws_alone() -> None:
    for place, count in ((AWS, 1), (None, 0)):
        world = World(place) if place else World()
        world.migrate()
        assert len(status(world)["links"]) == count


def test_watching_prints_lines_on_the_way_and_one_document(world: World) -> None:
    arn = copying(world)
    world.executions.end(arn, "SUCCEEDED")
    result = world.run("status", "prefs-v2", "--watch", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == "SUCCEEDED"
    assert "SUCCEEDED" in result.stderr or MAP in result.stderr


def test_every_map_of_the_machine_has_the_work_that_it_does() -> None:
    maps = {name for name, state in DEFINITION["States"].items() if state["Type"] == "Map"}
    assert maps == set(MAP_OF_WORK.values())
