"""Who may go on with a run."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tableferry.errors import MigrationPausedError, MigrationStoppedError, NotOwnerError
from tableferry.model import Control, Phase, StopFlag
from tableferry.runs.ownership import LOOK_SECONDS, Gate, Watch
from tests.fake_ledger import MemoryExecutions, MemoryLedger
from tests.fakes import Clock
from tests.worlds import OWNER, PLACE, RUN

OTHER = f"{OWNER}-two"


class Bench:
    def __init__(self) -> None:
        self.ledger, self.executions = MemoryLedger(), MemoryExecutions()
        control = Control(RUN, OWNER, Phase.COPYING, PLACE)
        self.ledger.create_run(control, {"steps": {}}, writes=True, keep=True)
        self.gate = Gate(self.ledger, self.executions)

    def flag(self, redrive_count: int = 0) -> None:
        self.ledger.flag_stop(RUN, StopFlag(OWNER, redrive_count, "the Stop button", 1.0))


def test_the_owner_goes_on() -> None:
    assert Bench().gate.admit(RUN, OWNER).owner == OWNER


def test_a_run_that_nobody_knows_is_not_gone_on_with() -> None:
    with pytest.raises(NotOwnerError, match="no run named other"):
        Bench().gate.admit("other", OWNER)


def test_an_execution_that_was_continued_by_another_does_not_go_on_even_when_redriven() -> None:
    bench = Bench()
    bench.ledger.take_over(RUN, OWNER, OTHER)
    bench.executions.set(OWNER, "RUNNING", redrive_count=1)
    with pytest.raises(NotOwnerError, match=OTHER):
        bench.gate.admit(RUN, OWNER)
    bench.gate.admit(RUN, OTHER)


def test_a_migration_that_was_given_up_does_not_go_on() -> None:
    bench = Bench()
    bench.ledger.mark_stopped(RUN, "ender")
    with pytest.raises(MigrationStoppedError, match="new migrationId") as caught:
        bench.gate.admit(RUN, OWNER)
    assert "stop" in caught.value.cause


@pytest.mark.parametrize(
    ("status", "redrive_count"),
    [("ABORTED", 0), ("RUNNING", 0), ("ABORTED", 1), ("FAILED", 2), (None, 0)],
)
def test_a_stop_flag_holds_until_its_execution_was_redriven(
    status: str | None, redrive_count: int
) -> None:
    bench = Bench()
    bench.flag()
    if status is not None:
        bench.executions.set(OWNER, status, redrive_count)
    with pytest.raises(MigrationPausedError, match="the Stop button"):
        bench.gate.admit(RUN, OWNER)
    assert bench.ledger.controls[RUN].stop is not None


def test_a_redriven_execution_goes_on_and_removes_the_flag_that_it_saw() -> None:
    bench = Bench()
    bench.flag(redrive_count=2)
    bench.executions.set(OWNER, "RUNNING", redrive_count=3)
    bench.gate.admit(RUN, OWNER)
    assert bench.ledger.controls[RUN].stop is None


def test_a_flag_that_was_set_meanwhile_stays() -> None:
    bench = Bench()
    bench.flag(redrive_count=0)
    older = bench.ledger.controls[RUN].stop
    assert older is not None
    bench.flag(redrive_count=1)
    bench.ledger.clear_stop(RUN, older)
    assert bench.ledger.controls[RUN].stop != older


class CountingGate(Gate):
    """How often the gate was asked."""

    asked = 0

    def admit(self, run: str, owner: str) -> Control:
        type(self).asked += 1
        return super().admit(run, owner)


@pytest.fixture
def counting() -> CountingGate:
    CountingGate.asked = 0
    bench = Bench()
    return CountingGate(bench.ledger, bench.executions)


def test_the_watch_asks_once_for_all_threads_every_so_often(counting: CountingGate) -> None:
    clock = Clock()
    watch = Watch(counting, RUN, OWNER, clock.now)
    watch.look()
    assert counting.asked == 0
    for turn in range(1, 4):
        clock.sleep(LOOK_SECONDS)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: watch.look(), range(50)))
        assert counting.asked == turn


def test_a_refusal_is_raised_in_every_thread_from_then_on(counting: CountingGate) -> None:
    clock = Clock()
    watch = Watch(counting, RUN, OWNER, clock.now)
    assert isinstance(counting.log, MemoryLedger)
    counting.log.take_over(RUN, OWNER, OTHER)
    clock.sleep(LOOK_SECONDS)
    refused = []

    def look() -> None:
        try:
            watch.look()
        except NotOwnerError as error:
            refused.append(error)

    threads = [threading.Thread(target=look) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 10
    assert counting.asked == 1


def test_a_worker_looks_often_enough_to_hand_back_within_five_seconds() -> None:
    assert LOOK_SECONDS <= 3
