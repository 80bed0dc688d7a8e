"""Who owns a run, and the one run that may write a table."""

from typing import Any

import pytest

from tableferry.errors import InvalidSpecError, MigrationStoppedError, NotOwnerError, TransientError
from tableferry.model import Control, Lease, Phase, StopFlag, Work
from tableferry.runs.claiming import GAP, Others, claim_run, claimed, run_name
from tableferry.spec import MigrationSpec
from tests.fake_ledger import MemoryExecutions, MemoryLedger

PLACE = "123456789012/us-east-1/New"
MARGIN, NOW = 300.0, 10_000.0
ONE, TWO, THREE = "arn:execution:one", "arn:execution:two", "arn:execution:three"


def spec(migration_id: str = "prefs-v2", **fields: Any) -> MigrationSpec:
    document = {
        "migrationId": migration_id,
        "source": {"tableName": "Old"},
        "destination": {"tableName": "New"},
        **fields,
    }
    return MigrationSpec.parse(document)


class Bench:
    def __init__(self, ledger: MemoryLedger | None = None) -> None:
        self.ledger = ledger or MemoryLedger()
        self.executions = MemoryExecutions()
        self.others = Others(self.executions, self.ledger, MARGIN, lambda: NOW)

    def claim(self, owner: str, asked: MigrationSpec | None = None, place: str = PLACE) -> Control:
        asked = asked or spec()
        control = claimed(run_name(asked, owner.rpartition(":")[2]), owner, place)
        return claim_run(self.ledger, self.others, asked, control, facts={"hash": "f00"})

    def problem(self, owner: str, asked: MigrationSpec | None = None) -> Any:
        with pytest.raises(InvalidSpecError) as caught:
            self.claim(owner, asked)
        (problem,) = caught.value.problems
        return problem


def test_only_mode_migrate_uses_an_id_up() -> None:
    assert run_name(spec(), "x") == "prefs-v2"
    assert run_name(spec(mode="count"), "x") == "prefs-v2.count.x"
    assert run_name(spec(mode="clean"), "x") == "prefs-v2.clean.x"


def test_a_new_run_is_claimed_with_its_spec_and_its_destination() -> None:
    bench = Bench()
    assert bench.claim(ONE) == Control("prefs-v2", ONE, Phase.CLAIMED, PLACE)
    record = bench.ledger.record("prefs-v2")
    assert record is not None
    assert (record["mode"], record["hash"], record["steps"]) == ("migrate", "f00", {})
    assert record["spec"]["segments"] == "auto"
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"
    assert bench.ledger.run_of(ONE) == "prefs-v2"


def test_the_first_state_may_run_again() -> None:
    bench = Bench()
    bench.claim(ONE)
    bench.ledger.advance("prefs-v2", ONE, Phase.CLAIMED, Phase.COPYING)
    assert bench.claim(ONE).phase is Phase.COPYING


def test_an_id_is_used_once() -> None:
    bench = Bench()
    bench.claim(ONE)
    problem = bench.problem(TWO)
    assert (problem.path, problem.value) == ("migrationId", "prefs-v2")
    assert "resume" in problem.remedy
    assert bench.ledger.controls["prefs-v2"].owner == ONE


def test_after_a_gap_a_repair_may_be_asked_for_and_nothing_else() -> None:
    bench = Bench()
    bench.claim(ONE, spec(strategy="live", verify="count"))
    asked: dict[str, Any] = {
        "strategy": "live",
        "resume": True,
        "verify": "content",
        "repair": True,
    }
    with pytest.raises(InvalidSpecError) as caught:
        bench.claim(TWO, spec(**asked, deleteExtras=True))
    found = [problem.path for problem in caught.value.problems]
    assert found == ["deleteExtras", "repair", "verify"]
    bench.ledger.amend(
        "prefs-v2", lambda record: record["steps"].update({GAP: {"reason": "off"}}), ONE
    )
    assert bench.problem(TWO, spec(**asked, segments=2)).path == "segments"
    bench.claim(TWO, spec(**asked, deleteExtras=True))
    kept = (bench.ledger.record("prefs-v2") or {})["spec"]
    assert (kept["repair"], kept["deleteExtras"], kept["verify"]) == (True, True, "content")
    assert kept["resume"] is False


def test_resume_of_what_never_began_is_refused() -> None:
    assert Bench().problem(ONE, spec(resume=True)).path == "resume"


def test_a_continued_migration_has_a_new_owner_and_new_limits_and_keeps_its_phase() -> None:
    bench = Bench()
    bench.claim(ONE)
    bench.ledger.advance("prefs-v2", ONE, Phase.CLAIMED, Phase.COPYING)
    bench.ledger.flag_stop("prefs-v2", StopFlag(ONE, 0, "pause", 1.0))
    taken = bench.claim(TWO, spec(resume=True, limits={"maxConcurrency": 7}))
    assert (taken.owner, taken.phase, taken.stop) == (TWO, Phase.COPYING, None)
    record = bench.ledger.record("prefs-v2")
    assert record is not None
    assert record["spec"]["limits"]["maxConcurrency"] == 7
    assert bench.ledger.controls["prefs-v2"].stop is None


def test_all_but_limits_must_be_as_it_began() -> None:
    bench = Bench()
    bench.claim(ONE)
    asked = spec(resume=True, segments=9, onExisting="keep")
    with pytest.raises(InvalidSpecError) as caught:
        bench.claim(TWO, asked)
    assert [problem.path for problem in caught.value.problems] == ["onExisting", "segments"]
    assert bench.ledger.controls["prefs-v2"].owner == ONE


