"""The spine of the workers: time, stalls, errors, threads."""

import threading
from typing import Any

import pytest

from tableferry.errors import (
    ItemError,
    LeaseExpiredError,
    NotOwnerError,
    StalledError,
    TransientError,
)
from tableferry.model import Lease, SegmentRecord
from tableferry.runs import ownership
from tests.fakes import THROTTLE, Faults, PartialFaults, Request, refusal
from tests.worlds import RUN, World, numbered

DAY = 24 * 3600.0
NO_NUMBER = [{"cast": {"attribute": "pk", "to": "N"}}]


@pytest.fixture(autouse=True)
def _looks_at_every_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "LOOK_SECONDS", 0.0)


def world(items: int = 200, page_bytes: int = 450, **options: Any) -> World:
    made = World(numbered(items), **options)
    made.dynamo.page_bytes = page_bytes
    return made


def test_a_segment_that_is_done_is_not_read_again() -> None:
    made = world()
    made.copy_everything()
    calls = len(made.dynamo.calls)
    assert made.copy() is True
    assert len(made.dynamo.calls) == calls


def test_when_time_is_up_in_mid_page_the_worker_hands_back_and_the_next_goes_on() -> None:
    made = world()

    def run_out(moment: str, **facts: Any) -> None:
        if moment == "page read" and facts["page"].number == 2:
            made.clock.sleep(900)

    assert made.copy(seconds=900, hook=run_out) is False
    # The last writes of the page before are in flight when a page is begun.
    assert made.record().pages in {1, 2}
    assert not made.record().done
    assert made.ledger.leases(RUN) == []
    assert made.copy(seconds=900) is True
    assert made.is_equal()
    assert made.counts().written == 200
    assert made.record().invocations == 2


def test_no_page_is_read_ahead_and_nothing_written_once_time_is_up() -> None:
    made = world()
    made.dynamo.answered = lambda operation, request: made.clock.sleep(900)
    assert made.copy(seconds=900) is False
    assert [operation for operation, _ in made.dynamo.calls] == ["Scan"]


def test_the_next_page_is_read_while_one_is_written_and_never_more_than_one() -> None:
    made = world()
    second_read = threading.Event()

    def arriving(operation: str, request: Request) -> None:
        if operation == "Scan" and "ExclusiveStartKey" in request:
            second_read.set()

    def hook(moment: str, **facts: Any) -> None:
        if moment == "page read":
            assert second_read.wait(10), "the first page was handled before the next was asked for"
        if moment == "page written":
            assert made.dynamo.count("Scan") <= facts["page"].number + 2

    made.dynamo.arriving = arriving
    made.copy(hook=hook)
    assert made.is_equal()


def test_a_page_that_one_invocation_can_not_write_is_read_in_smaller_pieces() -> None:
    made = world(items=250, page_bytes=1_000_000)
    left = 0

    def starving(operation: str, request: Request) -> None:
        nonlocal left
        if operation == "BatchWriteItem":
            left -= 1
            if left < 0:
                made.clock.sleep(900)
                raise refusal(THROTTLE)

    made.dynamo.arriving = starving
    for _ in range(20):
        left = 2
        if made.copy(seconds=900):
            break
    assert made.is_equal()
    assert made.counts().written == 250


def test_pages_grow_again_where_capacity_came_back() -> None:
    made = world(items=900, page_bytes=1_000_000)
    record = SegmentRecord(made.worker().task.work, 0, segments=1, page_items=20)
    made.ledger.segment_records[RUN, record.work, 0] = record
    made.copy()
    limits = [request.get("Limit", 0) for name, request in made.dynamo.calls if name == "Scan"]
    assert limits[0] == 20
    assert max(limits) > 100


@pytest.mark.parametrize("keep", [False, True], ids=["overwrite", "keep"])
def test_answers_that_do_nothing_end_as_stalled(keep: bool) -> None:
    made = world(keep=keep, faults=PartialFaults(rate=1.0))
    with pytest.raises(StalledError, match="no progress for 1[89]"):
        made.copy()


def test_a_stall_is_noticed_across_invocations_and_forgotten_by_a_redrive() -> None:
    made = world()
    starving = True

    def arriving(operation: str, request: Request) -> None:
        if starving and operation == "BatchWriteItem":
            made.clock.sleep(1)
            raise refusal(THROTTLE)

    made.dynamo.arriving = arriving
    assert made.copy(seconds=900) is False
    assert made.copy(seconds=900) is False
    with pytest.raises(StalledError):
        made.copy(seconds=900)
    failure = made.record().failure
    assert failure is not None
    assert failure.name == "StalledError"

    made.clock.sleep(3 * DAY)
    assert made.copy(seconds=900) is False, "a redrive has the whole time again"
    starving = False
    made.copy_everything()
    assert made.is_equal()
    assert made.record().failure is None


