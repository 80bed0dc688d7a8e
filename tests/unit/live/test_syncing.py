"""One batch of sync: what it writes, and who may write it when."""

import itertools
from typing import Any

import pytest

from tableferry.errors import RequestRefusedError
from tableferry.live.tombstones import INTERNAL
from tableferry.model import Phase
from tests.fakes import lost_answer
from tests.unit.live.actors import Actor
from tests.unit.live.live_world import (
    INVOCATION_SECONDS,
    MAPPING,
    MARGIN_SECONDS,
    RUN,
    LiveWorld,
    row,
)

BIG = "x" * (399 * 1024)
# Over 400 KB after the transform only.
GROWING = [{"set": {"attribute": "more", "value": "y" * 2048}}]


def dirty_keys(world: LiveWorld) -> list[str]:
    return sorted(each.source_key["pk"]["S"] for each in world.log.dirty(RUN))


# --- order and idempotence ---


def test_of_a_hundred_writes_in_one_second_the_last_one_wins() -> None:
    world = LiveWorld()
    for n in range(100):
        world.put("a", n=n)
    times = {r["dynamodb"]["ApproximateCreationDateTime"] for r in world.stream.records[0]}
    assert len(times) == 1
    while world.deliver(most=7):
        pass
    held = world.held("a")
    assert held is not None and held["n"] == {"N": "99"}


@pytest.mark.parametrize("mapping", [MAPPING, "a mapping made anew"])
def test_batches_that_come_twice_and_suffixes_change_nothing(mapping: str) -> None:
    world = LiveWorld([row("a", n=0), row("b", n=0)])
    for n in range(1, 10):
        world.put("ab"[n % 2], n=n)
        if n % 4 == 0:
            world.delete("a")
    batches = []
    while batch := world.pollers[0].batch(3):
        assert world.sync(batch) is not None and world.sync(batch) is not None
        world.pollers[0].done(batch)
        batches.append(batch)
    whole = dict(world.destination.items)
    for start in range(len(batches)):
        for batch in batches[start:]:
            assert world.sync(batch, mapping=f"{mapping} {start}") is not None
        assert world.destination.items == whole
    world.finish()
    assert world.is_equal()


# --- leases ---


def test_a_batch_handed_over_again_waits_until_its_predecessor_can_not_write_any_more() -> None:
    world = LiveWorld()
    world.put("a", n=1)
    batch = world.pollers[0].batch()
    dead = Actor(lambda hook: world.sync(batch, hook=hook))
    dead.until("records settled")
    assert world.sync(batch) is None
    (lease,) = world.log.sync_leases(RUN)
    world.clock.time = lease.deadline + MARGIN_SECONDS
    assert world.sync(batch) is None
    world.clock.sleep(0.001)
    assert world.sync(batch) is not None
    world.put("a", n=2)
    world.pollers[0].done(batch)
    assert world.deliver()
    # Time is up for the one believed dead, and it has no lease to give back.
    assert dead.finish() is None
    assert world.held("a") == row("a", n=2)


def test_an_invocation_that_begins_late_does_not_bring_back_what_was_overtaken() -> None:
    world = LiveWorld()
    world.put("a", n=1)
    late = world.pollers[0].batch()
    assert world.deliver()
    world.put("a", n=2)
    assert world.deliver()
    applied = world.sync(late)
    assert applied is not None and applied.changes == 0
    assert world.held("a") == row("a", n=2)


def test_of_a_batch_that_is_cut_anew_only_the_rest_is_applied() -> None:
    world = LiveWorld()
    for n in range(4):
        world.put("ab"[n % 2], n=n)
    longer = world.pollers[0].batch(4)
    assert world.sync(longer[:2]) is not None
    applied = world.sync(longer)
    assert applied is not None and applied.changes == 2
    assert (world.held("a"), world.held("b")) == (row("a", n=2), row("b", n=3))


@pytest.mark.parametrize("cuts", [[1, 2, 3, 4, 5], [1, 3, 5], [3, 4, 5], [4, 5], [1, 2, 5]])
def test_what_is_finished_stays_so_when_it_comes_again_cut_in_another_way(cuts: list[int]) -> None:
    world = LiveWorld()
    for n in range(5):
        world.put("a", n=n)
    records = world.pollers[0].batch(5)
    for first, last in ((0, 2), (2, 5)):
        assert world.sync(records[first:last]) is not None
    writes = len(world.dynamo.calls)
    for first, last in itertools.pairwise([0, *cuts]):
        applied = world.sync(records[first:last])
        assert applied is not None and applied.changes == 0
    assert len(world.dynamo.calls) == writes
    # And of a batch that goes on behind them, what is new.
    world.put("a", n=5)
    applied = world.sync(world.pollers[0].batch(6)[cuts[-2] :])
    assert applied is not None and applied.changes == 1
    assert world.held("a") == row("a", n=5)


def test_a_batch_whose_write_got_no_answer_is_not_finished_before_that_can_not_arrive() -> None:
    world = LiveWorld()
    world.put("a", n=1)
    in_flight: list[Any] = []

    def lose(operation: str, request: dict[str, Any]) -> None:
        if operation == "BatchWriteItem" and not in_flight:
            in_flight.append(request)
            raise lost_answer()

    world.dynamo.arriving = lose
    batch = world.pollers[0].batch()
    assert world.sync(batch) is None
    assert world.held("a") == row("a", n=1)
    assert world.sync(batch) is None
    world.dynamo.call("BatchWriteItem", in_flight[0])
    world.clock.sleep(MARGIN_SECONDS + 1)
    assert world.sync(batch) is not None


