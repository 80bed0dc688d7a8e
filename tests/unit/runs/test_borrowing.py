"""A repair borrows its destination, or shares it with the sync that goes on writing it."""

from typing import Any

import pytest

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import InvalidSpecError
from tableferry.model import Control, Lease, Phase, SegmentRecord, Work
from tableferry.runs.borrowing import give_back
from tableferry.runs.claiming import borrow_again
from tests.unit.runs.test_claiming import NOW, ONE, PLACE, THREE, TWO, Bench, spec


def failed_migration(phase: Phase = Phase.CLOSED) -> Bench:
    """A migration whose verification failed."""
    bench = Bench()
    bench.claim(ONE)
    bench.ledger.advance("prefs-v2", ONE, Phase.CLAIMED, phase)
    bench.executions.set(ONE, "FAILED")
    return bench


REPAIR: dict[str, Any] = {"mode": "verify", "repair": True}


def test_a_repair_borrows_the_destination_and_it_is_given_back() -> None:
    bench = failed_migration()
    control = bench.claim(TWO, spec(**REPAIR))
    assert bench.ledger.writer_of(PLACE) == control.run
    give_back(bench.ledger, control, bench.ledger.records[control.run])
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


def test_what_was_free_is_free_again_after_a_repair() -> None:
    bench = Bench()
    control = bench.claim(TWO, spec(**REPAIR))
    give_back(bench.ledger, control, bench.ledger.records[control.run])
    assert bench.ledger.writer_of(PLACE) is None


def test_what_a_repair_lost_it_does_not_give_away() -> None:
    bench = failed_migration()
    control = bench.claim(TWO, spec(**REPAIR))
    bench.ledger.release_writer(PLACE, control.run)
    give_back(bench.ledger, control, bench.ledger.records[control.run])
    assert bench.ledger.writer_of(PLACE) is None


def test_a_repair_whose_end_was_never_told_is_replaced_and_its_lender_known() -> None:
    bench = failed_migration()
    bench.claim(TWO, spec(**REPAIR))
    bench.executions.set(TWO, "FAILED")
    control = bench.claim(THREE, spec(**REPAIR))
    give_back(bench.ledger, control, bench.ledger.records[control.run])
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


def test_a_running_repair_is_not_replaced() -> None:
    bench = failed_migration()
    bench.claim(TWO, spec(**REPAIR))
    bench.executions.set(TWO, "RUNNING")
    assert bench.problem(THREE, spec(**REPAIR)).path == "destination.tableName"


@pytest.mark.parametrize(
    ("status", "phase", "rule"),
    [("RUNNING", Phase.CLOSED, "is running"), ("FAILED", Phase.COPYING, "not finished its copy")],
)
def test_a_migration_that_may_still_write_lends_nothing(
    status: str, phase: Phase, rule: str
) -> None:
    bench = failed_migration(phase)
    bench.executions.set(ONE, status)
    problem = bench.problem(TWO, spec(**REPAIR))
    assert (problem.path, rule in problem.rule) == ("repair", True)
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


# --- with a migration that synchronises, it shares ---


def synchronising(phase: Phase = Phase.SYNCED) -> Bench:
    bench = failed_migration(phase)
    bench.executions.set(ONE, "SUCCEEDED")
    bench.ledger.records["prefs-v2"]["steps"]["sync"] = {}
    return bench


def take_lease(bench: Bench, control: Control) -> None:
    """What a repair's worker takes before it writes."""
    lease = Lease(control.writer, Work.REPAIR, 0, "worker", NOW + 60)
    bench.ledger.hold_segment(control, SegmentRecord(Work.REPAIR, 0, "worker"), lease)


def test_a_repair_leaves_the_destination_to_the_sync_that_writes_it() -> None:
    bench = synchronising()
    control = bench.claim(TWO, spec(**REPAIR))
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"
    bench.ledger.advance(control.run, TWO, Phase.CLAIMED, Phase.CLOSED)
    take_lease(bench, control)
    assert [lease.work for lease in bench.ledger.leases("prefs-v2")] == [Work.REPAIR]
    give_back(bench.ledger, control, bench.ledger.records[control.run])
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


def test_a_repair_gets_no_lease_once_the_migration_it_shares_with_is_given_up() -> None:
    bench = synchronising()
    control = bench.claim(TWO, spec(**REPAIR))
    bench.ledger.advance(control.run, TWO, Phase.CLAIMED, Phase.CLOSED)
    bench.ledger.mark_stopped("prefs-v2", THREE)
    with pytest.raises(ConditionFailedError):
        take_lease(bench, control)


def test_nothing_is_shared_while_tombstones_are_swept_or_the_migration_runs() -> None:
    assert "(sweeping)" in synchronising(Phase.SWEEPING).problem(TWO, spec(**REPAIR)).rule
    bench = synchronising()
    bench.executions.set(ONE, "RUNNING")
    assert bench.problem(TWO, spec(**REPAIR)).rule.endswith("is running")


# --- redriven, a repair borrows again ---


def test_a_repair_that_is_redriven_borrows_again_what_it_gave_back() -> None:
    bench = failed_migration()
    control = bench.claim(TWO, spec(**REPAIR))
    give_back(bench.ledger, control, bench.ledger.records[control.run])
    borrow_again(bench.ledger, bench.others, control)
    assert bench.ledger.writer_of(PLACE) == control.run
    give_back(bench.ledger, control, bench.ledger.records[control.run])
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


def test_a_repair_does_not_borrow_again_from_a_migration_that_was_redriven() -> None:
    bench = failed_migration()
    control = bench.claim(TWO, spec(**REPAIR))
    give_back(bench.ledger, control, bench.ledger.records[control.run])
    bench.executions.set(ONE, "RUNNING", 1)
    with pytest.raises(InvalidSpecError):
        borrow_again(bench.ledger, bench.others, control)
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


def test_a_repair_of_two_free_tables_has_its_destination_again() -> None:
    bench = Bench()
    control = bench.claim(TWO, spec(**REPAIR))
    give_back(bench.ledger, control, bench.ledger.records[control.run])
    borrow_again(bench.ledger, bench.others, control)
    assert bench.ledger.writer_of(PLACE) == control.run


def test_another_migrations_destination_is_not_borrowed() -> None:
    bench = failed_migration()
    assert bench.problem(TWO, spec("other", **REPAIR)).path == "destination.tableName"
