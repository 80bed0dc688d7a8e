"""Hibernating where applications need the table, and pausing before a child's history is full."""

from typing import Any

import pytest

from tableferry.cli.looking import status_of
from tableferry.errors import MigrationPausedError
from tableferry.model import Work
from tableferry.pace.tolls import pacer_for
from tableferry.runs.ownership import ExecutionState
from tableferry.segments.cleaning import clean_scan, clean_segment
from tableferry.segments.turns import HIBERNATION_SECONDS, MOST_TURNS
from tableferry.segments.working import Worker
from tests.fakes import THROTTLE, Faults, refusal
from tests.worlds import DESTINATION, OWNER, RUN, World, numbered

LIMITS = {"maxConcurrency": 1, "readUnitsPerSecond": None, "writeUnitsPerSecond": None}


class Busy(Faults):
    """Applications need all that the table takes: every write of ours is throttled."""

    def before(self, operation: str) -> None:
        if operation == "BatchWriteItem":
            raise refusal(THROTTLE)


def busy_world() -> World:
    made = World(items=numbered(400), faults=Busy())
    made.destination.load(numbered(400))
    return made


def worker_of(world: World, *, nice: bool, **options: Any) -> Worker:
    """A worker with a pace, on the world's clock."""
    worker = world.worker(**options)
    record = {"spec": {"limits": {**LIMITS, "nice": nice}}, "steps": {}}
    worker.pacer = pacer_for(
        record, worker.task, holder=worker.holder, log=world.ledger, now=world.clock.now
    )
    return worker


def copied(world: World, worker: Worker) -> dict[str, Any]:
    """The answer of one invocation."""
    from tableferry.segments.copying import CopyRules, KeyRules, copy_segment
    from tableferry.segments.working import Scan

    rules = CopyRules(
        transform=world.transform,
        source_key=("pk",),
        destination=KeyRules(("pk",), {"pk": "S"}),
        keep=False,
        quarantine=None,
    )
    scan = Scan(world.dynamo, "Source", {"ConsistentRead": True})
    done = copy_segment(worker, rules, scan, destination=world.dynamo, table=DESTINATION)
    return worker.answer(done)


def test_a_nice_worker_that_is_throttled_again_and_again_leaves_the_table_to_others() -> None:
    world = busy_world()
    began = world.clock.now()
    worker = worker_of(world, nice=True)
    assert copied(world, worker) == {"done": False, "hibernate": True}
    record = world.record()
    assert record.hibernates_until > began + HIBERNATION_SECONDS
    assert record.silent_seconds == 0.0, "a stall is not counted while others have the table"
    assert not world.ledger.leases(RUN), "what hibernates holds no lease"


def test_it_goes_on_where_it_was_when_it_wakes() -> None:
    world = busy_world()
    copied(world, worker_of(world, nice=True))
    world.dynamo.faults = Faults()
    assert copied(world, worker_of(world, nice=True)) == {"done": True, "hibernate": False}
    assert world.is_equal()
    assert world.record().hibernates_until == 0.0


def test_an_eager_worker_goes_on_trying_until_its_time_is_up() -> None:
    world = busy_world()
    worker = worker_of(world, nice=False, seconds=900.0)
    assert copied(world, worker) == {"done": False, "hibernate": False}


def test_a_run_pauses_itself_before_the_history_of_a_child_is_full() -> None:
    world = World(items=numbered(10))
    record = world.record()
    record.segments, record.turns, record.turns_of = 1, MOST_TURNS, OWNER
    world.ledger.segment_records[RUN, Work.COPY, 0] = record
    with pytest.raises(MigrationPausedError) as caught:
        world.copy()
    assert "redrive" in caught.value.hint
    control = world.ledger.control(RUN)
    assert control is not None and control.stop is not None and control.stop.is_full
    failed = ExecutionState(OWNER, "FAILED", control.stop.redrive_count, "States.Any")
    assert status_of(control, failed) == "PAUSED"
    with pytest.raises(MigrationPausedError):
        world.copy()


def test_another_execution_has_a_history_of_its_own() -> None:
    world = World(items=numbered(10))
    record = world.record()
    record.segments, record.turns, record.turns_of = 1, MOST_TURNS, "an execution before"
    world.ledger.segment_records[RUN, Work.COPY, 0] = record
    assert world.copy()
    assert world.record().turns == 1


def test_cleaning_hibernates_too() -> None:
    world = busy_world()
    worker = worker_of(world, nice=True, work=Work.COUNT_DESTINATION)
    scan = clean_scan(world.dynamo, DESTINATION, ("pk",), None)
    assert worker.answer(clean_segment(worker, scan, ("pk",), None))["hibernate"]
