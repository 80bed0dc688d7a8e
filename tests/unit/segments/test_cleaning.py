"""Deleting one segment of the destination."""

from typing import Any

import pytest

from tableferry.errors import ItemError, NotOwnerError
from tableferry.model import Phase, Work
from tableferry.segments.cleaning import clean_scan, clean_segment
from tableferry.transform import Transform
from tests.fakes import Faults
from tests.memory_table import Item
from tests.worlds import DESTINATION, KilledError, Mortal, World, numbered

OLD = Transform.compile([{"filter": "{% n < 100 %}"}])


def world(items: list[Item], **options: Any) -> World:
    made = World(phase=Phase.CLEANING, **options)
    made.destination.load(items)
    made.dynamo.page_bytes = 450
    return made


def clean(
    made: World, where: Transform | None = None, *, mortal: Mortal | None = None, **options: Any
) -> None:
    client = mortal.ports_of(made.dynamo) if mortal else made.dynamo
    scan = clean_scan(client, DESTINATION, ("pk",), where)
    for segment in range(made.segments):
        while not clean_segment(
            made.worker(segment, work=Work.CLEAN, mortal=mortal, **options), scan, ("pk",), where
        ):
            pass


@pytest.mark.parametrize("segments", [1, 5])
def test_everything_goes_and_is_counted(segments: int) -> None:
    made = world(numbered(200), segments=segments)
    clean(made)
    assert made.destination.items == {}
    assert made.counts(Work.CLEAN).deleted == 200


def test_keys_alone_are_read() -> None:
    made = world(numbered(3))
    seen: list[Any] = []
    made.dynamo.answered = lambda operation, request: seen.append(request)
    clean(made)
    assert seen[0]["ProjectionExpression"] == "#k0"
    assert seen[0]["ConsistentRead"] is True


def test_reserved_words_as_keys_break_nothing() -> None:
    keys = {"select": "S", "a b": "N"}
    made = World(phase=Phase.CLEANING, destination_keys=keys)
    made.destination.load({"select": {"S": "x"}, "a b": {"N": str(n)}} for n in range(60))
    scan = clean_scan(made.dynamo, DESTINATION, tuple(keys), None)
    clean_segment(made.worker(work=Work.CLEAN), scan, tuple(keys), None)
    assert made.destination.items == {}


def test_a_condition_chooses_what_goes() -> None:
    made = world(numbered(200))
    clean(made, OLD)
    assert len(made.destination.items) == 100
    assert (made.counts(Work.CLEAN).deleted, made.counts(Work.CLEAN).read) == (100, 200)


def test_an_item_that_the_condition_fails_on_stops_before_its_page_is_deleted() -> None:
    items = numbered(20)
    items[11]["n"] = {"S": "eleven"}
    made = world(items)
    with pytest.raises(
        ItemError, match=r"cleanWhere fails on the item .*item-0011.*: The values eleven and 100"
    ):
        clean(made, OLD)
    assert len(made.destination.items) == 20


@pytest.mark.parametrize("seed", range(4))
def test_faults_delay_and_nothing_more(seed: int) -> None:
    made = world(numbered(200), faults=Faults(seed, rate=0.2, total=100))
    clean(made)
    assert made.destination.items == {}
    assert made.counts(Work.CLEAN).deleted == 200


def test_killed_at_every_request_everything_goes_in_the_end() -> None:
    calm = Mortal()
    clean(world(numbered(120)), mortal=calm)
    assert calm.requests > 15
    for request in range(1, calm.requests + 1):
        made = world(numbered(120))
        with pytest.raises(KilledError):
            clean(made, mortal=Mortal(request, does_it=True))
        clean(made)
        assert made.destination.items == {}
        # What is gone can not be counted again: the deletes of the page in hand and of the one
        # before may stay uncounted, never be counted twice.
        assert 120 - 2 * 33 <= made.counts(Work.CLEAN).deleted <= 120


@pytest.mark.parametrize("phase", [Phase.CLAIMED, Phase.CLEANED, Phase.COPYING, Phase.CLOSED])
def test_nothing_is_deleted_in_another_phase(phase: Phase) -> None:
    made = World(phase=phase)
    made.destination.load(numbered(10))
    with pytest.raises(NotOwnerError, match="the phase is"):
        clean(made)
    assert len(made.destination.items) == 10


def test_what_was_cleaned_is_not_cleaned_again() -> None:
    made = world(numbered(10))
    clean(made)
    made.destination.load(numbered(10))
    clean(made)
    assert len(made.destination.items) == 10
