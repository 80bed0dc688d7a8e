"""Dirty items: mended once they can be, by one mender at a time, and never vouched for early."""

from typing import Any

import pytest

from tableferry.live.values import Dirty
from tableferry.model import Work
from tests.fakes import Request, lost_answer
from tests.unit.live.actors import Actor, Line
from tests.unit.live.live_world import INVOCATION_SECONDS, MARGIN_SECONDS, RUN, LiveWorld, row
from tests.worlds import KilledError, Mortal

KEYS = {"pk": "S", "place": "S"}
STEPS: list[dict[str, Any]] = [{"cast": {"attribute": "n", "to": "N"}}]
WRITES = ("PutItem", "UpdateItem", "DeleteItem")


def synced(*items: dict[str, Any]) -> LiveWorld:
    """All is copied and swept; keys of the destination move with `place`."""
    world = LiveWorld(items, steps=STEPS, destination_keys=KEYS)
    world.finish()
    return world


def lose(world: LiveWorld, *places: str) -> None:
    """The next record is lost, and its item `a` marked dirty, with these destination keys."""
    world.pollers[0].done(world.pollers[0].batch(1))
    mark(world, *places)


def mark(world: LiveWorld, *places: str) -> None:
    keys = tuple({"pk": {"S": "a"}, "place": {"S": place}} for place in places)
    world.log.mark_dirty(RUN, [Dirty({"pk": {"S": "a"}}, keys, "lost")])


def is_dirty(world: LiveWorld) -> bool:
    return any(world.log.dirty(RUN))


@pytest.mark.parametrize("place", ["x", "y"])
def test_what_was_lost_is_there_again(place: str) -> None:
    world = synced(row("a", place="x", n="1"))
    world.put("a", place=place, n="2", more="m")
    lose(world, "x", place)
    mended = world.mend()
    assert (mended.mended, mended.left, mended.settled.done) == (1, 0, True)
    assert world.is_equal() and not is_dirty(world)
    assert not world.ledger.leases(RUN)


def test_what_was_deleted_goes() -> None:
    world = synced(row("a", place="x", n="1"))
    world.delete("a")
    lose(world, "x")
    assert world.mend().mended == 1
    assert world.is_equal() and not is_dirty(world)


def test_every_key_that_any_of_its_marks_names_is_looked_at() -> None:
    world = synced(row("a", place="x", n="1"))
    world.put("a", place="y", n="2")
    lose(world, "x", "y")
    world.put("a", place="z", n="3")
    lose(world, "y", "z")
    world.put("a", place="y", n="4")
    lose(world)
    assert world.mend().mended == 1
    assert world.is_equal()


def test_what_can_not_be_migrated_stays_dirty() -> None:
    world = synced(row("a", place="x", n="1"))
    world.put("a", place="x", n="no number")
    world.drain()
    mended = world.mend()
    assert (mended.mended, mended.left, mended.settled.done) == (0, 1, True)
    world.put("a", place="x", n="7")
    world.drain()
    assert world.mend().mended == 1
    assert world.is_equal() and not is_dirty(world)


def test_an_item_that_sync_writes_meanwhile_is_mended_all_the_same() -> None:
    world = synced(row("a", place="x", n="1"))
    world.put("a", place="x", n="2")
    lose(world, "x")

    def write(moment: str, **_facts: Any) -> None:
        if moment == "looked to repair" and len(world.stream.records[0]) < 6:
            world.put("a", place="x", n=str(len(world.stream.records[0]) + 10), extra="e")
            world.drain()

    assert world.mend(hook=write).mended == 1
    assert world.is_equal() and not is_dirty(world)


def test_a_mark_that_is_made_again_meanwhile_stays() -> None:
    world = synced(row("a", place="x", n="1"))
    world.put("a", place="x", n="2")
    lose(world, "x")

    def mark_again(moment: str, **_facts: Any) -> None:
        if moment == "item mended":
            mark(world)

    mended = world.mend(hook=mark_again)
    assert (mended.mended, mended.left) == (0, 1)
    assert is_dirty(world)
    assert world.mend().mended == 1


def test_one_mender_works_at_a_time() -> None:
    world = synced(row("a", place="x", n="1"))
    world.put("a", place="x", n="2")
    lose(world, "x")
    older = Actor(lambda hook: world.mend(client=Line(world, lambda: older, []), hook=hook))
    assert older.until("in flight: UpdateItem")
    writes = writes_of(world)
    waiting = world.mend()
    assert not waiting.settled.done and waiting.settled.leases == 1
    assert (writes_of(world), is_dirty(world)) == (writes, True)
    # The waiting one's own lease keeps nobody.
    assert len(world.ledger.leases(RUN)) == 1
    world.clock.sleep(INVOCATION_SECONDS + MARGIN_SECONDS)
    assert world.mend().settled.done
    world.put("a", place="x", n="3")
    world.drain()
    with pytest.raises(Exception, match="Signature expired"):
        older.finish()
    assert world.is_equal() and not is_dirty(world)


def test_a_write_without_an_answer_vouches_for_nothing() -> None:
    world = synced(row("a", place="x", n="1"))
    world.put("a", place="x", n="2")
    lose(world, "x")
    in_flight: list[tuple[str, Request]] = []

    def lose_answer(operation: str, request: Request) -> None:
        if operation == "UpdateItem" and not in_flight:
            in_flight.append((operation, request))
            raise lost_answer()

    world.dynamo.arriving = lose_answer
    mended = world.mend()
    assert (mended.mended, mended.left, mended.settled.done) == (0, 1, False)
    assert is_dirty(world)
    assert [lease.work for lease in world.ledger.leases(RUN)] == [Work.MEND]
    assert not world.mend().settled.done
    # It arrives at last, over a newer item that has become what it was.
    world.put("a", place="x", n="1")
    world.drain()
    world.dynamo.call(*in_flight[0])
    world.clock.sleep(INVOCATION_SECONDS + MARGIN_SECONDS)
    assert world.mend().mended == 1
    assert world.is_equal()


@pytest.mark.parametrize("is_moving", [False, True])
@pytest.mark.parametrize("does_it", [False, True])
def test_killed_anywhere_it_leaves_the_mark_until_the_item_is_right(
    is_moving: bool, does_it: bool
) -> None:
    """The item moves on while the mender writes, and nobody else looks at where it wrote."""
    deaths = 0
    while True:
        world = synced(row("a", place="x", n="1"))
        world.put("a", place="y", n="2")
        world.put("a", place="z", n="3")
        lose(world, "x", "y")
        lose(world)
        mortal, moves = Mortal(deaths + 1, does_it=does_it), iter("pqr")

        def moment(
            moment: str, *, world: LiveWorld = world, moves: Any = moves, **_facts: Any
        ) -> None:
            if is_moving and moment == "looked to repair" and (place := next(moves, "")):
                world.put("a", place=place, n="4")
                world.drain()

        try:
            world.mend(hook=moment, client=mortal.ports_of(world.dynamo))
        except KilledError:
            deaths += 1
        else:
            break
        world.clock.sleep(INVOCATION_SECONDS + MARGIN_SECONDS)
        assert is_dirty(world)
        assert world.mend().settled.done
        assert world.is_equal(), (deaths, world.destination.items)
    assert deaths > 5


def writes_of(world: LiveWorld) -> int:
    return sum(world.dynamo.count(operation) for operation in WRITES)