def test_a_migration_that_was_given_up_is_not_continued() -> None:
    bench = Bench()
    bench.claim(ONE)
    bench.ledger.mark_stopped("prefs-v2", "ender")
    with pytest.raises(MigrationStoppedError):
        bench.claim(TWO, spec(resume=True))


class DiesInBetween(MemoryLedger):
    """The state's first run dies between the take-over and what follows it."""

    is_alive = False

    def claim_writer(self, control: Control, replaces: str | None = None) -> None:
        if not self.is_alive:
            raise TransientError("died")
        super().claim_writer(control, replaces)


def test_a_take_over_that_died_half_way_is_finished_by_the_states_second_run() -> None:
    ledger = DiesInBetween()
    bench = Bench(ledger)
    bench.claim(ONE)
    bench.ledger.release_writer(PLACE, "prefs-v2")
    asked = spec(resume=True, limits={"maxConcurrency": 7})
    with pytest.raises(TransientError):
        bench.claim(TWO, asked)
    ledger.is_alive = True
    bench.claim(TWO, asked)
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"
    record = bench.ledger.record("prefs-v2")
    assert record is not None
    assert record["spec"]["limits"]["maxConcurrency"] == 7


def test_of_two_that_continue_at_once_one_does() -> None:
    class Raced(MemoryLedger):
        def take_over(self, run: str, old_owner: str, new_owner: str) -> None:
            super().take_over(run, old_owner, THREE)
            super().take_over(run, old_owner, new_owner)

    bench = Bench(Raced())
    bench.claim(ONE)
    with pytest.raises(NotOwnerError, match="at the same time"):
        bench.claim(TWO, spec(resume=True))
    assert bench.ledger.controls["prefs-v2"].owner == THREE


def test_a_table_has_one_migration() -> None:
    bench = Bench()
    bench.claim(ONE)
    problem = bench.problem(TWO, spec("other"))
    assert problem.path == "destination.tableName"
    assert "prefs-v2" in problem.rule
    assert bench.ledger.control("other") is None, "a refused spec leaves no record"


def test_a_table_is_free_when_its_migration_released_it() -> None:
    bench = Bench()
    bench.claim(ONE)
    bench.ledger.release_writer(PLACE, "prefs-v2")
    bench.claim(TWO, spec("other"))
    assert bench.ledger.writer_of(PLACE) == "other"


def test_a_migration_that_is_being_stopped_keeps_its_table_until_no_worker_can_write() -> None:
    bench = Bench()
    bench.claim(ONE)
    bench.ledger.mark_stopped("prefs-v2", "ender")
    assert "tableferry stop prefs-v2" in bench.problem(TWO, spec("other")).remedy


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT", "SUCCEEDED", None])
def test_a_cleaning_that_ended_gives_way(status: str | None) -> None:
    bench = Bench()
    bench.claim(ONE, spec(mode="clean"))
    if status is not None:
        bench.executions.set(ONE, status)
    bench.claim(TWO)
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


def test_a_cleaning_that_runs_does_not_give_way() -> None:
    bench = Bench()
    bench.claim(ONE, spec(mode="clean"))
    bench.executions.set(ONE, "RUNNING")
    assert bench.problem(TWO).path == "destination.tableName"


def test_a_claim_that_died_before_its_run_was_made_is_no_obstacle() -> None:
    bench = Bench()
    bench.ledger.writers[PLACE] = "never-made"
    bench.claim(ONE)
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


def test_reading_modes_claim_no_table() -> None:
    bench = Bench()
    bench.claim(ONE)
    bench.claim(TWO, spec(mode="count"))
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


class LosesOnce(MemoryLedger):
    """Another run takes the table between the look at its writer and the claim."""

    def claim_writer(self, control: Control, replaces: str | None = None) -> None:
        if replaces == "gone":
            self.writers[control.destination] = "gone-too"
        super().claim_writer(control, replaces)


def test_a_lost_race_for_the_table_is_looked_at_again() -> None:
    bench = Bench(LosesOnce())
    bench.ledger.writers[PLACE] = "gone"
    bench.claim(ONE)
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"


def test_an_id_that_another_execution_used_in_between_is_used() -> None:
    class Contended(MemoryLedger):
        def create_run(self, control: Control, *words: Any, **named: Any) -> None:
            if named.get("replaces"):
                first = Control(control.run, TWO, control.phase, PLACE)
                super().create_run(first, *words, **named)
            super().create_run(control, *words, **named)

    bench = Bench(Contended())
    bench.ledger.writers[PLACE] = "gone"
    assert bench.problem(ONE).path == "migrationId"


def test_a_run_that_ended_is_not_replaced_while_its_workers_may_still_delete() -> None:
    bench = Bench()
    cleaner = bench.claim(ONE, spec("other", mode="clean"))
    bench.executions.set(ONE, "FAILED")
    lease = Lease(cleaner.run, Work.CLEAN, 0, "worker", deadline=NOW - MARGIN + 1)
    bench.ledger.live_leases[(cleaner.run, Work.CLEAN, 0, "worker")] = lease
    with pytest.raises(TransientError):
        bench.claim(TWO)
    found = bench.ledger.control(cleaner.run)
    assert found is not None
    assert found.stopped, "its workers see that they are to stop"
    bench.ledger.release(lease)
    bench.claim(TWO)
    assert bench.ledger.writer_of(PLACE) == "prefs-v2"
