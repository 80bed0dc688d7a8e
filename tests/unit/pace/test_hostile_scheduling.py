"""A budget on machines that freeze, and on a wire that holds requests back: the table's view."""

import heapq
import random
from itertools import accumulate

import pytest

from tableferry.pace.pacing import Pace
from tableferry.pace.window import UsedLately

BATCH, STEP, IN_FLIGHT = 25.0, 0.01, 16
BUDGET = 5000.0


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at


class Machine:
    """One worker. It freezes for up to a second now and then, for `frozen_share` of the time; then
    answers wait, and what it has sent still arrives.
    """

    def __init__(self, clock: Clock, dice: random.Random, ceiling: float, cost: float) -> None:
        self.clock, self.dice, self.cost = clock, dice, cost
        self.pace = Pace(clock.now, ceiling)
        self.guess = BATCH
        self.line: list[tuple[float, float]] = []
        self.answers: list[tuple[float, float]] = []
        self.thaws_at = 0.0

    def step(self, frozen_share: float) -> list[float]:
        """When the requests that it sends now arrive at the table."""
        now = self.clock.at
        if now < self.thaws_at:
            return []
        if self.dice.random() < frozen_share * STEP / 0.5:
            self.thaws_at = now + self.dice.uniform(0.1, 0.9)
        while self.answers and self.answers[0][0] <= now:
            self.pace.settle(heapq.heappop(self.answers)[1], self.cost)
            self.guess = self.cost
        while len(self.line) < IN_FLIGHT:
            self.line.append((self.pace.reserve(self.guess), self.guess))
        arrivals = []
        while self.line and len(self.answers) < IN_FLIGHT:
            if self.pace.wait(*self.line[0]) > 0:
                break
            _, reserved = self.line.pop(0)
            arrivals.append(now + self._delay())
            heapq.heappush(self.answers, (arrivals[-1] + self._delay(), reserved))
        return arrivals

    def _delay(self) -> float:
        """5 ms mostly, one in fifty up to half a second."""
        return self.dice.uniform(0.1, 0.5) if self.dice.random() < 0.02 else 0.005


def arrivals_at_the_table(
    seed: int, *, seconds: float, frozen_share: float, cost: float = BATCH
) -> list[tuple[float, float]]:
    """(moment, units), in order; the shares of eight workers move about all the time."""
    clock, dice = Clock(), random.Random(seed)
    workers = [Machine(clock, dice, BUDGET / 8, cost) for _ in range(8)]
    arrived: list[tuple[float, float]] = []
    while clock.at < seconds:
        clock.at += STEP
        if dice.random() < STEP / 2:
            share_anew(workers, dice)
        for worker in dice.sample(workers, len(workers)):
            arrived += [(at, cost) for at in worker.step(frozen_share)]
    return sorted(arrived)


def share_anew(workers: list[Machine], dice: random.Random) -> None:
    """As the ledger's record has it: nobody takes what another one has not given up."""
    giver, taker = dice.sample(workers, 2)
    part = (giver.pace.ceiling or 0.0) * dice.uniform(0.0, 0.5)
    giver.pace.set_ceiling((giver.pace.ceiling or 0.0) - part)
    taker.pace.set_ceiling((taker.pace.ceiling or 0.0) + part)


def worst_window(arrived: list[tuple[float, float]], seconds: float = 5.0) -> float:
    """The most units a second over any stretch that long."""
    sums = [0.0, *accumulate(units for _, units in arrived)]
    worst, first = 0.0, 0
    for place, (at, _) in enumerate(arrived):
        while arrived[first][0] <= at - seconds:
            first += 1
        worst = max(worst, sums[place + 1] - sums[first])
    return worst / seconds


@pytest.mark.parametrize("seed", range(4))
def test_a_budget_is_used_and_never_exceeded_however_machines_are_scheduled(seed: int) -> None:
    arrived = arrivals_at_the_table(seed, seconds=30, frozen_share=0.15)
    assert worst_window(arrived) <= 1.05 * BUDGET
    assert sum(units for at, units in arrived if at <= 30) >= 0.95 * 30 * BUDGET


def test_index_writes_that_nobody_guessed_do_not_exceed_it_for_longer_than_the_first_answers() -> (
    None
):
    arrived = arrivals_at_the_table(5, seconds=15, frozen_share=0.1, cost=2 * BATCH)
    assert worst_window([each for each in arrived if each[0] > 1]) <= 1.05 * BUDGET


def test_machines_that_freeze_for_half_of_the_time_never_exceed_it_either() -> None:
    arrived = arrivals_at_the_table(6, seconds=30, frozen_share=0.8)
    assert worst_window(arrived) <= 1.05 * BUDGET


def test_a_request_counts_from_its_sending_until_five_seconds_after_its_answer() -> None:
    lately = UsedLately()
    lately.change(0.0, 100.0)
    lately.send(515.0)
    assert not lately.takes(7.0, 25.0), "the table may take it only now"
    lately.settle(8.0, 515.0, 515.0)
    assert not lately.takes(12.9, 25.0)
    assert lately.takes(13.1, 25.0)


def test_a_small_ceiling_is_not_kept_from_being_used_by_the_size_of_requests() -> None:
    clock = Clock()
    pace, sent = Pace(clock.now, 12.5), 0.0
    while clock.at < 100:
        turn = pace.reserve(BATCH)
        while seconds := pace.wait(turn, BATCH):
            clock.at += seconds
        pace.settle(BATCH, BATCH)
        sent += BATCH
    assert sent >= 0.97 * 100 * 12.5
