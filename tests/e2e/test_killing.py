"""Workers that are killed at any moment, and workers that stand still beyond their lease."""

import random
import time
from collections.abc import Iterator

import pytest

from tableferry.local.faults import Freeze, Latency, Slow
from tests.e2e.call_log import reading_scans, repeated_reads
from tests.e2e.stack import COPY, Stack, rows
from tests.support.independent_compare import assert_moved
from tests.support.killing import Killer, standing_still

KILLS = 20
SEED = 7
# Two or three pages of 1 MB in each segment.
ITEMS, ITEM_BYTES, SEGMENTS = 1000, 16_000, 8
PATIENCE = 30


def test_killed_workers_are_followed_by_others_that_lose_nothing(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(ITEMS, text={"S": "x" * ITEM_BYTES}))
    slow = stack.proxy.add(
        Slow(latency=Latency(median_seconds=0.4)), operations="BatchWriteItem", tables=destination
    )
    spec = stack.spec(source, destination, segments=SEGMENTS)
    execution = stack.start(spec)
    killer = Killer(stack.workers, stack.proxy.calls, random.Random(SEED))
    stack.proxy.calls.wait_for("Scan", table=source, where=lambda call: call.segment is not None)
    for _ in range(KILLS):
        killer.kill()
    stack.proxy.remove(slow)

    output = stack.output(execution)

    assert_moved(stack.dynamodb, source, destination)
    assert output["copy"]["read"] == output["copy"]["written"] == ITEMS
    assert stack.entered(execution).count(COPY) == 1
    again = repeated_reads(reading_scans(stack, source))
    # The page in hand, and the one that was read ahead of it.
    assert max(again) <= 2
    assert len(again) <= KILLS
    print(f"seed {SEED}: {len(again)} times, pages {again}")


@pytest.fixture
def patient(stack: Stack) -> Iterator[None]:
    """The engine kills a worker whose time is up.

    So the run must end, and the worker be let go on, between its lease's end and that moment.
    """
    with stack.worker_timeout(PATIENCE):
        yield


@pytest.mark.usefixtures("patient")
def test_a_worker_that_stood_still_beyond_its_lease_changes_nothing(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(400, text={"S": "x" * ITEM_BYTES}))
    a_page_read = stack.proxy.add(
        Freeze(after=True),
        operations="Scan",
        tables=source,
        first=1,
        predicate=lambda call, _: call.segment == 0,
    )
    a_batch_in_flight = stack.proxy.add(
        Freeze(), operations="BatchWriteItem", tables=destination, first=1
    )
    spec = stack.spec(source, destination, segments=4, verify="none")
    execution = stack.start(spec)
    rules = (a_page_read, a_batch_in_flight)
    stack.until(lambda: all(stack.proxy.struck(rule) for rule in rules))
    stack.until(lambda: len(stack.workers()) == len(rules))
    zombies = stack.workers()
    with standing_still(zombies):
        stack.proxy.remove(a_page_read)
        stack.states.stop_execution(executionArn=execution)
        stack.outcome(spec["migrationId"], "PAUSED")
        stack.redrive(execution)
        output = stack.output(execution)
        assert output["copy"]["written"] == 400
        assert_moved(stack.dynamodb, source, destination)
        # An application goes on with the table: what a zombie writes now would be seen.
        stack.load(destination, rows(400, text={"S": "newer"}))
        assert {each.pid for each in zombies} <= {each.pid for each in stack.workers()}
        thawed = time.time()
    stack.proxy.remove(a_batch_in_flight)
    stack.until(lambda: not stack.workers())

    assert {each["text"]["S"] for each in stack.items(destination).values()} == {"newer"}
    # They went on, and came to their own end.
    assert {each.pid for each in zombies} <= {each.pid for each in stack.home.workers()}
    assert stack.proxy.calls.count(since=thawed) > 0
    (late,) = stack.proxy.calls.select(where=lambda call: a_batch_in_flight in call.rules)
    assert (late.forwarded, late.status) == (False, 400)
    print(f"thawed after {thawed - late.at:.1f} s")
