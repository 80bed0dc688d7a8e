"""An hour of writes while both tables are verified again and again: no false alarm, and no fault
passes.
"""

from dataclasses import replace
from typing import Any

import pytest

from tableferry.verification.candidates import NothingIsSynchronised
from tableferry.verification.content_verifying import READ
from tests.content_worlds import ContentWorld
from tests.synchronising import Synchroniser

HOUR = 3600.0
WRITES_PER_SECOND = 10
FLAPPING = [f"flap-{number}" for number in range(6)]
RESTLESS = ["restless-0", "restless-1"]


class Traffic:
    """Two tables under writes: every request takes a second, in which both go on."""

    def __init__(self, seed: int, *, watches: bool = True, **options: Any) -> None:
        self.made = ContentWorld(held=(), partitions=2, destination_segments=3, **options)
        self.made.dynamo.page_bytes = 4_000
        self.sync = Synchroniser(
            self.made.source, self.made.destination, seed, flapping=FLAPPING, restless=RESTLESS
        )
        self.made.watch_list = self.sync if watches else NothingIsSynchronised()
        for _ in range(200):
            self.sync.step()
        self.sync.drain()
        self.made.dynamo.arriving = self._pass_time

    def _pass_time(self, operation: str, request: Any) -> None:
        with self.made.dynamo._lock:
            self.made.clock.sleep(1.0)
            self.sync.step(WRITES_PER_SECOND)

    def verify(self) -> dict[str, Any]:
        """One more reading of both tables, with its verdict."""
        self.made.standing = replace(self.made.standing, next=READ).begun()
        return self.made.verify()

    def corrupt(self, name: str) -> None:
        """Changes an item behind everybody's back; nobody writes it any more."""
        self.sync.spared.add(name)
        with self.made.dynamo._lock:
            self.sync.write(name, {"v": {"S": "right"}})
            self.sync.drain()
            self.made.destination.put({"pk": {"S": name}, "v": {"S": "wrong"}})

    def alarms(self) -> set[tuple[str, str]]:
        return {each for each in self.made.named() if each[0] != "undecided"}

    def undecided(self) -> set[str]:
        return {name for kind, name in self.made.named() if kind == "undecided"}


@pytest.mark.parametrize("seed", range(3))
def test_an_hour_of_writes_gives_no_false_alarm_and_a_planted_fault_is_found(seed: int) -> None:
    traffic = Traffic(seed)
    began, passes = traffic.made.clock.now(), 0
    while traffic.made.clock.now() - began < HOUR / 2:
        result = traffic.verify()
        passes += 1
        assert traffic.alarms() == set()
        assert set(RESTLESS) <= traffic.undecided()
        assert result["match"] is False
    traffic.corrupt("key-0042")
    while traffic.made.clock.now() - began < HOUR:
        result = traffic.verify()
        passes += 1
        assert traffic.alarms() == {("different", "key-0042")}
        assert result["different"] == 1
    assert passes >= 4
    assert traffic.sync.writes > HOUR * WRITES_PER_SECOND


def test_once_it_is_quiet_it_is_a_match() -> None:
    traffic = Traffic(7)
    assert traffic.verify()["match"] is False
    traffic.made.dynamo.arriving = lambda operation, request: None
    traffic.sync.drain()
    assert traffic.made.look_again()["match"] is True
    assert traffic.verify()["match"] is True


def test_without_the_watch_list_keys_that_flap_are_false_alarms() -> None:
    # The control of the test above: what it demands is not given by itself.
    alarms = set()
    for seed in range(4):
        traffic = Traffic(seed, watches=False)
        traffic.verify()
        alarms |= traffic.alarms()
    assert alarms & {("different", name) for name in FLAPPING}


def test_a_key_that_never_stands_still_is_never_a_match_and_never_a_difference() -> None:
    traffic = Traffic(1)
    result = traffic.verify()
    assert result["match"] is False
    assert result["undecided"] == len(traffic.undecided()) >= len(RESTLESS)
    assert result["different"] == result["missing"] == result["extra"] == 0


def test_newer_writes_to_a_source_that_nobody_synchronises_are_said_to_be_newer() -> None:
    made = ContentWorld([{"pk": {"S": name}, "v": {"S": "1"}} for name in "abcd"])
    made.destination.items.pop(made.destination.identity({"pk": {"S": "d"}}))
    made.read_both_tables()
    made.source.put({"pk": {"S": "a"}, "v": {"S": "2"}})
    made.destination.put({"pk": {"S": "b"}, "v": {"S": "wrong"}})
    made.standing = replace(made.standing, next=READ).begun()
    made.read_both_tables()
    made.source.put({"pk": {"S": "a"}, "v": {"S": "3"}})
    made.source.items.pop(made.source.identity({"pk": {"S": "b"}}))
    made.compare_all()
    result = made.verdict()
    newer = {each.key["pk"]["S"]: each.newer for each in made.differences() if each.key}
    assert newer == {"a": True, "b": True, "d": False}
    assert (result["newer"], result["different"], result["extra"], result["missing"]) == (
        2,
        1,
        1,
        1,
    )
