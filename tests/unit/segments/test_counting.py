"""Counting one segment of a table."""

from typing import Any

import pytest

from tableferry.errors import ItemError
from tableferry.model import Counts, Phase, Work
from tableferry.segments.counting import count_scan, count_segment
from tableferry.transform import Transform
from tests.fakes import Faults
from tests.worlds import RUN, SOURCE, KilledError, Mortal, World, numbered

FILTER = Transform.compile([{"filter": "{% n < 150 %}"}])


def count(
    made: World,
    transform: Transform | None = None,
    *,
    lenient: bool = False,
    consistent: bool = True,
    mortal: Mortal | None = None,
    **options: Any,
) -> Counts:
    client = mortal.ports_of(made.dynamo) if mortal else made.dynamo
    scan = count_scan(client, SOURCE, transform is not None, consistent=consistent)
    work = Work.COUNT_SOURCE
    for segment in range(made.segments):
        while not count_segment(
            made.worker(segment, work=work, mortal=mortal, **options),
            scan,
            transform,
            ("pk",),
            lenient=lenient,
        ):
            pass
    return made.counts(work)


def world(**options: Any) -> World:
    made = World(numbered(200), phase=Phase.CLOSED, **options)
    made.dynamo.page_bytes = 450
    return made


@pytest.mark.parametrize("segments", [1, 7, 64])
def test_every_item_is_counted_once_and_none_is_sent(segments: int) -> None:
    made = world(segments=segments)
    seen: list[Any] = []
    made.dynamo.arriving = lambda operation, request: seen.append(request)
    found = count(made)
    assert (found.read, found.counted, found.filtered) == (200, 200, 0)
    assert {request["Select"] for request in seen} == {"COUNT"}


@pytest.mark.parametrize("consistent", [False, True])
def test_the_caller_says_how_consistently(consistent: bool) -> None:
    made = world()
    count(made, consistent=consistent)
    assert {r["ConsistentRead"] for _, r in made.dynamo.calls} == {consistent}


def test_filtered_items_are_told_apart() -> None:
    found = count(world(), FILTER)
    assert (found.read, found.counted, found.filtered) == (200, 150, 50)


@pytest.mark.parametrize("lenient", [False, True])
def test_an_item_that_the_transform_fails_on_fails_the_count_or_is_quarantined(
    lenient: bool,
) -> None:
    made = world()
    made.source.put({"pk": {"S": "bad"}, "n": {"S": "text"}})
    if lenient:
        assert count(made, FILTER, lenient=True).quarantined == 1
        return
    with pytest.raises(ItemError, match="bad"):
        count(made, FILTER)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_count_holds_no_lease_and_needs_no_phase(phase: Phase) -> None:
    made = World(numbered(5), phase=phase)
    made.ledger.writers.clear()
    leases: list[Any] = []
    found = count(made, hook=lambda moment, **facts: leases.extend(made.ledger.leases(RUN)))
    assert (found.read, leases) == (5, [])


def test_each_round_counts_anew() -> None:
    made = world(segments=3)
    count(made, round_number=1)
    made.source.load([{"pk": {"S": "later"}}])
    assert count(made, round_number=2).read == 201
    assert made.record(2, Work.COUNT_SOURCE).round == 2


def test_killed_at_every_request_each_item_counts_once() -> None:
    calm = Mortal()
    count(world(), FILTER, mortal=calm)
    for request in range(1, calm.requests + 1):
        made = world()
        with pytest.raises(KilledError):
            count(made, FILTER, mortal=Mortal(request, does_it=True))
        found = count(made, FILTER)
        assert (found.read, found.counted, found.filtered) == (200, 150, 50)


@pytest.mark.parametrize("seed", range(4))
def test_faults_change_no_count(seed: int) -> None:
    assert count(world(segments=3, faults=Faults(seed, 0.3, total=50))).read == 200
