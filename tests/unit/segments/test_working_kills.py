"""Killing a worker at any moment: nothing is lost, and at most a page is worked on again."""

import itertools
from collections import Counter
from typing import Any

import pytest

from tableferry.model import Work
from tests.worlds import KilledError, Mortal, World, numbered

MOMENTS = ["segment held", "page read", "batches written", "page written", "checkpoint written"]
ITEMS, PAGE_BYTES = 200, 450  # pages of two batches


def world(**options: Any) -> World:
    made = World(numbered(ITEMS), **options)
    made.dynamo.page_bytes = PAGE_BYTES
    return made


def pages_of(made: World) -> int:
    """How many pages an undisturbed copy reads."""
    calm = world(segments=made.segments)
    calm.copy_everything()
    return calm.dynamo.count("Scan")


class Killer:
    """A hook that kills its worker at the `nth` time of a moment."""

    def __init__(self, moment: str, nth: int) -> None:
        self.mortal = Mortal()
        self._moment = moment
        self._left = nth

    def __call__(self, moment: str, **facts: Any) -> None:
        self._left -= moment == self._moment
        if self._left == 0:
            self.mortal.die()


@pytest.mark.parametrize("keep", [False, True], ids=["overwrite", "keep"])
@pytest.mark.parametrize(
    ("moment", "nth"), [("segment held", 1), *itertools.product(MOMENTS[1:], [1, 2, 4])]
)
def test_a_worker_killed_at_a_moment_is_followed_by_one_that_ends_equal(
    moment: str, nth: int, keep: bool
) -> None:
    made = world(keep=keep)
    killer = Killer(moment, nth)
    with pytest.raises(KilledError):
        made.copy(mortal=killer.mortal, hook=killer)
    made.copy_everything()
    assert made.is_equal()
    assert (made.counts().read, made.counts().written, made.counts().skipped) == (ITEMS, ITEMS, 0)


@pytest.mark.parametrize("moment", MOMENTS)
def test_of_the_pages_only_the_one_in_hand_and_the_one_ahead_are_read_again(moment: str) -> None:
    made = world()
    killer = Killer(moment, 1 if moment == "segment held" else 3)
    with pytest.raises(KilledError):
        made.copy(mortal=killer.mortal, hook=killer)
    handled_before = made.record().pages
    made.copy_everything()
    starts = Counter(made.scans())
    again = [start for start, times in starts.items() if times > 1]
    assert len(again) <= 2
    assert max(starts.values()) <= 2
    assert sum(starts.values()) <= pages_of(made) + 2
    assert made.record().pages == pages_of(made)
    assert handled_before <= made.record().pages


@pytest.mark.parametrize("does_it", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("keep", [False, True], ids=["overwrite", "keep"])
def test_killed_at_every_single_request_every_item_counts_once(keep: bool, does_it: bool) -> None:
    calm = Mortal()
    world(segments=2, keep=keep).copy_everything(mortal=calm)
    assert calm.requests > 30
    for request in range(1, calm.requests + 1):
        made = world(segments=2, keep=keep)
        mortal = Mortal(request, does_it=does_it)
        with pytest.raises(KilledError):
            made.copy_everything(mortal=mortal)
        made.copy_everything()
        assert made.is_equal(), request
        assert made.counts().read == made.counts().written == ITEMS, request


def test_a_worker_killed_again_and_again_still_ends() -> None:
    made = world(segments=3)
    for request in range(3, 60, 4):
        try:
            made.copy_everything(mortal=Mortal(request))
        except KilledError:
            continue
        break
    made.copy_everything()
    assert made.is_equal()
    assert made.counts().written == ITEMS


def test_a_dead_workers_lease_stays_until_it_is_over() -> None:
    made = world()
    killer = Killer("page read", 1)
    with pytest.raises(KilledError):
        made.copy(mortal=killer.mortal, hook=killer)
    (lease,) = made.ledger.leases("prefs-v2")
    assert (lease.work, lease.holder) == (Work.COPY, "invocation-1")
    made.copy_everything()
    assert made.ledger.leases("prefs-v2") == [lease]
