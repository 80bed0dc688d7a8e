"""What the ledger promises, as tests that run against the real one and against the fake.

A subclass gives the fixture `ledger`: an empty one, with the methods of both `Ledger` and
`Checkpoints`.
"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import NotOwnerError
from tableferry.limits import RunLimits, Share
from tableferry.model import (
    Control,
    Counts,
    Failure,
    Lease,
    Phase,
    SegmentRecord,
    StopFlag,
    Work,
)

RUN, OWNER, OTHER = "prefs-v2", "arn:execution:one", "arn:execution:two"
PLACE = "123456789012/us-east-1/New"
CONTROL = Control(RUN, OWNER, Phase.COPYING, PLACE)
FLAG = StopFlag(OWNER, 3, "the Stop button", 1234.5678)
RECORD = {"mode": "migrate", "spec": {"note": "ü 🛳️"}, "steps": {}}


def made(ledger: Any, control: Control = CONTROL, *, writes: bool = True) -> Any:
    ledger.create_run(control, RECORD, writes=writes, keep=True)
    return ledger


def claim(holder: str, segment: int = 3, work: Work = Work.COPY) -> SegmentRecord:
    return SegmentRecord(work, segment, holder)


def lease(holder: str, segment: int = 3, work: Work = Work.COPY) -> Lease:
    return Lease(RUN, work, segment, holder, 1000.5)


def failed(action: Any, *words: Any, **named: Any) -> frozenset[int]:
    with pytest.raises(ConditionFailedError) as caught:
        action(*words, **named)
    return caught.value.failed


class LedgerRules:
    # --- runs ---

    def test_a_run_writes_beside_the_one_that_it_shares_with(self, ledger: Any) -> None:
        made(ledger)
        beside = dataclasses.replace(CONTROL, run="beside", owner=OTHER, shares_with=RUN)
        made(ledger, beside, writes=False)
        assert ledger.control("beside") == beside
        ledger.hold_segment(beside, claim("two"), lease("two"))
        assert ledger.leases(RUN) == [lease("two")]
        ledger.mark_stopped(RUN, OTHER)
        assert failed(ledger.hold_segment, beside, claim("three"), lease("three")) == {4}

    def test_a_run_is_there_as_it_was_made(self, ledger: Any) -> None:
        assert ledger.control(RUN) is None
        assert ledger.record(RUN) is None
        made(ledger)
        assert ledger.control(RUN) == CONTROL
        record = ledger.record(RUN)
        assert {name: record[name] for name in RECORD} == RECORD
        assert ledger.writer_of(PLACE) == RUN
        assert ledger.run_of(OWNER) == RUN
        assert ledger.run_of(OTHER) is None

    def test_a_run_is_made_once(self, ledger: Any) -> None:
        made(ledger)
        other = dataclasses.replace(CONTROL, owner=OTHER)
        assert 0 in failed(ledger.create_run, other, RECORD, writes=True, keep=True)
        assert ledger.control(RUN).owner == OWNER
        assert ledger.run_of(OTHER) is None

    def test_a_table_has_one_writer_and_a_refused_run_leaves_nothing(self, ledger: Any) -> None:
        made(ledger)
        other = Control("other", OTHER, Phase.CLAIMED, PLACE)
        assert failed(ledger.create_run, other, RECORD, writes=True, keep=True) == {3}
        assert (ledger.control("other"), ledger.record("other")) == (None, None)
        assert ledger.run_of(OTHER) is None
        made(ledger, other, writes=False)
        assert ledger.writer_of(PLACE) == RUN

    def test_a_run_is_made_in_place_of_the_writer_that_it_replaces_alone(self, ledger: Any) -> None:
        made(ledger)
        other = Control("other", OTHER, Phase.CLAIMED, PLACE)
        options = {"writes": True, "keep": True}
        assert failed(ledger.create_run, other, RECORD, **options, replaces="third") == {3}
        ledger.create_run(other, RECORD, **options, replaces=RUN)
        assert ledger.writer_of(PLACE) == "other"

    def test_a_writer_is_replaced_only_by_name(self, ledger: Any) -> None:
        made(ledger)
        other = Control("other", OTHER, Phase.CLAIMED, PLACE)
        assert failed(ledger.claim_writer, other) == {0}
        assert failed(ledger.claim_writer, other, "a third") == {0}
        ledger.claim_writer(other, RUN)
        assert ledger.writer_of(PLACE) == "other"
        ledger.claim_writer(other)

    def test_only_the_writer_frees_its_table(self, ledger: Any) -> None:
        made(ledger)
        ledger.release_writer(PLACE, "other")
        assert ledger.writer_of(PLACE) == RUN
        ledger.release_writer(PLACE, RUN)
        ledger.release_writer(PLACE, RUN)
        assert ledger.writer_of(PLACE) is None

    def test_a_take_over_names_whom_it_replaces(self, ledger: Any) -> None:
        made(ledger)
        ledger.flag_stop(RUN, FLAG)
        assert failed(ledger.take_over, RUN, "arn:execution:three", OTHER) == {0}
        ledger.take_over(RUN, OWNER, OTHER)
        assert (ledger.control(RUN).owner, ledger.control(RUN).stop) == (OTHER, None)
        assert ledger.run_of(OTHER) == RUN
        assert failed(ledger.take_over, RUN, OWNER, "arn:execution:three") == {0}

    def test_what_was_given_up_is_not_taken_over(self, ledger: Any) -> None:
        made(ledger)
        ledger.mark_stopped(RUN, "ender")
        assert ledger.control(RUN).stopped
        assert failed(ledger.take_over, RUN, OWNER, OTHER) == {0}

    # --- control ---

    def test_a_phase_is_left_by_its_owner_from_where_it_is(self, ledger: Any) -> None:
        made(ledger)
        assert failed(ledger.advance, RUN, OTHER, Phase.COPYING, Phase.CLOSING) == {0}
        assert failed(ledger.advance, RUN, OWNER, Phase.CLEANED, Phase.CLOSING) == {0}
        ledger.advance(RUN, OWNER, Phase.COPYING, Phase.CLOSING)
        assert ledger.control(RUN).phase is Phase.CLOSING

    def test_limits_come_back_whole_until_another_execution_brings_its_own(
        self, ledger: Any
    ) -> None:
        made(ledger)
        limits = RunLimits(7, "50%", 2500, by="operator", at=12.5, why="sale until six ü")
        ledger.set_limits(RUN, limits)
        assert ledger.control(RUN).limits == limits
        ledger.take_over(RUN, OWNER, OTHER)
        assert ledger.control(RUN).limits is None
        assert failed(ledger.set_limits, "unknown", limits) == {0}

    def test_shares_are_changed_by_one_worker_at_a_time(self, ledger: Any) -> None:
        made(ledger)
        assert ledger.shares(RUN, Work.COPY) == ({}, 0)
        one, two = Share(0.25, 1.0, 100.5), Share(0.5, 0.5, 200.0)
        ledger.put_shares(RUN, Work.COPY, {"a": one}, 0)
        assert failed(ledger.put_shares, RUN, Work.COPY, {"b": two}, 0) == {0}
        assert ledger.shares(RUN, Work.COPY) == ({"a": one}, 1)
        ledger.put_shares(RUN, Work.COPY, {"a": one, "b": two}, 1)
        assert ledger.shares(RUN, Work.COPY) == ({"a": one, "b": two}, 2)
        assert ledger.shares(RUN, Work.CLEAN) == ({}, 0)

    def test_a_stop_flag_is_the_owners_and_comes_back_whole(self, ledger: Any) -> None:
        made(ledger)
        foreign = dataclasses.replace(FLAG, execution_arn=OTHER)
        assert failed(ledger.flag_stop, RUN, foreign) == {0}
        ledger.flag_stop(RUN, FLAG)
        assert ledger.control(RUN).stop == FLAG

    def test_exactly_the_flag_that_was_seen_is_removed(self, ledger: Any) -> None:
        made(ledger)
        ledger.flag_stop(RUN, FLAG)
        ledger.clear_stop(RUN, dataclasses.replace(FLAG, redrive_count=2))
        assert ledger.control(RUN).stop == FLAG
        ledger.clear_stop(RUN, FLAG)
        assert ledger.control(RUN).stop is None
        ledger.clear_stop(RUN, FLAG)

    # --- steps ---

    def test_steps_are_written_by_the_owner_alone(self, ledger: Any) -> None:
        made(ledger)
        ledger.amend(RUN, lambda record: record["steps"].update(copying={"n": 1}), OWNER)
        assert ledger.step(RUN, "copying") == {"n": 1}
        assert ledger.step(RUN, "cleaning") is None
        ledger.take_over(RUN, OWNER, OTHER)
        with pytest.raises(NotOwnerError):
            ledger.amend(RUN, lambda record: record["steps"].clear(), OWNER)
        assert ledger.step(RUN, "copying") == {"n": 1}

    # --- segments and leases ---

    def test_a_segment_that_nobody_held_is_fresh(self, ledger: Any) -> None:
        assert made(ledger).segment(RUN, Work.COPY, 3) == SegmentRecord(Work.COPY, 3)

    def test_a_checkpoint_comes_back_whole(self, ledger: Any) -> None:
        made(ledger).hold_segment(CONTROL, claim("a"), lease("a"))
        record = SegmentRecord(
            work=Work.COPY,
            segment=3,
            holder="a",
            round=2,
            segments=7,
            last_key={"pk": {"S": "ü"}, "sk": {"B": "AAE="}},
            pages=4,
            page_items=62,
            page_seconds=1.25,
            slowest_page_seconds=0.5,
            invocations=2,
            started_at=1000.25,
            progress_at=1001.5,
            silent_seconds=12.5,
            counts=Counts(1, 2, 3, 4, 5, 6, 7, 8, 9.5, 10.5),
            failure=Failure("ItemError", "cause", "hint", 1002.5),
        )
        ledger.checkpoint(RUN, record)
        assert ledger.segment(RUN, Work.COPY, 3) == record

    def test_a_new_holder_goes_on_from_the_checkpoint_and_the_old_one_writes_none(
        self, ledger: Any
    ) -> None:
        made(ledger).hold_segment(CONTROL, claim("a"), lease("a"))
        first = SegmentRecord(Work.COPY, 3, "a", pages=4)
        ledger.checkpoint(RUN, first)
        ledger.hold_segment(CONTROL, claim("b"), lease("b"))
        found = ledger.segment(RUN, Work.COPY, 3)
        assert (found.pages, found.holder) == (4, "b")
        with pytest.raises(NotOwnerError, match="another worker"):
            ledger.checkpoint(RUN, dataclasses.replace(first, pages=5))
        assert ledger.segment(RUN, Work.COPY, 3).pages == 4

    def test_nobody_writes_a_checkpoint_of_a_segment_that_was_never_held(self, ledger: Any) -> None:
        with pytest.raises(NotOwnerError):
            made(ledger).checkpoint(RUN, claim("a"))

    @pytest.mark.parametrize("work", [Work.COPY, Work.CLEAN])
    @pytest.mark.parametrize("phase", list(Phase))
    def test_a_lease_counts_on_its_phase(self, ledger: Any, phase: Phase, work: Work) -> None:
        control = dataclasses.replace(CONTROL, phase=phase)
        made(ledger, control)
        if phase in work.leased_phases:
            ledger.hold_segment(control, claim("a", work=work), lease("a", work=work))
            assert ledger.leases(RUN) == [lease("a", work=work)]
            return
        asked = (control, claim("a", work=work), lease("a", work=work))
        assert failed(ledger.hold_segment, *asked) == {0}
        assert ledger.leases(RUN) == []
        assert ledger.segment(RUN, work, 3).holder == ""

    @pytest.mark.parametrize("work", [Work.COPY, Work.COUNT_SOURCE])
    @pytest.mark.parametrize("change", ["owner", "flag", "stopped", "gone"])
    def test_no_segment_is_held_against_the_control_record(
        self, ledger: Any, change: str, work: Work
    ) -> None:
        control = CONTROL
        made(ledger)
        if change == "owner":
            ledger.take_over(RUN, OWNER, OTHER)
        elif change == "flag":
            ledger.flag_stop(RUN, FLAG)
        elif change == "stopped":
            ledger.mark_stopped(RUN, "ender")
        else:
            control = dataclasses.replace(CONTROL, run="unheard")
        taken = lease("a") if work is Work.COPY else None
        assert 0 in failed(ledger.hold_segment, control, claim("a", work=work), taken)

    def test_no_lease_is_taken_on_a_table_that_another_run_may_write(self, ledger: Any) -> None:
        made(ledger)
        ledger.claim_writer(Control("other", OTHER, Phase.CLAIMED, PLACE), RUN)
        assert failed(ledger.hold_segment, CONTROL, claim("a"), lease("a")) == {2}
        ledger.release_writer(PLACE, "other")
        assert failed(ledger.hold_segment, CONTROL, claim("a"), lease("a")) == {2}

    def test_reading_needs_no_lease_and_no_phase(self, ledger: Any) -> None:
        made(ledger, writes=False)
        ledger.hold_segment(CONTROL, claim("a", work=Work.COUNT_SOURCE), None)
        assert ledger.segment(RUN, Work.COUNT_SOURCE, 3).holder == "a"
        assert ledger.leases(RUN) == []

    def test_each_holder_has_a_lease_of_its_own_until_it_gives_it_back(self, ledger: Any) -> None:
        made(ledger)
        for holder in ("a", "b"):
            ledger.hold_segment(CONTROL, claim(holder), lease(holder))
        ledger.hold_segment(CONTROL, claim("c", 4), lease("c", 4))
        ledger.release(lease("a"))
        ledger.release(lease("a"))
        assert set(ledger.leases(RUN)) == {lease("b"), lease("c", 4)}

    def test_all_segments_of_a_work_are_found(self, ledger: Any) -> None:
        made(ledger)
        for segment in range(0, 120, 3):
            ledger.hold_segment(CONTROL, claim("a", segment, Work.COUNT_SOURCE), None)
        found = [record.segment for record in ledger.segments(RUN, Work.COUNT_SOURCE, 120)]
        assert sorted(found) == list(range(0, 120, 3))
        assert list(ledger.segments(RUN, Work.COPY, 120)) == []


class LedgerRaces:
    """What holds when many ask at once."""

    def test_steps_written_at_once_are_all_kept(self, ledger: Any) -> None:
        made(ledger)

        def write(number: int) -> None:
            ledger.amend(RUN, lambda record: record["steps"].update({str(number): {}}), OWNER)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(16)))
        assert set(ledger.record(RUN)["steps"]) == {str(number) for number in range(16)}

    def test_twenty_that_take_one_segment_at_once_leave_one_holder(self, ledger: Any) -> None:
        made(ledger)

        def take(number: int) -> str:
            holder = f"invocation-{number}"
            ledger.hold_segment(CONTROL, claim(holder), lease(holder))
            return holder

        with ThreadPoolExecutor(20) as pool:
            holders = set(pool.map(take, range(20)))
        last = ledger.segment(RUN, Work.COPY, 3).holder
        assert last in holders
        assert {each.holder for each in ledger.leases(RUN)} == holders
        writers = []
        for holder in holders:
            try:
                ledger.checkpoint(RUN, SegmentRecord(Work.COPY, 3, holder))
            except NotOwnerError:
                continue
            writers.append(holder)
        assert writers == [last]

    def test_no_lease_begins_behind_a_phase_that_was_left_meanwhile(self, ledger: Any) -> None:
        made(ledger)

        def take(number: int) -> bool:
            holder = f"invocation-{number}"
            if number == 10:
                ledger.advance(RUN, OWNER, Phase.COPYING, Phase.CLOSING)
                return False
            try:
                ledger.hold_segment(CONTROL, claim(holder, number), lease(holder, number))
            except ConditionFailedError as error:
                assert error.failed == {0}
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(take, range(20)))
        assert len(ledger.leases(RUN)) == sum(taken)
        assert failed(ledger.hold_segment, CONTROL, claim("late"), lease("late")) == {0}
