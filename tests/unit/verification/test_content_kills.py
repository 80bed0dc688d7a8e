"""Verification whose workers die, or run out of time, at any moment: it goes on where it was."""

from collections import Counter
from typing import Any

import pytest

from tableferry.model import Work
from tableferry.verification.digesting import GroupLimits
from tests.content_worlds import ContentWorld
from tests.memory_table import Item
from tests.worlds import DESTINATION, SOURCE, KilledError, Mortal, numbered

ITEMS = 240
WRONG = {("missing", "item-0007"), ("extra", "new"), ("different", "item-0100")}


def world(**options: Any) -> ContentWorld:
    items = numbered(ITEMS)
    held: list[Item] = [each for each in items if each["pk"]["S"] != "item-0007"]
    held[99] = {**held[99], "n": {"S": "x"}}
    held.append({"pk": {"S": "new"}})
    made = ContentWorld(
        items, held=held, segments=2, destination_segments=3, partitions=3, chunk=1, **options
    )
    made.dynamo.page_bytes = 500
    return made


def scans(made: ContentWorld) -> Counter[tuple[Any, ...]]:
    return Counter(
        (request["TableName"], request["Segment"], str(request.get("ExclusiveStartKey")))
        for operation, request in made.dynamo.calls
        if operation == "Scan"
    )


@pytest.mark.parametrize("does_it", [False, True], ids=["before", "after"])
def test_killed_at_every_single_request_it_names_the_same(does_it: bool) -> None:
    calm = Mortal()
    made = world()
    made.read_both_tables(mortal=calm)
    reading = calm.requests
    made.compare_all(mortal=calm)
    assert made.named() == WRONG
    for request in range(1, calm.requests + 1, 1 if does_it else 2):
        made = world()
        mortal = Mortal(request, does_it=does_it)
        with pytest.raises(KilledError):
            made.read_both_tables(mortal=mortal)
            made.compare_all(mortal=mortal)
        made.read_both_tables()
        made.compare_all()
        result = made.verdict()
        assert made.named() == WRONG, request
        assert (result["sourceItems"], result["destinationItems"]) == (ITEMS, ITEMS), request
    assert calm.requests > reading > 30


def test_a_reading_that_is_killed_at_60_percent_goes_on_there() -> None:
    calm = world(limits=GroupLimits(entries=1000, bytes=1_000_000, pages=2))
    calm.read_both_tables()
    pages = sum(scans(calm).values())

    made = world(limits=GroupLimits(entries=1000, bytes=1_000_000, pages=2))
    mortal = Mortal()
    read = 0

    def count(operation: str, _: object) -> None:
        nonlocal read
        read += operation == "Scan"
        if read == int(pages * 0.6):
            mortal.is_dead = True

    made.dynamo.answered = count
    with pytest.raises(KilledError):
        made.read_both_tables(mortal=mortal)
    made.dynamo.answered = lambda operation, request: None
    made.read_both_tables()
    # The one segment that was read then: a group of two pages, and the page ahead.
    again = sum(scans(made).values()) - pages
    assert again <= 3
    assert max(scans(made).values()) <= 2
    made.compare_all()
    assert made.named() == WRONG


def test_a_comparison_that_is_killed_looks_at_one_chunk_again_at_most() -> None:
    made = world()
    made.read_both_tables()
    mortal = Mortal()
    done = 0

    def die_at_the_third(moment: str, **_: Any) -> None:
        nonlocal done
        done += moment == "chunk examined"
        if done == 2:
            mortal.die()

    with pytest.raises(KilledError):
        made.compare_all(mortal=mortal, hook=die_at_the_third)
    examined = sum(record.pages for record in made.compared())
    made.dynamo.calls.clear()
    made.compare_all()
    assert made.named() == WRONG
    reads = [request for operation, request in made.dynamo.calls if operation == "BatchGetItem"]
    # Two readings of two sides for each candidate that was left.
    assert len(reads) <= (3 - examined) * 4
    assert not scans(made)


def test_when_time_is_up_what_was_read_is_kept() -> None:
    made = world(limits=GroupLimits(entries=10_000, bytes=10_000_000, pages=1_000))
    made.dynamo.page_bytes = 100

    def run_out(moment: str, **facts: Any) -> None:
        if moment == "page read" and facts["page"].number == 4:
            made.clock.sleep(900)

    assert made.digest(Work.DIGEST_SOURCE, 0, seconds=900, hook=run_out) is False
    record = made.ledger.segment("prefs-v2", Work.DIGEST_SOURCE, 0)
    # The page ahead may have come in time.
    assert (record.pages in (5, 6), len(record.objects)) == (True, 1)
    assert made.digest(Work.DIGEST_SOURCE, 0) is True
    assert {times for key, times in scans(made).items() if key[0] == SOURCE} == {1}
    assert len(made.ledger.segment("prefs-v2", Work.DIGEST_SOURCE, 0).objects) == 2


def test_a_comparison_whose_time_is_up_hands_back_and_goes_on() -> None:
    made = world()
    made.read_both_tables()
    for segment in made.planned():
        tries = 0
        while not made.compare(segment, seconds=2):
            tries += 1
            assert tries < 20
    assert made.named() == WRONG
    assert made.verdict()["sourceItems"] == ITEMS


def test_two_workers_of_one_segment_never_mix_their_objects() -> None:
    made = world()
    other: list[bool] = []

    def overtake(moment: str, **_: Any) -> None:
        if moment == "digest written" and not other:
            other.append(True)
            made.digest(Work.DIGEST_SOURCE, 0)

    with pytest.raises(Exception, match="held by another worker"):
        made.digest(Work.DIGEST_SOURCE, 0, hook=overtake)
    made.read_both_tables()
    made.compare_all()
    assert made.named() == WRONG
    assert made.verdict()["sourceItems"] == ITEMS
    assert DESTINATION in {key[0] for key in scans(made)}
