"""What the counts of two tables prove."""

from typing import Any

import pytest

from tableferry.errors import VerificationFailedError
from tableferry.model import Counts, SegmentRecord, Work
from tableferry.verification.comparing import (
    Tally,
    compare_counts,
    require_complete,
    require_match,
    tally,
)


def record(segment: int, *, read: int = 10, done: bool = True, round_number: int = 1) -> Any:
    return SegmentRecord(
        Work.COUNT_SOURCE, segment, round=round_number, done=done, counts=Counts(read=read)
    )


def compare(
    source: Counts, destination: Counts, *, quarantined: int = 0, keep: bool = False
) -> dict[str, Any]:
    return compare_counts(
        Tally(1, source), Tally(1, destination), quarantined=quarantined, keep=keep
    )


def test_segments_of_this_round_that_were_read_to_their_end_are_added_up() -> None:
    records = [record(0), record(1, read=5), record(2, done=False), record(3, round_number=2)]
    assert tally(records, 1) == Tally(2, Counts(read=15))
    assert tally(records, 2) == Tally(1, Counts(read=10))


def test_a_segment_that_was_not_read_proves_nothing() -> None:
    require_complete("source", Tally(3, Counts()), 3)
    with pytest.raises(VerificationFailedError, match=r"only 2 of 3 segments.*source"):
        require_complete("source", Tally(2, Counts()), 3)


@pytest.mark.parametrize(
    ("destination", "keep", "match"),
    [
        (90, False, True),
        (91, False, False),
        (89, False, False),
        (91, True, True),
        (89, True, False),
    ],
)
def test_the_destination_holds_what_the_filter_let_through(
    destination: int, keep: bool, match: bool
) -> None:
    result = compare(Counts(read=100, filtered=10), Counts(read=destination), keep=keep)
    assert (result["sourceItems"], result["destinationItems"]) == (90, destination)
    assert result["match"] is match


def test_quarantined_items_need_not_have_arrived() -> None:
    assert compare(Counts(read=100), Counts(read=97), quarantined=3)["match"]


def test_what_counts_can_not_tell_is_null() -> None:
    result = compare(Counts(read=1), Counts(read=1))
    unknown = ("missing", "extra", "different", "undecided", "kept", "detailsUri")
    assert {result[name] for name in unknown} == {None}
    assert (result["level"], result["sample"]) == ("count", [])


def test_a_mismatch_fails_with_both_figures() -> None:
    require_match({"match": True})
    with pytest.raises(VerificationFailedError, match=r"5 items to migrate.*holds 4"):
        require_match({"match": False, "sourceItems": 5, "destinationItems": 4})
