"""What a pace lets through, second by second, of a table with a limit: all of it simulated."""

import random
from collections import deque
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tableferry.pace.manners import EAGER, NICE, Manner
from tableferry.pace.pacing import (
    BURST_SECONDS,
    Pace,
    Scope,
    scope_of,
)

BATCH = 25.0
STEP = 0.004


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at


class Table:
    """A bucket that holds one second, as the fault proxy has them; None takes everything."""

    def __init__(self, clock: Clock, capacity: float | None) -> None:
        self.clock = clock
        self.capacity = capacity
        self.level = capacity or 0.0
        self._at = 0.0

    def take(self, units: float) -> float:
        """How much of it is refused."""
        if self.capacity is None:
            return 0.0
        elapsed, self._at = self.clock.at - self._at, self.clock.at
        self.level = min(self.capacity, self.level + elapsed * self.capacity)
        taken = min(units, float(max(0, int(self.level))))
        self.level -= taken
        return units - taken


class Bench:
    """Workers, each with requests that wait in line, in steps of STEP."""

    def __init__(
        self,
        workers: int = 1,
        *,
        capacity: float | None = None,
        ceiling: float | None = None,
        manner: Manner = EAGER,
    ) -> None:
        self.clock = Clock()
        self.dice = random.Random(7)
        self.table = Table(self.clock, capacity)
        self.paces = [Pace(self.clock.now, ceiling, manner) for _ in range(workers)]
        self.lines: list[deque[float]] = [deque() for _ in range(workers)]
        self.sent: list[tuple[float, float]] = []
        self.refused = self.tried = 0.0
        self.application_refused = self.application_tried = 0.0

    def run(self, seconds: float, *, in_line: int = 16, application: float = 0.0) -> None:
        end = self.clock.at + seconds
        while self.clock.at < end:
            self.clock.at += STEP
            users = [self._work, lambda in_line: self._apply(application)]
            self.dice.shuffle(users)
            for user in users:
                user(in_line)

    def _apply(self, rate: float) -> None:
        """The application's own writes, of one unit each."""
        self.application_tried += rate * STEP
        self.application_refused += self.table.take(rate * STEP) if rate else 0.0

    def _work(self, in_line: int) -> None:
        for pace, line in zip(self.paces, self.lines, strict=True):
            while len(line) < in_line:
                line.append(pace.reserve(BATCH))
            while line and pace.wait(line[0], BATCH) == 0.0:
                line.popleft()
                self._send(pace)
                if len(line) < in_line / 2:
                    break

    def _send(self, pace: Pace) -> None:
        refused = self.table.take(BATCH)
        self.tried += BATCH
        self.refused += refused
        self.sent.append((self.clock.at, BATCH - refused))
        if refused == BATCH:
            pace.throttled(BATCH, Scope.TABLE)
        else:
            pace.settle(BATCH, BATCH - refused, refused_share=refused / BATCH)

    def rate(self, begin: float, end: float) -> float:
        """Units a second that arrived between two moments."""
        return sum(units for at, units in self.sent if begin < at <= end) / (end - begin)

    def rates(self, window: float, begin: float = 0.0) -> Iterator[float]:
        moment = begin
        while moment + window <= self.clock.at:
            yield self.rate(moment, moment + window)
            moment += 0.5


def test_a_ceiling_is_used_and_not_exceeded() -> None:
    bench = Bench(8, ceiling=625.0)
    bench.run(20)
    assert 0.98 * 5000 <= bench.rate(0, 20) <= 1.02 * 5000
    assert max(bench.rates(5)) <= 1.05 * 5000


def test_what_a_busy_machine_lost_is_made_up_for_within_the_bound() -> None:
    """Now and then nothing runs for half a second."""
    bench = Bench(8, ceiling=625.0)
    for _ in range(6):
        bench.run(9.5)
        bench.clock.at += 0.5
    assert bench.rate(0, 60) >= 0.95 * 5000
    assert max(bench.rates(5)) <= 1.05 * 5000


def test_idle_time_gives_credit_for_a_moment_only() -> None:
    bench = Bench(ceiling=1000.0)
    bench.clock.at += 60
    bench.run(1)
    assert bench.rate(60, 61) <= 1000 * (1 + BURST_SECONDS) + BATCH


def test_another_ceiling_holds_for_those_in_line_at_once() -> None:
    bench = Bench(ceiling=5000.0)
    bench.run(5)
    bench.paces[0].set_ceiling(2500.0)
    bench.run(5)
    assert 0.95 * 2500 <= bench.rate(5.5, 10) <= 1.05 * 2500
    bench.paces[0].set_ceiling(5000.0)
    bench.run(5)
    assert bench.rate(10.5, 15) >= 0.95 * 5000


def test_without_a_share_nothing_is_sent() -> None:
    bench = Bench(ceiling=0.0)
    bench.run(3)
    assert not bench.sent
    bench.paces[0].set_ceiling(1000.0)
    bench.run(2)
    assert bench.rate(3.5, 5) >= 0.95 * 1000


def test_what_was_consumed_counts_and_not_what_was_guessed() -> None:
    """An index doubles each write."""
    clock = Clock()
    pace = Pace(clock.now, 1000.0)
    consumed = 0.0
    while clock.at < 10:
        turn = pace.reserve(BATCH)
        while seconds := pace.wait(turn, BATCH):
            clock.at += seconds
        consumed += 2 * BATCH
        pace.settle(BATCH, 2 * BATCH)
    assert 0.95 * 10_000 <= consumed <= 1.05 * 10_000


