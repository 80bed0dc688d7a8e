"""`pause`, `resume`, `redrive`, `stop` and `approve`."""

import dataclasses
import json
from typing import Any

import pytest

from tableferry.cli.pausing import HAND_BACK_SECONDS, Pauser
from tableferry.cli.redriving import Redriver
from tableferry.errors import NotOwnerError, UnreachableError
from tableferry.model import StopFlag
from tests.fakes import Clock
from tests.unit.cli.fake_stack import EXECUTIONS, World

GOING_ON = ["resume", "redrive"]

each_going_on = pytest.mark.parametrize("command", GOING_ON)


def problem_of(result: Any) -> dict[str, Any]:
    (problem,) = json.loads(result.stdout)["error"]["problems"]
    found: dict[str, Any] = problem
    return found


def test_pause_stops_the_execution_and_then_flags_it(world: World) -> None:
    arn = world.migrate()
    result = world.run("pause", "prefs-v2", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["status"], document["heldLeases"]) == ("PAUSED", [])
    assert world.executions.states[arn].status == "ABORTED"
    flag = world.ledger.controls["prefs-v2"].stop
    assert flag is not None
    assert (flag.execution_arn, flag.redrive_count) == (arn, 0)


def test_pause_flags_the_redrive_that_it_stopped(world: World) -> None:
    arn = world.migrate(redrive_count=3)
    world.run("pause", "prefs-v2")
    flag = world.ledger.controls["prefs-v2"].stop
    assert flag is not None
    assert flag.redrive_count == 3
    assert world.executions.states[arn].status == "ABORTED"


def test_pause_may_be_run_again(world: World) -> None:
    world.migrate()
    assert world.run("pause", "prefs-v2").exit_code == 0
    assert world.run("pause", "prefs-v2").exit_code == 0


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT"])
def test_nothing_to_pause_is_wrong_input(world: World, status: str) -> None:
    world.migrate(status)
    result = world.run("pause", "prefs-v2", "--json")
    assert result.exit_code == 2
    assert status in problem_of(result)["rule"]


def test_pause_waits_for_workers_to_hand_back(world: World) -> None:
    world.migrate()
    clock = Clock()
    lease = world.lease(5, clock.time + 300)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.slept > 3:
            world.ledger.release(lease)

    paused = Pauser(world.stack, clock.now, sleep).pause("prefs-v2")
    assert paused.held == ()
    assert 3 < clock.slept < 5


def test_pause_names_who_did_not_hand_back(world: World) -> None:
    world.migrate()
    clock = Clock()
    world.lease(4, clock.time - 1)
    late = world.lease(5, clock.time + 300)
    paused = Pauser(world.stack, clock.now, clock.sleep).pause("prefs-v2")
    assert paused.held == (late,), "one that is over by itself holds nobody up"
    assert clock.slept == pytest.approx(HAND_BACK_SECONDS)
    lines = "\n".join(paused.lines())
    assert "copy segment 5 may write until 1970-01-12" in lines
    assert paused.to_json()["heldLeases"][0]["segment"] == 5


def test_pause_of_what_another_execution_took_over(world: World) -> None:
    arn = world.migrate()
    stop = world.executions.stop

    def taken_meanwhile(execution_arn: str, cause: str) -> None:
        stop(execution_arn, cause)
        world.ledger.take_over("prefs-v2", arn, f"{EXECUTIONS}:two")

    world.executions.stop = taken_meanwhile  # type: ignore[method-assign]
    with pytest.raises(NotOwnerError):
        Pauser(world.stack).pause("prefs-v2")
    assert world.ledger.controls["prefs-v2"].stop is None