def test_a_pause_of_days_is_no_stall() -> None:
    made = world()
    made.copy(seconds=900, hook=lambda moment, **facts: made.clock.sleep(300))
    assert not made.record().done
    made.clock.sleep(3 * DAY)
    made.dynamo.faults = Faults(rate=1.0, total=3)
    assert made.copy() is True
    assert made.counts().throttled >= 1


def test_a_request_after_the_lease_is_no_failure() -> None:
    made = world()

    def arriving(operation: str, request: Request) -> None:
        if operation == "BatchWriteItem":
            raise LeaseExpiredError("the lease of this invocation ended")

    made.dynamo.arriving = arriving
    assert made.copy() is False
    assert made.record().failure is None


def test_the_error_is_in_the_ledger_before_it_is_raised() -> None:
    made = world(steps=NO_NUMBER)
    with pytest.raises(ItemError) as caught:
        made.copy()
    failure = made.record().failure
    assert failure is not None
    assert (failure.name, failure.hint) == ("ItemError", caught.value.hint)
    assert failure.cause == caught.value.cause[:8000]
    assert made.record().pages == 0
    assert made.ledger.leases(RUN) == []


def test_an_error_is_not_hidden_by_a_ledger_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = world(steps=NO_NUMBER)

    def throttled(*_: Any) -> None:
        raise TransientError("the ledger is throttled")

    monkeypatch.setattr(made.ledger, "checkpoint", throttled)
    monkeypatch.setattr(made.ledger, "release", throttled)
    with pytest.raises(ItemError):
        made.copy()


def test_a_release_that_fails_after_success_is_tried_again_by_the_state_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = world()

    def throttled(lease: Lease) -> None:
        raise TransientError("the ledger is throttled")

    with monkeypatch.context() as ledger, pytest.raises(TransientError):
        ledger.setattr(made.ledger, "release", throttled)
        made.copy()
    assert made.copy() is True
    assert made.is_equal()


@pytest.mark.timeout(30)
def test_a_failed_page_does_not_wait_for_a_throttled_read_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = world(steps=NO_NUMBER)

    def arriving(operation: str, request: Request) -> None:
        if operation == "Scan" and "ExclusiveStartKey" in request:
            raise refusal(THROTTLE)

    made.dynamo.arriving = arriving
    monkeypatch.setattr(made.clock, "sleep", lambda seconds: None)
    with pytest.raises(ItemError):
        made.copy()


@pytest.mark.timeout(30)
def test_a_failed_batch_does_not_wait_for_throttled_ones_and_is_the_error_that_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = world(items=200, page_bytes=1_000_000)

    def arriving(operation: str, request: Request) -> None:
        if operation == "BatchWriteItem":
            items = str(request)
            raise refusal("AccessDeniedException" if "item-0000" in items else THROTTLE)

    made.dynamo.arriving = arriving
    monkeypatch.setattr(made.clock, "sleep", lambda seconds: None)
    with pytest.raises(Exception, match="BatchWriteItem on Destination was refused"):
        made.copy()


@pytest.mark.parametrize("page_bytes", [450, 1_000_000])
def test_every_thread_is_joined_however_the_work_ends(page_bytes: int) -> None:
    before = threading.active_count()
    world(page_bytes=page_bytes).copy()
    for steps in ([], NO_NUMBER):
        made = world(page_bytes=page_bytes, steps=steps)
        made.dynamo.denied = {"BatchWriteItem"}
        with pytest.raises(Exception, match=r"refused|migrated"):
            made.copy()
    assert threading.active_count() == before


def test_throttles_units_and_times_are_in_the_checkpoint() -> None:
    made = world(faults=Faults(rate=1.0, total=1))
    made.dynamo.answered = lambda operation, request: made.clock.sleep(0.5)
    made.copy()
    record = made.record()
    assert record.counts.throttled == 1
    assert record.counts.write_units == 200
    assert 0 < record.counts.read_units < 10
    assert record.slowest_page_seconds >= record.page_seconds / record.pages > 0
    assert record.started_at <= record.progress_at


def test_an_engine_that_counts_no_units_is_no_obstacle() -> None:
    for keep in (False, True):
        made = world(keep=keep)
        made.dynamo.counts_units = False
        made.copy()
        assert made.is_equal()
        assert made.counts().write_units == 0


def test_a_worker_that_does_not_own_the_run_reads_nothing() -> None:
    made = world()
    with pytest.raises(NotOwnerError, match="is owned by"):
        made.copy(owner="arn:aws:states:us-east-1:123456789012:execution:migrate:two")
    assert made.dynamo.calls == []