def test_without_a_limit_the_rate_grows_quickly_until_it_is_throttled_and_then_stays_near() -> None:
    bench = Bench(8, capacity=20_000.0)
    bench.run(60)
    assert bench.rate(5, 60) >= 0.90 * 20_000
    assert bench.refused / bench.tried < 0.03


def test_a_starved_table_is_left_alone_and_used_again_within_seconds() -> None:
    bench = Bench(4, capacity=4000.0)
    bench.run(20)
    bench.table.capacity = bench.table.level = 100.0
    bench.run(30)
    refused, tried = bench.refused, bench.tried
    bench.run(10)
    assert (bench.refused - refused) / (bench.tried - tried) < 0.5
    assert bench.rate(50, 60) >= 50
    bench.table.capacity = 4000.0
    bench.run(25)
    assert bench.rate(75, 85) >= 0.8 * 4000


def test_one_hot_partition_among_many_does_not_slow_the_rest() -> None:
    clock = Clock()
    pace = Pace(clock.now, 1000.0)
    for turn in range(400):
        reserved = pace.reserve(BATCH)
        while seconds := pace.wait(reserved, BATCH):
            clock.at += seconds
        if turn % 10 == 0:
            pace.throttled(BATCH, Scope.KEY_RANGE)
        else:
            pace.settle(BATCH, BATCH)
    assert pace.rate == pytest.approx(1000.0)


def test_a_worker_whose_every_key_is_hot_slows_down() -> None:
    clock = Clock()
    pace = Pace(clock.now, 1000.0)
    for _ in range(100):
        reserved = pace.reserve(BATCH)
        while seconds := pace.wait(reserved, BATCH):
            clock.at += seconds
        pace.throttled(BATCH, Scope.KEY_RANGE)
    assert pace.rate < 500


def test_a_throttled_account_slows_every_pace_at_once() -> None:
    clock = Clock()
    pace = Pace(clock.now, 1000.0)
    clock.at += 1
    for _in_flight in range(16):
        pace.slow_down()
    assert 50 <= pace.rate <= 500


def test_after_a_throttled_account_the_former_rate_is_back_in_seconds() -> None:
    bench = Bench(ceiling=5000.0)
    bench.run(2)
    for _window in range(4):
        for _in_flight in range(16):
            bench.paces[0].slow_down()
        bench.run(0.3)
    bench.run(4)
    assert bench.paces[0].rate >= 0.85 * 5000


@pytest.mark.parametrize(
    ("reasons", "scope"),
    [
        ([], Scope.TABLE),
        (["TableWriteProvisionedThroughputExceeded"], Scope.TABLE),
        (["IndexWriteProvisionedThroughputExceeded"], Scope.TABLE),
        (["TableWriteMaxOnDemandThroughputExceeded"], Scope.TABLE),
        (["TableWriteKeyRangeThroughputExceeded"], Scope.KEY_RANGE),
        (
            ["TableReadKeyRangeThroughputExceeded", "TableReadProvisionedThroughputExceeded"],
            Scope.TABLE,
        ),
        (["TableWriteKeyRangeThroughputExceeded", "TableWriteAccountLimitExceeded"], Scope.ACCOUNT),
    ],
)
def test_reasons_say_how_wide_a_throttle_is(reasons: list[str], scope: Scope) -> None:
    assert scope_of(reasons) is scope


def test_the_nice_leave_room_to_an_application_that_comes_later() -> None:
    bench = Bench(8, capacity=5000.0, manner=NICE)
    bench.run(20)
    bench.run(180, application=1000.0)
    assert bench.application_refused / bench.application_tried < 0.01
    assert bench.rate(60, 200) >= 0.6 * 4000
    assert not any(pace.is_unwelcome for pace in bench.paces)


def test_the_nice_give_up_where_an_application_needs_all_of_the_table() -> None:
    bench = Bench(4, capacity=2000.0, manner=NICE)
    bench.run(20)
    assert not any(pace.is_unwelcome for pace in bench.paces)
    bench.run(60, application=2000.0)
    assert all(pace.is_unwelcome for pace in bench.paces)


def test_who_comes_back_to_a_table_that_is_free_again_finds_its_limit_in_seconds() -> None:
    bench = Bench(8, capacity=5000.0, manner=NICE)
    bench.run(20)
    assert bench.rate(5, 20) >= 0.6 * 5000
    assert not any(pace.is_unwelcome for pace in bench.paces)


def test_to_the_nice_a_hot_partition_is_a_reason_to_slow_down() -> None:
    clock = Clock()
    pace = Pace(clock.now, 1000.0, NICE)
    for turn in range(400):
        reserved = pace.reserve(BATCH)
        while seconds := pace.wait(reserved, BATCH):
            clock.at += seconds
        if turn % 10 == 0:
            pace.throttled(BATCH, Scope.KEY_RANGE)
        else:
            pace.settle(BATCH, BATCH)
    assert pace.rate < 700


def test_the_eager_do_not() -> None:
    """The positive control of the test before."""
    bench = Bench(8, capacity=5000.0)
    bench.run(20)
    bench.run(120, application=1000.0)
    assert bench.application_refused / bench.application_tried > 0.01


def test_turns_come_in_the_order_in_which_they_were_taken() -> None:
    clock = Clock()
    pace = Pace(clock.now, 100.0)
    waits = [pace.wait(pace.reserve(10.0), 10.0) for _ in range(5)]
    assert all(first <= second for first, second in pairwise(waits))
