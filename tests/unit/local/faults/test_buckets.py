"""Token buckets by a clock that the test turns."""

import pytest

from tableferry.local.faults import Limits
from tableferry.local.faults.limits.buckets import Bucket, Meter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_bucket_refills_at_its_rate_and_no_higher_than_its_depth(clock: Clock) -> None:
    bucket = Bucket(rate=10, depth=20, clock=clock)
    bucket.take(15)
    assert bucket.level == 5
    clock.now += 1
    assert bucket.level == 15
    clock.now += 60
    assert bucket.level == 20


def test_cost_above_what_is_left_is_paid_back_before_anything_is_admitted(clock: Clock) -> None:
    bucket = Bucket(rate=10, depth=10, clock=clock)
    bucket.take(30)
    assert bucket.level == -20
    clock.now += 2.05
    assert bucket.is_empty, "half a unit is not one"
    clock.now += 0.1
    assert not bucket.is_empty


def test_bucket_smaller_than_a_unit_still_admits(clock: Clock) -> None:
    bucket = Bucket(rate=0.5, depth=0.5, clock=clock)
    assert not bucket.is_empty
    bucket.take(1)
    assert bucket.is_empty
    clock.now += 2
    assert not bucket.is_empty


def test_use_never_exceeds_the_rate_and_the_burst_over_any_time(clock: Clock) -> None:
    """A client that always wants more, in steps of 10 ms, with costs up to 20 units."""
    side = Meter(Limits(write_units=100, burst_seconds=0.5), clock).writes
    uses: list[tuple[float, float]] = []
    for step in range(2000):
        clock.now = 100 + step / 100
        if side.refusal("k") is None:
            units = 1.0 + step % 20
            side.take("k", units)
            uses.append((clock.now, units))
    assert side.used == sum(units for _, units in uses)
    for start, _ in uses:
        within = sum(units for at, units in uses if start <= at < start + 5)
        assert within <= 100 * 5 + 50 + 20
    assert side.used >= 0.98 * 100 * 20


def test_partition_is_chosen_by_key_and_has_a_limit_of_its_own(clock: Clock) -> None:
    limits = Limits(write_units=100, partitions=8, partition_write_units=5)
    side = Meter(limits, clock).writes
    for _ in range(5):
        assert side.refusal("hot") is None
        side.take("hot", 1)
    assert side.refusal("hot") == ("keyRange", None)
    free = [key for key in map(str, range(50)) if side.refusal(key) is None]
    assert 35 < len(free) < 50, "one partition of eight is full"


def test_table_that_is_empty_is_said_before_the_partition(clock: Clock) -> None:
    side = Meter(Limits(write_units=5, partitions=1, partition_write_units=5), clock).writes
    side.take("k", 5)
    assert side.refusal("k") == ("table", None)


def test_index_refuses_only_what_it_would_hold(clock: Clock) -> None:
    side = Meter(Limits(index_write_units={"byDay": 2}), clock).writes
    side.take("k", 1, {"byDay": 2})
    assert side.refusal("k", ["byDay"]) == ("table", "byDay")
    assert side.refusal("k", ["other"]) is None


def test_reads_and_writes_do_not_touch_each_other(clock: Clock) -> None:
    meter = Meter(Limits(read_units=1, write_units=1), clock)
    meter.reads.take("k", 50)
    assert meter.reads.refusal("k") == ("table", None)
    assert meter.writes.refusal("k") is None