def test_no_batch_begins_in_a_phase_that_was_left_since_it_was_read() -> None:
    world = LiveWorld([row("a")])
    world.delete("a")
    control = world.ledger.controls[RUN]
    world.copy_everything()
    world.wait_for(world.clean_up)
    world.ledger.controls[RUN], now = control, world.ledger.controls[RUN]
    batch = world.pollers[0].batch()

    def moment(moment: str, **_facts: Any) -> None:
        raise AssertionError(moment)

    def took(*words: Any, **named: Any) -> Any:
        world.ledger.controls[RUN] = now
        return original(*words, **named)

    original = world.log.take_sync_lease
    world.log.take_sync_lease = took  # type: ignore[method-assign]
    assert world.sync(batch, hook=moment) is None
    assert now.phase is Phase.CLOSED


def test_a_given_up_run_takes_no_batch() -> None:
    world = LiveWorld()
    world.put("a")
    world.ledger.mark_stopped(RUN, "somebody")
    assert not world.deliver()
    assert not world.destination.items


def test_time_that_is_up_hands_the_batch_back_and_frees_its_lease() -> None:
    world = LiveWorld()
    world.put("a")

    def sleep(moment: str, **_facts: Any) -> None:
        if moment == "records settled":
            world.clock.sleep(INVOCATION_SECONDS)

    assert not world.deliver(hook=sleep)
    assert not world.log.sync_leases(RUN)
    assert world.deliver()


# --- tombstones ---


@pytest.mark.parametrize("is_swept", [False, True])
def test_a_delete_leaves_a_tombstone_only_while_copies_may_be_under_way(is_swept: bool) -> None:
    world = LiveWorld([row("a")])
    if is_swept:
        world.finish()
    world.delete("a")
    assert world.deliver()
    expected = None if is_swept else row("a") | {INTERNAL: {"BOOL": True}}
    assert world.held("a") == expected


def test_every_key_that_an_item_passed_through_gets_its_tombstone() -> None:
    world = LiveWorld(destination_keys={"pk": "S", "place": "S"})
    for place in "xyz":
        world.put("a", place=place)
    assert world.deliver()
    assert {item["place"]["S"] for item in world.tombstones()} == {"x", "y"}


# --- poison ---


@pytest.mark.parametrize("is_swept", [False, True])
def test_poison_is_set_aside_and_the_rest_of_the_batch_is_applied(is_swept: bool) -> None:
    world = LiveWorld([row("bad", text="small")], steps=GROWING)
    if is_swept:
        world.finish()
    world.put("bad", text=BIG)
    for n in range(300):
        world.put(f"good-{n}", n=n)
    assert world.deliver()
    assert len(world.destination.items) == 300 + (not is_swept)
    assert dirty_keys(world) == ["bad"]
    (records,) = world.quarantine.records.values()
    assert records[0]["newImage"]["text"]["S"] == BIG
    assert "maximum allowed size" in records[0]["reason"]
    (marked,) = world.log.dirty(RUN)
    assert marked.destination_keys == ({"pk": {"S": "bad"}},)


@pytest.mark.parametrize("is_swept", [False, True])
def test_a_whole_batch_of_refused_items_is_set_aside(is_swept: bool) -> None:
    world = LiveWorld(steps=GROWING)
    if is_swept:
        world.finish()
    for n in range(260):
        world.put(f"{n}", text=BIG)
    assert world.deliver()
    assert len(dirty_keys(world)) == 260
    assert len(world.tombstones()) == (0 if is_swept else 260)


@pytest.mark.parametrize("is_swept", [False, True])
def test_a_key_that_is_too_long_does_not_hold_sync_up(is_swept: bool) -> None:
    """A partition key of 1,500 bytes is allowed; as a sort key it is not, nor is its deletion."""
    world = LiveWorld(
        source_keys={"pk": "S"},
        destination_keys={"kind": "S", "pk": "S"},
        steps=[{"set": {"attribute": "kind", "value": "k"}}],
    )
    if is_swept:
        world.finish()
    world.put("ä" * 750)
    world.put("b")
    assert world.deliver()
    world.delete("ä" * 750)
    assert world.deliver()
    assert len(world.destination.items) == 1
    assert dirty_keys(world) == ["ä" * 750]


def test_an_item_that_would_pass_for_a_tombstone_is_set_aside() -> None:
    named = LiveWorld([row("a")])
    made = LiveWorld([row("a")], steps=[{"rename": {"from": "mark", "to": INTERNAL}}])
    named.put("a", **{INTERNAL: True})
    made.put("a", mark=True)
    for world in (named, made):
        assert world.deliver()
        world.copy_everything()
        assert dirty_keys(world) == ["a"]
        assert sum(map(len, world.quarantine.pages.values())) == 1
        world.finish()
        assert not world.destination.items


def test_a_table_that_refuses_everything_is_no_poison() -> None:
    world = LiveWorld()
    world.put("a")
    world.dynamo.tables.pop("Destination")
    with pytest.raises(Exception, match="not there"):
        world.deliver()
    assert not world.log.sync_leases(RUN) and not dirty_keys(world)


def test_a_tombstone_that_is_refused_is_tried_again() -> None:
    world = LiveWorld([row("a")])
    world.delete("a")
    refuse = world.destination.check

    def check(item: dict[str, Any]) -> Any:
        from tests.memory_table import BadItemError

        raise BadItemError("the item collection is full")

    world.destination.check = check  # type: ignore[method-assign]
    with pytest.raises(RequestRefusedError, match="tombstone"):
        world.deliver()
    world.destination.check = refuse  # type: ignore[method-assign]
    assert world.deliver()
