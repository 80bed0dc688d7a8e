"""What the ledger promises sync, as tests that run against the real one and against the fake.

A subclass gives the fixture `made`: an empty ledger with one run in phase `copying`, its sync log,
and a clock that the log asks.
"""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.live.values import Dirty, LeaseHeldError, SyncLease
from tableferry.model import Control, Phase
from tests.ledger_rules import OWNER, RUN

PLACE = "123456789012/us-east-1/New"
CONTROL = Control(RUN, OWNER, Phase.COPYING, PLACE)
MARGIN = 300.0
NOW = 1_000_000.0


@dataclass
class Made:
    """`time` holds the one number that the log's clock says."""

    log: Any
    ledger: Any
    time: list[float]

    def take(self, lease: SyncLease, control: Control = CONTROL) -> None:
        self.log.take_sync_lease(control, lease, MARGIN)


def lease(holder: str, name: str = "700", mapping: str = "m0") -> SyncLease:
    return SyncLease(RUN, name, holder, Phase.COPYING, NOW + 100.0, mapping)


class SyncLogRules:
    def test_a_lease_has_one_holder_until_it_and_its_margin_are_over(self, made: Made) -> None:
        made.take(lease("a"))
        made.take(lease("c", "800"))
        with pytest.raises(LeaseHeldError):
            made.take(lease("b"))
        made.time[0] = NOW + 100.0 + MARGIN
        with pytest.raises(LeaseHeldError):
            made.take(lease("b"))
        made.time[0] += 0.5
        made.take(lease("b"))
        assert {each.holder for each in made.log.sync_leases(RUN)} == {"b", "c"}

    def test_only_its_holder_gives_a_lease_back(self, made: Made) -> None:
        made.take(lease("a"))
        made.log.release_sync_lease(lease("b"))
        assert made.log.sync_leases(RUN) == [lease("a")]
        made.log.release_sync_lease(lease("a"))
        made.log.release_sync_lease(lease("a"))
        assert made.log.sync_leases(RUN) == []
        made.take(lease("b"))

    def test_a_lease_that_is_cut_is_over_when_the_margin_has_passed(self, made: Made) -> None:
        made.take(lease("a"))
        made.log.cut_sync_lease(lease("b"))
        assert made.log.sync_leases(RUN) == [lease("a")]
        made.log.cut_sync_lease(lease("a"))
        assert made.log.sync_leases(RUN) == [replace(lease("a"), deadline=NOW)]
        made.time[0] = NOW + MARGIN - 1
        with pytest.raises(LeaseHeldError):
            made.take(lease("b"))
        made.time[0] = NOW + MARGIN + 1
        made.take(lease("b"))

    @pytest.mark.parametrize("phase", [Phase.CLOSING, Phase.SYNCED])
    def test_a_lease_counts_on_the_phase_that_was_read(self, made: Made, phase: Phase) -> None:
        with pytest.raises(LeaseHeldError):
            made.take(lease("a"), replace(CONTROL, phase=phase))
        assert made.log.sync_leases(RUN) == []

    def test_no_lease_on_a_table_that_another_run_writes(self, made: Made) -> None:
        made.ledger.release_writer(PLACE, RUN)
        with pytest.raises(LeaseHeldError):
            made.take(lease("a"))

    def test_no_lease_for_a_run_that_was_given_up(self, made: Made) -> None:
        made.ledger.mark_stopped(RUN, "arn:execution:stop")
        with pytest.raises(LeaseHeldError):
            made.take(lease("a"))

    def test_a_finished_batch_is_marked_and_its_lease_gone_at_once(self, made: Made) -> None:
        made.take(lease("a"))
        assert not made.log.finished_from(RUN, "m0", "700")
        assert made.log.finish(lease("a"), ["700", "790"], 1.5)
        assert made.log.sync_leases(RUN) == []
        assert list(made.log.finished_from(RUN, "m0", "700")) == ["700", "790"]
        assert {int(each) for each in made.log.applied_between(RUN, "1", "9999")} == {790}
        with pytest.raises(LeaseHeldError):
            made.take(lease("b"))
        # What is finished belongs to one mapping.
        assert not made.log.finished_from(RUN, "m1", "700")
        made.take(lease("b", mapping="m1"))

    def test_what_is_left_of_a_finished_batch_is_finished_too(self, made: Made) -> None:
        numbers = [str(10**24 + each * 10**20) for each in range(1000)]
        made.take(lease("a", numbers[0]))
        assert made.log.finish(lease("a", numbers[0]), numbers, 1.5)
        assert not made.log.finished_from(RUN, "m0", numbers[400])
        made.log.keep_finished(RUN, "m0", numbers[400:])
        assert list(made.log.finished_from(RUN, "m0", numbers[400])) == numbers[400:]
        assert list(made.log.finished_from(RUN, "m0", numbers[0])) == numbers
        with pytest.raises(LeaseHeldError):
            made.take(lease("b", numbers[400]))

    def test_who_lost_the_lease_finishes_nothing(self, made: Made) -> None:
        made.take(lease("b"))
        assert not made.log.finish(lease("a"), ["700", "790"], 1.5)
        assert made.log.sync_leases(RUN) == [lease("b")]
        assert not made.log.finished_from(RUN, "m0", "700")
        assert made.log.applied_between(RUN, "1", "9999") == set()

    def test_markers_are_found_by_their_number_and_not_by_their_text(self, made: Made) -> None:
        for name, last in (("1", "9"), ("10", "90"), ("100", "1000")):
            made.take(lease("a", name))
            assert made.log.finish(lease("a", name), [name, last], 0.0)
        found = {int(each) for each in made.log.applied_between(RUN, "9", "100")}
        assert found == {9, 90}

    def test_a_source_item_is_dirty_once(self, made: Made) -> None:
        marks = [Dirty({"id": {"S": each}}, (), "too large") for each in "aba"]
        made.log.mark_dirty(RUN, marks)
        found = sorted(each.source_key["id"]["S"] for each in made.log.dirty(RUN))
        assert found == ["a", "b"]

    def test_marks_of_an_item_add_up(self, made: Made) -> None:
        item, first, second = {"id": {"S": "a"}}, {"k": {"S": "1"}}, {"k": {"S": "2"}}
        made.log.mark_dirty(RUN, [Dirty(item, (first,), "too large")])
        made.log.mark_dirty(RUN, [Dirty(item, (), "no number"), Dirty(item, (second,), "large")])
        assert list(made.log.dirty(RUN)) == [Dirty(item, (first, second), "large", 3)]

    def test_a_mark_that_was_made_again_since_it_was_read_stays(self, made: Made) -> None:
        item, place = {"id": {"S": "a"}}, {"k": {"S": "1"}}
        made.log.mark_dirty(RUN, [Dirty(item, (), "too large")])
        (read,) = made.log.dirty(RUN)
        # Naming another key of it is no new mark.
        made.log.add_dirty_keys(RUN, Dirty(item, (place,), ""))
        made.log.mark_dirty(RUN, [Dirty(item, (), "too large")])
        assert not made.log.clear_dirty(RUN, read)
        (again,) = made.log.dirty(RUN)
        assert again.destination_keys == (place,)
        assert made.log.clear_dirty(RUN, again)
        assert not list(made.log.dirty(RUN))
        assert not made.log.clear_dirty(RUN, again)
        with pytest.raises(ConditionFailedError):
            made.log.add_dirty_keys(RUN, Dirty(item, (place,), ""))

    def test_a_source_has_one_run(self, made: Made) -> None:
        assert made.log.claim_source(RUN, "arn:stream") == RUN
        assert made.log.claim_source(RUN, "arn:stream") == RUN
        assert made.log.claim_source("other", "arn:stream") == RUN
        assert made.log.claim_source("other", "arn:another") == "other"

    def test_a_source_that_is_free_again_forgets_what_the_guard_saw(self, made: Made) -> None:
        assert made.log.guarded(RUN) == {"positions": {}}
        made.log.claim_source(RUN, "arn:stream")
        seen = {"positions": {"s": "7"}, "waiting": {}, "sighting": {"unsafe": "lost"}}
        made.log.remember_guard(RUN, seen)
        assert made.log.guarded(RUN) == seen
        made.log.release_source(RUN, "arn:stream")
        assert made.log.guarded(RUN) == {"positions": {}}
        assert made.log.claim_source("other", "arn:stream") == "other"
