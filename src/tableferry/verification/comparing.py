"""Comparing what was read of both tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tableferry.errors import VerificationFailedError
from tableferry.model import Counts, SegmentRecord


@dataclass(frozen=True, slots=True)
class Tally:
    """One table's items, added up over its segments; `segments` is how many were read to their
    end.
    """

    segments: int
    counts: Counts


def tally(records: Iterable[SegmentRecord], round_number: int) -> Tally:
    """Adds up the segments that were read to their end in this round; older rounds prove
    nothing.
    """
    total, segments = Counts(), 0
    for record in records:
        if record.done and record.round == round_number:
            segments += 1
            total.add(record.counts)
    return Tally(segments, total)


def compare_counts(
    source: Tally, destination: Tally, *, quarantined: int, keep: bool
) -> dict[str, Any]:
    """The verification result at level count, as the contract prints it.

    `sourceItems` are those that should have arrived: after the filter and without the
    quarantined. Counts do not tell missing from extra items, so those stay null. With `keep` the
    destination may hold more.
    """
    source_items = source.counts.read - source.counts.filtered - quarantined
    destination_items = destination.counts.read
    match = destination_items >= source_items if keep else destination_items == source_items
    return {
        "level": "count",
        "match": match,
        "sourceItems": source_items,
        "destinationItems": destination_items,
        "missing": None,
        "extra": None,
        "different": None,
        "undecided": None,
        "kept": None,
        "sample": [],
        "detailsUri": None,
    }


def require_complete(table: str, found: Tally, planned: int) -> None:
    """Raises VerificationFailedError when a segment was not read: incomplete never matches."""
    if found.segments != planned:
        raise VerificationFailedError(
            f"only {found.segments} of {planned} segments were read to their end ({table})",
            hint="redrive: both tables are read again",
        )


def require_match(verification: dict[str, Any]) -> None:
    """Raises VerificationFailedError with the figures when the tables do not match."""
    if verification["match"]:
        return
    raise VerificationFailedError(
        f"the source has {verification['sourceItems']} items to migrate, the destination holds "
        f"{verification['destinationItems']}",
        hint="items that were there before are extra (clean the destination first), two source "
        "items with one destination key are one item too few; mend it and redrive: both tables are "
        "read again",
    )
