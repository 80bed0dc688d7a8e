"""Workers that share a budget: never more than the whole, even soon, and nothing lies idle."""

import random

import pytest

from tableferry.limits import Share
from tableferry.model import Work
from tableferry.pace.sharing import RENEW_SECONDS, Sharer, even_level, share_of
from tests.fake_ledger import MemoryLedger
from tests.fakes import Clock

RUN = "prefs-v2"


class Team:
    """Workers of one work on one ledger, that renew when it is due."""

    def __init__(self, expected: int = 40) -> None:
        self.clock = Clock()
        self.ledger = MemoryLedger()
        self.expected = expected
        self.workers: dict[str, Sharer] = {}
        self.wants: dict[str, float] = {}

    def join(self, name: str, want: float = 1.0) -> Sharer:
        sharer = Sharer(self.ledger, RUN, Work.COPY, name, self.expected, self.clock.now)
        self.workers[name], self.wants[name] = sharer, want
        return sharer

    def live(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.1)):
            for name, sharer in self.workers.items():
                if sharer.is_due:
                    sharer.renew(self.wants[name])
            assert self.total <= 1.0 + 1e-4
            self.clock.sleep(0.1)

    @property
    def total(self) -> float:
        return sum(sharer.fraction for sharer in self.workers.values())

    @property
    def fractions(self) -> list[float]:
        return [sharer.fraction for sharer in self.workers.values()]


@pytest.mark.parametrize(
    ("wants", "level"),
    [([1.0], 1.0), ([1.0] * 4, 0.25), ([0.1, 1.0], 0.9), ([0.1, 0.2, 1.0, 1.0], 0.35), ([0.2], 1)],
)
def test_the_level_is_the_most_that_all_can_have(wants: list[float], level: float) -> None:
    assert even_level(wants) == pytest.approx(level)


def test_shares_that_ran_out_are_free() -> None:
    others = [Share(0.7, 1.0, until=10.0), Share(0.2, 1.0, until=20.0)]
    assert share_of(1.0, others, now=5.0) == pytest.approx(0.1)
    assert share_of(1.0, others, now=15.0) == pytest.approx(0.5)


def test_eight_that_begin_at_once_have_an_eighth_each_and_all_of_it_together() -> None:
    team = Team(expected=8)
    for number in range(8):
        team.join(f"w{number}")
    team.live(0.1)
    assert team.total == pytest.approx(1.0, abs=0.01)
    assert team.fractions == pytest.approx([0.125] * 8, abs=0.001)


def test_three_where_forty_were_expected_have_a_third_each_within_seconds() -> None:
    team = Team()
    for number in range(3):
        team.join(f"w{number}")
    team.live(3 * RENEW_SECONDS)
    assert team.fractions == pytest.approx([1 / 3] * 3, abs=0.02)


def test_who_comes_later_has_an_even_share_within_seconds() -> None:
    team = Team(expected=4)
    for number in range(4):
        team.join(f"w{number}")
    team.live(10)
    team.join("late")
    team.live(3 * RENEW_SECONDS)
    assert team.fractions == pytest.approx([0.2] * 5, abs=0.02)


def test_what_one_leaves_the_next_one_takes_at_once() -> None:
    team = Team(expected=4)
    for number in range(4):
        team.join(f"w{number}")
    team.live(10)
    team.workers.pop("w0").leave()
    team.join("next")
    team.live(0.1)
    assert team.fractions == pytest.approx([0.25] * 4, abs=0.01)


def test_the_share_of_a_worker_that_was_killed_is_given_to_the_others() -> None:
    team = Team(expected=4)
    for number in range(4):
        team.join(f"w{number}")
    team.live(10)
    del team.workers["w0"]
    team.live(12)
    assert team.fractions == pytest.approx([1 / 3] * 3, abs=0.02)


def test_what_one_can_not_use_the_others_get() -> None:
    team = Team(expected=4)
    team.join("slow", want=0.05)
    for number in range(3):
        team.join(f"w{number}")
    team.live(10)
    assert team.fractions == pytest.approx([0.05, *[0.95 / 3] * 3], abs=0.02)


def test_a_frozen_worker_has_no_share_when_it_thaws() -> None:
    team = Team(expected=2)
    frozen = team.join("frozen")
    team.join("other")
    team.live(10)
    assert frozen.fraction > 0
    del team.workers["frozen"]
    team.live(20)
    assert frozen.fraction == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_and_goes_shares_never_exceed_the_whole(seed: int) -> None:
    dice = random.Random(seed)
    team = Team(expected=dice.choice([1, 4, 40]))
    for step in range(60):
        if dice.random() < 0.5 and len(team.workers) < 12:
            team.join(f"w{step}", want=dice.choice([0.01, 0.1, 1.0]))
        if dice.random() < 0.3 and team.workers:
            gone = team.workers.pop(dice.choice(list(team.workers)))
            if dice.random() < 0.5:
                gone.leave()
        team.live(dice.choice([0.1, 1.0, 4.0]))
