"""What requests pay, and how the budget of a run reaches a worker."""

from typing import Any

import pytest

from tableferry.aws.wire import BatchWriteAnswer, Capacity, ScanAnswer
from tableferry.limits import Budget, RunLimits
from tableferry.limits import Capacity as TableCapacity
from tableferry.model import Control, Phase, Work
from tableferry.pace.manners import EAGER, NICE
from tableferry.pace.tolls import Pacer, pacer_for
from tableferry.segments.holding import SegmentTask
from tests.fake_ledger import MemoryLedger
from tests.fakes import Clock
from tests.worlds import OWNER, PLACE, RUN

WHOLE = {
    "maxConcurrency": 1,
    "readUnitsPerSecond": None,
    "writeUnitsPerSecond": None,
    "nice": False,
}


def pacer(
    clock: Clock, work: Work = Work.COPY, *, control: Control | None = None, **limits: Any
) -> Pacer:
    record = {
        "spec": {"limits": {**WHOLE, **limits}},
        "steps": {
            "keys": {
                "source": {"readUnits": 300, "writeUnits": 100},
                "destination": {"readUnits": 600, "writeUnits": None},
            }
        },
    }
    task = SegmentTask(RUN, OWNER, work, 0, 1)
    made = pacer_for(record, task, holder="one", log=MemoryLedger(), control=control, now=clock.now)
    made.tolls.sharer.now = clock.now
    return made


def ceilings(made: Pacer, control: Control | None = None) -> tuple[float | None, float | None]:
    made.look(control)
    return made.tolls.reads.ceiling, made.tolls.writes.ceiling


def test_without_limits_there_is_no_ceiling_and_nothing_is_written() -> None:
    made = pacer(Clock())
    assert ceilings(made) == (None, None)
    assert made.tolls.sharer.log.shares(RUN, Work.COPY) == ({}, 0)


def test_the_only_worker_has_the_whole_budget() -> None:
    assert ceilings(pacer(Clock(), writeUnitsPerSecond=500)) == (None, 500.0)


def test_shares_are_of_the_table_that_the_work_reads_or_writes() -> None:
    both: dict[str, Any] = {"readUnitsPerSecond": "50%", "writeUnitsPerSecond": "50%"}
    assert ceilings(pacer(Clock(), **both)) == (150.0, 2000.0)
    assert ceilings(pacer(Clock(), Work.CLEAN, **both))[0] == 300.0


def test_what_limit_set_replaces_the_specs_within_the_next_look() -> None:
    clock = Clock()
    made = pacer(clock, writeUnitsPerSecond=500)
    ceilings(made)
    control = Control(RUN, OWNER, Phase.COPYING, PLACE, limits=RunLimits(1, 100, 250))
    assert ceilings(made, control) == (100.0, 250.0)


def test_a_worker_that_begins_after_limit_never_works_by_the_spec() -> None:
    limits = RunLimits(1, write_units=250, nice=True)
    made = pacer(
        Clock(),
        control=Control(RUN, OWNER, Phase.COPYING, PLACE, limits=limits),
        writeUnitsPerSecond=500,
    )
    assert made.tolls.writes.manner is NICE
    assert ceilings(made) == (None, 250.0)


def test_nice_and_eager_hold_from_the_next_look_on() -> None:
    made = pacer(Clock())
    made.look(Control(RUN, OWNER, Phase.COPYING, PLACE, limits=RunLimits(nice=True)))
    assert made.tolls.writes.manner is NICE
    made.look(Control(RUN, OWNER, Phase.COPYING, PLACE, limits=RunLimits(nice=False)))
    assert made.tolls.writes.manner is EAGER


def test_who_leaves_gives_the_share_back() -> None:
    made = pacer(Clock(), writeUnitsPerSecond=500)
    with made:
        ceilings(made)
        assert made.tolls.sharer.log.shares(RUN, Work.COPY)[0]
    assert not made.tolls.sharer.log.shares(RUN, Work.COPY)[0]


def test_a_request_pays_what_the_answer_says_and_the_next_one_is_guessed_by_it() -> None:
    clock = Clock()
    made = pacer(clock, writeUnitsPerSecond=1000)
    ceilings(made)
    answer = BatchWriteAnswer(unprocessed_items={}, consumed_capacity=[Capacity(100.0)])
    toll = made.tolls.toll("BatchWriteItem", 25, lambda _: 0.0)
    toll.begin()
    assert toll.wait() == 0.0
    toll.succeed(answer)
    assert made.tolls.writes.consumed == 100.0
    assert made.tolls.factor("BatchWriteItem") == pytest.approx(4.0)
    following = made.tolls.toll("BatchWriteItem", 25, lambda _: 0.0)
    following.begin()
    assert following.wait() > 0.0


def test_an_engine_that_counts_no_units_is_paced_by_the_guess() -> None:
    made = pacer(Clock(), writeUnitsPerSecond=1000)
    ceilings(made)
    toll = made.tolls.toll("BatchWriteItem", 25, lambda _: 0.0)
    toll.begin()
    toll.succeed(BatchWriteAnswer(unprocessed_items={}))
    assert made.tolls.writes.consumed == 25.0


def test_a_throttled_account_slows_reads_and_writes() -> None:
    clock = Clock()
    made = pacer(clock)
    toll = made.tolls.toll("Scan", 1, lambda _: 0.0)
    toll.begin()
    before = made.tolls.writes.rate
    toll.fail(["TableReadAccountLimitExceeded"])
    assert made.tolls.writes.rate < before


def test_pages_are_cut_so_that_a_small_budget_is_not_read_in_one_leap() -> None:
    clock = Clock()
    made = pacer(clock, readUnitsPerSecond=64)
    assert made.largest_page(0) == 0, "no look yet: no limit is known"
    ceilings(made)
    first = made.largest_page(0)
    assert 0 < first <= 100
    made.saw_page(4000, 256.0)
    assert made.largest_page(0) == 1000
    assert made.largest_page(10) == 10


def test_a_scan_reserves_what_the_last_page_cost() -> None:
    made = pacer(Clock(), readUnitsPerSecond=1000)
    ceilings(made)
    toll = made.tolls.toll("Scan", 1, lambda _: 0.0)
    toll.begin()
    toll.succeed(ScanAnswer(count=1, consumed_capacity=Capacity(256.0)))
    assert made.tolls.factor("Scan") == 256.0


@pytest.mark.parametrize(
    ("limits", "budget"),
    [
        (RunLimits(), Budget(None, None)),
        (RunLimits(read_units=10, write_units=20.5), Budget(10, 20.5)),
        (RunLimits(read_units="10%", write_units="100%"), Budget(30.0, 100.0)),
    ],
)
def test_limits_come_to_units(limits: RunLimits, budget: Budget) -> None:
    assert limits.budget(TableCapacity(300, 1), TableCapacity(1, 100)) == budget


def test_of_a_table_that_says_nothing_a_share_is_of_what_a_new_one_takes() -> None:
    limits = RunLimits(read_units="50%", write_units="50%")
    assert limits.budget(TableCapacity(), TableCapacity()) == Budget(6000.0, 2000.0)
