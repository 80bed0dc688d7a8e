"""The outcome documents, and which error they name."""

import json
from typing import Any

import pytest

from tableferry.errors import ItemError
from tableferry.model import Counts, Failure, SegmentRecord, Work
from tableferry.runs.outcome import (
    failure_of,
    migration_outcome,
    other_outcome,
    split_message,
    total,
)
from tableferry.runs.ownership import ExecutionState

STATE = ExecutionState("arn:one", "SUCCEEDED", 0, started_at=100.0, ended_at=112.3456)


def failed(error: str = "States.ExceedToleratedFailureThreshold", cause: str = "") -> Any:
    return ExecutionState("arn:one", "FAILED", 0, error=error, cause=cause)


def failure(name: str, at: float) -> Failure:
    return Failure(name, f"cause of {name}", "mend it", at)


def test_a_migrations_outcome_has_the_contracts_fields() -> None:
    steps = {
        "verification": {"result": {"level": "count", "match": True}},
        "undo": {"arn": "arn:undo", "table": "New"},
        "snapshot": {"type": "backup", "arn": "arn:snapshot", "status": "AVAILABLE"},
    }
    totals = {
        Work.COPY: Counts(10, 5, 2, 2, 1, read_units=1.26, write_units=5.0),
        Work.COUNT_SOURCE: Counts(read=10, read_units=1.0),
    }
    assert migration_outcome("prefs-v2", {"steps": steps}, totals, STATE) == {
        "migrationId": "prefs-v2",
        "status": "SUCCEEDED",
        "executionArn": "arn:one",
        "seconds": 12.346,
        "copy": {"read": 10, "written": 5, "skipped": 2, "filtered": 2, "quarantined": 1},
        "sync": None,
        "cleanup": None,
        "verify": {"level": "count", "match": True},
        "snapshot": {"type": "backup", "arn": "arn:snapshot"},
        "undo": {"arn": "arn:undo"},
        "consumed": {"readUnits": 2.3, "writeUnits": 5.0},
        "report": None,
        "error": None,
    }


def test_what_was_not_done_is_null() -> None:
    outcome = migration_outcome("prefs-v2", {"steps": {"undo": {"arn": None}}}, {}, STATE)
    assert (outcome["verify"], outcome["snapshot"], outcome["undo"]) == (None, None, None)
    assert outcome["copy"]["written"] == 0


def test_clean_and_count_have_outcomes_of_their_own() -> None:
    cleaned = {Work.CLEAN: Counts(deleted=7)}
    assert other_outcome({"mode": "clean", "steps": {"undo": {"arn": "arn:u"}}}, cleaned) == {
        "mode": "clean",
        "deleted": 7,
        "undo": {"arn": "arn:u"},
    }
    result = {"sourceItems": 3, "destinationItems": 4, "match": False}
    record = {"mode": "count", "steps": {"verification": {"result": result}}}
    counted = {"mode": "count", "sourceItems": 3, "destinationItems": 4}
    assert other_outcome(record, {}) == counted


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED", "ABORTED", "PAUSED"])
def test_what_did_not_fail_has_no_error(status: str) -> None:
    assert failure_of(ExecutionState("arn", status, 0), [failure("ItemError", 1.0)]) is None


def test_a_failed_map_is_told_by_its_workers_own_last_words() -> None:
    failures = [
        failure("ItemError", 5.0),
        failure("StalledError", 9.0),
        failure("MigrationPausedError", 10.0),
        failure("NotOwnerError", 11.0),
    ]
    assert failure_of(failed(), failures) == {
        "name": "StalledError",
        "cause": "cause of StalledError",
        "hint": "mend it",
    }


def test_a_state_that_failed_by_itself_is_told_by_its_own_error() -> None:
    error = ItemError("3 items can not be migrated", hint="mend them")
    cause = json.dumps({"errorMessage": str(error), "errorType": "ItemError", "stackTrace": []})
    found = failure_of(failed("ItemError", cause), [failure("StalledError", 9.0)])
    assert found == {
        "name": "ItemError",
        "cause": "3 items can not be migrated",
        "hint": "mend them",
    }


@pytest.mark.parametrize("cause", ["a plain text", "", "[1, 2]", '{"other": 1}'])
def test_a_cause_of_any_shape_is_told(cause: str) -> None:
    found = failure_of(failed("States.Timeout", cause), [])
    assert found == {"name": "States.Timeout", "cause": cause, "hint": ""}


def test_a_timed_out_execution_has_a_name() -> None:
    found = failure_of(ExecutionState("arn", "TIMED_OUT", 0), [])
    assert found is not None
    assert found["name"] == "TIMED_OUT"


def test_message_and_hint_are_taken_apart_as_they_were_put_together() -> None:
    assert split_message(str(ItemError("cause", hint="hint"))) == ("cause", "hint")
    assert split_message(str(ItemError("cause"))) == ("cause", "")


def test_counts_of_segments_add_up_and_survive_json() -> None:
    one = Counts(1, 2, 3, 4, 5, 6, 7, 8, 9.5, 10.25)
    twice = total(
        [SegmentRecord(Work.COPY, 0, counts=one), SegmentRecord(Work.COPY, 1, counts=one)]
    )
    assert twice == Counts(2, 4, 6, 8, 10, 12, 14, 16, 19.0, 20.5)
    assert Counts.from_json(json.loads(json.dumps(twice.to_json()))) == twice
    assert Counts.from_json({"read": 1, "unheard": 5}) == Counts(read=1)
