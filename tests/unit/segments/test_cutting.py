import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableferry.segments.cutting import MAX_SEGMENTS, Segment, segment_count, segment_list

MEGABYTE = 1024 * 1024


def auto(items: int, size_bytes: int, max_concurrency: int = 40) -> int:
    return segment_count(
        "auto", items=items, size_bytes=size_bytes, max_concurrency=max_concurrency
    )


def test_a_number_in_the_spec_stands() -> None:
    assert segment_count(7, items=10**9, size_bytes=10**12, max_concurrency=40) == 7


@pytest.mark.parametrize(
    ("items", "size_bytes", "expected"),
    [
        pytest.param(1, 100, 1, id="one-item"),
        pytest.param(10_000, 16 * MEGABYTE, 1, id="a-worker's-start-would-cost-more"),
        pytest.param(50_000, 15 * MEGABYTE, 5, id="by-items"),
        pytest.param(1_000, 160 * MEGABYTE, 10, id="by-size"),
        pytest.param(10**7, 10**10, 160, id="four-for-each-worker"),
        pytest.param(10**9, 10**12, 4_000, id="a-billion-small-items"),
        pytest.param(10**12, 10**15, MAX_SEGMENTS, id="at-most-100,000"),
        pytest.param(0, 0, 40, id="size-not-known-yet"),
    ],
)
def test_auto_follows_size_and_items(items: int, size_bytes: int, expected: int) -> None:
    assert auto(items, size_bytes) == expected


@given(
    st.integers(0, 10**13), st.integers(0, 10**16), st.integers(1, 10_000), st.integers(0, 10**9)
)
def test_auto_stays_within_bounds_and_grows_with_the_table(
    items: int, size_bytes: int, max_concurrency: int, more: int
) -> None:
    count = auto(items, size_bytes, max_concurrency)
    assert 1 <= count <= MAX_SEGMENTS
    if items or size_bytes:
        assert auto(items + more, size_bytes + more, max_concurrency) >= count


@pytest.mark.parametrize("count", [1, 7, 64, MAX_SEGMENTS])
def test_the_list_names_each_segment_once(count: int) -> None:
    segments = segment_list(count)
    assert [segment.index for segment in segments] == list(range(count))
    assert {segment.total for segment in segments} == {count}


def test_a_segment_is_named_as_scan_names_it() -> None:
    assert Segment(3, 7).to_json() == {"segment": 3, "totalSegments": 7}
