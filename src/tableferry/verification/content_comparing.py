"""Comparing one partition of two tables' digests, by key hash, in both directions.

What is found here is a candidate: a write may have come between the two readings
(`candidates` reads it again). Memory, measured (docs/verification.md): 180 bytes for each source
entry of the partition and 64 for the pair's own bytes, so PARTITION_ENTRIES take some 100 MB of a
function's 512 MB. Destination entries pass through; what differs is named in slices.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tableferry.verification.digest_format import ENTRY_BYTES, pairs

PARTITION_ENTRIES = 400_000


@dataclass(frozen=True, slots=True)
class Seen:
    """The content hashes that stood under one key hash; None where there was nothing."""

    source: bytes | None
    destination: bytes | None


@dataclass(frozen=True, slots=True)
class Compared:
    """How many entries of each side were compared, and what stood under each key hash that
    differs; `collided` are those that two source items have.
    """

    source_entries: int
    destination_entries: int
    differing: Mapping[bytes, Seen]
    collided: frozenset[bytes]


def partition_count(source_entries: int, destination_entries: int) -> int:
    """How many partitions the two tables are compared in.

    Hashes fall evenly, so the larger side alone tells how much a partition holds.
    """
    return max(1, -(-max(source_entries, destination_entries) // PARTITION_ENTRIES))


def compare(source: Sequence[bytes], destination: Iterable[bytes]) -> Compared:
    """Compares blocks of whole entries; each side's blocks in any order."""
    held: dict[bytes, bytes] = {}
    source_entries = sum(map(len, source)) // ENTRY_BYTES
    for block in source:
        held.update(pairs(block))
    collided = _repeated(source) if len(held) < source_entries else frozenset()
    differing: dict[bytes, Seen] = {}
    destination_entries = 0
    for block in destination:
        destination_entries += len(block) // ENTRY_BYTES
        for key_hash, content in pairs(block):
            expected = held.pop(key_hash, None)
            if expected != content:
                differing[key_hash] = Seen(expected, content)
    for key_hash, content in held.items():
        differing[key_hash] = Seen(content, None)
    for key_hash in collided:
        differing.setdefault(key_hash, Seen(None, None))
    return Compared(source_entries, destination_entries, differing, collided)


def _repeated(blocks: Iterable[bytes]) -> frozenset[bytes]:
    once: set[bytes] = set()
    twice: set[bytes] = set()
    for block in blocks:
        for key_hash, _ in pairs(block):
            (twice if key_hash in once else once).add(key_hash)
    return frozenset(twice)


def slices(compared: Compared, length: int) -> Iterator[list[bytes]]:
    """The key hashes that differ, in order, so that a slice's names lie close together."""
    ordered = sorted(compared.differing)
    for start in range(0, len(ordered), length):
        yield ordered[start : start + length]
