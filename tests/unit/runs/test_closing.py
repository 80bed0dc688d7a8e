"""Ending a phase: no new leases, and every lease that was taken is over."""

import pytest

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import NotOwnerError
from tableferry.model import Control, Lease, Phase, SegmentRecord, Work
from tableferry.runs.closing import LONGEST_WAIT_SECONDS, Settled, enter_phase, settle_leases
from tests.fake_ledger import MemoryLedger
from tests.worlds import OWNER, PLACE, RUN

MARGIN = 300.0
CONTROL = Control(RUN, OWNER, Phase.COPYING, PLACE)


@pytest.fixture
def ledger() -> MemoryLedger:
    made = MemoryLedger()
    made.create_run(CONTROL, {"steps": {}}, writes=True, keep=True)
    return made


def lease(deadline: float, work: Work = Work.COPY, holder: str = "a") -> Lease:
    return Lease(RUN, work, 3, holder, deadline)


def hold(ledger: MemoryLedger, each: Lease) -> None:
    ledger.live_leases[RUN, each.work, each.segment, each.holder] = each


def settle(ledger: MemoryLedger, now: float) -> Settled:
    return settle_leases(ledger, RUN, MARGIN, lambda: now)


def test_a_phase_is_entered_once_and_only_forward(ledger: MemoryLedger) -> None:
    enter_phase(ledger, CONTROL, Phase.CLOSING)
    assert ledger.controls[RUN].phase is Phase.CLOSING
    enter_phase(ledger, ledger.controls[RUN], Phase.CLOSING)
    enter_phase(ledger, ledger.controls[RUN], Phase.COPYING)
    assert ledger.controls[RUN].phase is Phase.CLOSING


def test_a_phase_that_another_run_of_the_state_entered_is_no_error(ledger: MemoryLedger) -> None:
    ledger.advance(RUN, OWNER, Phase.COPYING, Phase.CLOSED)
    enter_phase(ledger, CONTROL, Phase.CLOSING)
    assert ledger.controls[RUN].phase is Phase.CLOSED


def test_a_phase_is_entered_from_wherever_the_run_is_by_now(ledger: MemoryLedger) -> None:
    ledger.advance(RUN, OWNER, Phase.COPYING, Phase.CLOSING)
    enter_phase(ledger, CONTROL, Phase.CLOSED)
    assert ledger.controls[RUN].phase is Phase.CLOSED


def test_only_the_owner_moves_the_phase(ledger: MemoryLedger) -> None:
    ledger.take_over(RUN, OWNER, "another")
    with pytest.raises(NotOwnerError, match="another owner"):
        enter_phase(ledger, CONTROL, Phase.CLOSING)
    assert ledger.controls[RUN].phase is Phase.COPYING


def test_no_lease_is_taken_once_the_phase_is_left(ledger: MemoryLedger) -> None:
    enter_phase(ledger, CONTROL, Phase.CLOSING)
    with pytest.raises(ConditionFailedError):
        ledger.hold_segment(CONTROL, SegmentRecord(Work.COPY, 3, "a"), lease(1000))


def test_nothing_held_is_settled(ledger: MemoryLedger) -> None:
    assert settle(ledger, 0.0) == Settled(True, 0, 0)


@pytest.mark.parametrize("work", [Work.COPY, Work.CLEAN])
def test_a_lease_is_over_a_margin_after_its_deadline(ledger: MemoryLedger, work: Work) -> None:
    hold(ledger, lease(1000.0, work))
    assert settle(ledger, 1000.0 + MARGIN - 1) == Settled(False, 2, 1)
    assert len(ledger.leases(RUN)) == 1
    assert settle(ledger, 1000.0 + MARGIN).done
    assert ledger.leases(RUN) == []


def test_the_wait_is_for_the_last_lease_and_never_long(ledger: MemoryLedger) -> None:
    hold(ledger, lease(1000.0))
    hold(ledger, lease(1005.0, holder="b"))
    assert settle(ledger, 1000.0 + MARGIN - 3) == Settled(False, 9, 2)
    assert settle(ledger, 1000.0 + MARGIN) == Settled(False, 6, 1)
    assert settle(ledger, 0.0).wait_seconds == LONGEST_WAIT_SECONDS


def test_a_released_lease_is_over_at_once(ledger: MemoryLedger) -> None:
    hold(ledger, lease(1000.0))
    ledger.release(lease(1000.0))
    assert settle(ledger, 0.0).done


def test_what_the_state_machine_reads() -> None:
    assert Settled(False, 7, 2).to_json() == {"done": False, "waitSeconds": 7, "leases": 2}
