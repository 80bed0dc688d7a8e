"""How many segments a parallel scan has, and which.

The rule for `auto` (docs/spec.md states it too):

* A segment is what one worker reads: at most 256 MB or 250,000 items, a few minutes of work, so
  that an invocation of 15 minutes mostly ends it. (AWS's own starting point is 2 GB a segment, for
  readers that do not write.)
* Segments are uneven, for items go to them by a hash of the partition key. So there are four for
  each worker that may run at once, and the quick ones fill in for the slow ones,
* but none under 16 MB and 10,000 items, below which a worker's start costs more than its work.
* At least 1, at most 100,000.

DynamoDB refreshes a table's size about every six hours, so 0 says nothing: then there is one
segment for each worker that may run at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MAX_SEGMENTS = 100_000
LARGEST_BYTES, LARGEST_ITEMS = 256 * 1024 * 1024, 250_000
SMALLEST_BYTES, SMALLEST_ITEMS = 16 * 1024 * 1024, 10_000
SEGMENTS_PER_WORKER = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a parallel scan, as Scan's parameters name it; `index` counts from 0."""

    index: int
    total: int

    def to_json(self) -> dict[str, int]:
        return {"segment": self.index, "totalSegments": self.total}


def segment_count(
    setting: Literal["auto"] | int, *, items: int, size_bytes: int, max_concurrency: int
) -> int:
    """The number of segments for a table of this size; a number in the spec stands as it is."""
    if setting != "auto":
        return setting
    if items == 0 and size_bytes == 0:
        return min(max_concurrency, MAX_SEGMENTS)
    needed = _pieces(items, size_bytes, LARGEST_ITEMS, LARGEST_BYTES)
    useful = _pieces(items, size_bytes, SMALLEST_ITEMS, SMALLEST_BYTES)
    wanted = min(useful, SEGMENTS_PER_WORKER * max_concurrency)
    return max(1, min(max(needed, wanted), MAX_SEGMENTS))


def segment_list(count: int) -> Sequence[Segment]:
    """All segments of a scan of `count` segments, in order."""
    return [Segment(index, count) for index in range(count)]


def _pieces(items: int, size_bytes: int, piece_items: int, piece_bytes: int) -> int:
    return max(-(-items // piece_items), -(-size_bytes // piece_bytes))