@each_going_on
@pytest.mark.parametrize("status", ["ABORTED", "FAILED", "TIMED_OUT"])
def test_what_ended_badly_is_redriven(world: World, command: str, status: str) -> None:
    arn = world.migrate(status)
    result = world.run(command, "prefs-v2", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["executionArn"] == arn
    assert world.executions.states[arn].redrive_count == 1
    assert not world.executions.started


@each_going_on
def test_waiting_for_a_redrive_prints_its_outcome(world: World, command: str) -> None:
    arn = world.migrate("FAILED")
    output = json.dumps({"migrationId": "prefs-v2", "status": "SUCCEEDED"})
    world.executions.on_redrive = lambda arn: world.executions.end(arn, output=output)
    result = world.run(command, "prefs-v2", "--wait", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == "SUCCEEDED"
    assert world.executions.states[arn].redrive_count == 1


@each_going_on
@pytest.mark.parametrize(("status", "word"), [("RUNNING", "runs"), ("SUCCEEDED", "succeeded")])
def test_nothing_to_go_on_with_is_wrong_input(
    world: World, command: str, status: str, word: str
) -> None:
    world.migrate(status)
    result = world.run(command, "prefs-v2", "--json")
    assert result.exit_code == 2
    assert word in problem_of(result)["rule"]


@each_going_on
def test_what_was_given_up_does_not_go_on(world: World, command: str) -> None:
    world.migrate("FAILED")
    world.ledger.mark_stopped("prefs-v2", "ender")
    result = world.run(command, "prefs-v2", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["name"] == "MigrationStoppedError"
    assert not world.executions.started


@pytest.mark.parametrize("is_forgotten", [True, False])
def test_resume_of_what_is_too_old_says_how_to_go_on(world: World, is_forgotten: bool) -> None:
    arn = world.migrate("ABORTED")
    world.executions.too_old.add(arn)
    if is_forgotten:
        del world.executions.states[arn]
    result = world.run("resume", "prefs-v2", "--json")
    error = json.loads(result.stdout)["error"]
    assert result.exit_code == 2
    assert "tableferry redrive prefs-v2" in error["hint"]
    assert '"resume": true' in error["hint"]
    assert not world.executions.started


@pytest.mark.parametrize("words", [["--new-execution"], []], ids=["asked for", "too old"])
def test_redrive_goes_on_in_a_new_execution(world: World, words: list[str]) -> None:
    arn = world.migrate("FAILED")
    if not words:
        world.executions.too_old.add(arn)
    world.executions.on_start = lambda arn, _spec: None
    result = world.run("redrive", "prefs-v2", *words, "--json")
    assert result.exit_code == 0
    (spec,) = world.executions.started
    assert spec == {**world.ledger.records["prefs-v2"]["spec"], "resume": True}
    assert json.loads(result.stdout)["executionArn"] != arn
    assert world.executions.states[arn].redrive_count == 0


@pytest.mark.parametrize(("command", "status"), [("resume", 2), ("redrive", 0)])
def test_a_full_history_is_gone_on_with_in_a_new_execution_only(
    world: World, command: str, status: int
) -> None:
    arn = world.migrate("FAILED")
    world.ledger.flag_stop("prefs-v2", StopFlag(arn, 0, "Tableferry itself", 0.0, is_full=True))
    shown = json.loads(world.run("status", "prefs-v2", "--json").stdout)
    assert shown["status"] == "PAUSED"
    assert "Tableferry itself" in shown["reason"]
    assert "tableferry redrive" in shown["reason"]
    assert world.run(command, "prefs-v2").exit_code == status
    assert world.executions.states[arn].redrive_count == 0


def test_redrive_that_does_not_show_is_not_taken_for_the_old_end(world: World) -> None:
    arn = world.migrate("FAILED")
    world.executions.redrive = lambda execution_arn: True  # type: ignore[method-assign]
    clock = Clock()
    with pytest.raises(UnreachableError):
        Redriver(world.stack, clock.now, clock.sleep).redrive("prefs-v2")
    before = world.executions.states[arn]

    def shown_late(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.slept > 40:
            world.executions.states[arn] = dataclasses.replace(before, redrive_count=1)

    assert Redriver(world.stack, clock.now, shown_late).redrive("prefs-v2") == arn


def test_stop_starts_the_machine_in_mode_stop(world: World) -> None:
    world.migrate("FAILED")
    output = json.dumps({"migrationId": "prefs-v2", "status": "STOPPED", "executionArn": "x"})
    world.executions.on_start = lambda arn, _spec: world.executions.end(arn, output=output)
    result = world.run("stop", "prefs-v2", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == "STOPPED"
    (spec,) = world.executions.started
    assert (spec["mode"], spec["migrationId"]) == ("stop", "prefs-v2")
    assert spec["destination"]["tableName"] == "PrefsV2"
    assert spec["source"] is None


def test_approve_sends_the_token_that_the_ledger_keeps(world: World) -> None:
    world.migrate(steps={"approval": {"taskToken": "token", "at": 1.0}})
    world.executions.waiting_tokens.add("token")
    result = world.run("approve", "prefs-v2", "--json")
    assert result.exit_code == 0
    assert world.executions.approved == ["token"]
    again = world.run("approve", "prefs-v2", "--json")
    assert again.exit_code == 2
    assert "does not wait" in problem_of(again)["rule"]


def test_approve_of_what_never_asked(world: World) -> None:
    world.migrate()
    assert world.run("approve", "prefs-v2").exit_code == 2
