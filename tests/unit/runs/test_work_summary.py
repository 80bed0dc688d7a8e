"""What segments add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableferry.model import Counts, SegmentRecord, Work
from tableferry.runs.outcome import total
from tableferry.runs.work_summary import BUCKETS, MOST_NAMED, WorkSummary, summarise


def segment(number: int, start: float, end: float, items: int = 100, throttled: int = 0):
    return SegmentRecord(
        Work.COPY,
        number,
        invocations=1,
        started_at=start,
        progress_at=end,
        done=True,
        counts=Counts(read=items, throttled=throttled),
    )


def summary(*records: SegmentRecord, planned: int = 20) -> WorkSummary:
    return summarise(Work.COPY, planned, records, total(records))


def items(found: WorkSummary) -> float:
    """All items under the curve."""
    return sum(found.rate) * found.seconds / BUCKETS


def test_one_even_segment_has_one_even_rate() -> None:
    found = summary(segment(0, 10.0, 20.0, items=600))
    assert found.rate == pytest.approx([60.0] * BUCKETS)


def test_rates_add_up_where_segments_overlap() -> None:
    found = summary(segment(0, 0.0, 60.0, 600), segment(1, 30.0, 60.0, 300))
    assert found.rate[10] == pytest.approx(10.0)
    assert found.rate[50] == pytest.approx(20.0)


# As fine as a clock of epoch seconds tells them.
times = st.integers(0, 10**10).map(lambda microseconds: microseconds / 1e6)
spans = st.tuples(times, times, st.integers(0, 10**6))


@given(st.lists(spans, min_size=1, max_size=30))
def test_no_item_is_lost_and_none_is_counted_twice(found: list[tuple[float, float, int]]) -> None:
    records = [segment(n, a, a + b, count) for n, (a, b, count) in enumerate(found)]
    made = summary(*records, planned=len(records))
    if made.rate:
        assert items(made) == pytest.approx(sum(count for _, _, count in found), rel=1e-3)


def test_the_slowest_and_the_most_throttled_are_named_first() -> None:
    records = [segment(n, 0.0, 1.0 + n, throttled=20 - n if n % 2 else 0) for n in range(20)]
    found = summary(*records)
    assert [each.segment for each in found.slowest] == list(range(19, 19 - MOST_NAMED, -1))
    assert [each.segment for each in found.throttled] == [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]


def test_what_was_not_begun_has_no_times() -> None:
    found = summary(SegmentRecord(Work.COPY, 0))
    assert (found.begun, found.done, found.rate, found.slowest) == (0, 0, (), ())


def test_a_work_that_took_no_time_has_no_rate() -> None:
    assert summary(segment(0, 5.0, 5.0)).rate == ()
