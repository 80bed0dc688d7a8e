"""A digest object's bytes: what a stretch of one table holds, hashed, in order of key hash.

One object holds the entries of some pages of one scan segment:

    header   magic TFD1, fence bits (1 byte), 3 zero bytes, number of entries (4 bytes)
    fences   2^bits + 1 pairs of 4 bytes: entries, and bytes of names, before each equal share of
             the hash space
    entries  32 bytes each: 16 of the key's hash, 16 of the content's, sorted
    names    for each entry 2 bytes of length, 1 of marks, and the item's own key as JSON

Numbers are big-endian. The fences tell which byte ranges any span of the hash space needs, so
that a worker reads its own part of every object and no more; the names are read only of what
differs. A fence stands for some 64 entries, so the index costs 4 bytes for each kilobyte.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

ENTRY_BYTES = 32
KEY_HASH_BYTES = 16
HASH_SPACE_BITS = 64
# What a bucket's lifecycle, or code of another time, may leave behind has another suffix.
SUFFIX = ".tfd1"

_MAGIC = b"TFD1"
_HEADER = struct.Struct(">4sB3xI")
_FENCE = struct.Struct(">II")
_NAME = struct.Struct(">HB")
_ENTRIES = struct.Struct(f"{KEY_HASH_BYTES}s{ENTRY_BYTES - KEY_HASH_BYTES}s")
_ENTRIES_PER_FENCE = 64

# Marks of a source entry: its copy quarantined the item, or skipped it because another was there.
QUARANTINED = 1
SKIPPED = 2


class UnreadableDigestError(ValueError):
    """Bytes that are not the digest they should be. Never leaves the use cases."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the hash space, `first` up to but without `end`, as numbers of 64 bits."""

    first: int
    end: int

    @classmethod
    def of(cls, partition: int, partitions: int) -> "Span":
        """One of `partitions` equal parts."""
        whole = 1 << HASH_SPACE_BITS
        return cls(partition * whole // partitions, (partition + 1) * whole // partitions)

    @classmethod
    def around(cls, first: bytes, last: bytes) -> "Span":
        """The smallest part that holds two key hashes."""
        return cls(_place(first), _place(last) + 1)

    def holds(self, key_hash: bytes) -> bool:
        return self.first <= _place(key_hash) < self.end


class Entry(NamedTuple):
    """One item: `hashes` are its key's and its content's, `name` is its own key as JSON."""

    hashes: bytes
    name: bytes
    marks: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Where a span's entries and names lie in an object: the first entry's number, how many they
    are, byte offsets and lengths.
    """

    first: int
    entries: int
    entries_at: int
    names_at: int
    names_length: int

    @property
    def entries_length(self) -> int:
        return self.entries * ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies in an object of so many entries."""

    entries: int

    @property
    def fence_bits(self) -> int:
        return max(0, (self.entries // _ENTRIES_PER_FENCE).bit_length() - 1)

    @property
    def entries_at(self) -> int:
        return _HEADER.size + ((1 << self.fence_bits) + 1) * _FENCE.size

    @property
    def names_at(self) -> int:
        return self.entries_at + self.entries * ENTRY_BYTES

    def fences(self, span: Span) -> tuple[int, int]:
        """Byte offset and length of the fences around a span."""
        shift = HASH_SPACE_BITS - self.fence_bits
        first, last = span.first >> shift, ((span.end - 1) >> shift) + 1
        return _HEADER.size + first * _FENCE.size, (last - first + 1) * _FENCE.size

    def part(self, fences: bytes) -> Part:
        """What lies between the first and the last of these fences."""
        if len(fences) < 2 * _FENCE.size or len(fences) % _FENCE.size:
            raise UnreadableDigestError(f"{len(fences)} bytes are no fences")
        before, names_before = _FENCE.unpack_from(fences)
        upto, names_upto = _FENCE.unpack_from(fences, len(fences) - _FENCE.size)
        if not before <= upto <= self.entries or names_before > names_upto:
            raise UnreadableDigestError("the fences are not in order")
        return Part(
            first=before,
            entries=upto - before,
            entries_at=self.entries_at + before * ENTRY_BYTES,
            names_at=self.names_at + names_before,
            names_length=names_upto - names_before,
        )


def pack(entries: Sequence[Entry]) -> bytes:
    """The object of these entries, in whatever order they are given."""
    ordered = sorted(entries)
    named = [_NAME.pack(len(each.name), each.marks) + each.name for each in ordered]
    bits = Layout(len(ordered)).fence_bits
    return b"".join(
        (
            _HEADER.pack(_MAGIC, bits, len(ordered)),
            _fences(ordered, named, bits),
            *(each.hashes for each in ordered),
            *named,
        )
    )


def _fences(ordered: Sequence[Entry], named: Sequence[bytes], bits: int) -> bytes:
    shift, place, name_bytes = HASH_SPACE_BITS - bits, 0, 0
    found = []
    for fence in range(1 << bits):
        while place < len(ordered) and _place(ordered[place].hashes) >> shift < fence:
            name_bytes += len(named[place])
            place += 1
        found.append(_FENCE.pack(place, name_bytes))
    found.append(_FENCE.pack(len(ordered), sum(map(len, named))))
    return b"".join(found)


def within(hashes: bytes, span: Span) -> tuple[int, int]:
    """Which of these sorted entries lie in the span: the first, and the one after the last.

    Raises UnreadableDigestError for bytes that are not entries. (Were they not sorted, the
    partitions together would not count every entry once, which the verdict demands.)
    """
    if len(hashes) % ENTRY_BYTES:
        raise UnreadableDigestError(f"{len(hashes)} bytes are no whole entries")
    places = range(len(hashes) // ENTRY_BYTES)

    def place_of(entry: int) -> int:
        return int.from_bytes(hashes[entry * ENTRY_BYTES : entry * ENTRY_BYTES + 8], "big")

    first = bisect_left(places, span.first, key=place_of)
    return first, bisect_left(places, span.end, lo=first, key=place_of)


def pairs(hashes: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key hash and content hash of each entry."""
    return _ENTRIES.iter_unpack(hashes)


def names(packed: bytes) -> Iterator[tuple[int, bytes]]:
    """Marks and key of each entry; raises UnreadableDigestError where the bytes end too early."""
    at = 0
    while at < len(packed):
        if at + _NAME.size > len(packed):
            raise UnreadableDigestError("a name's length is cut off")
        length, marks = _NAME.unpack_from(packed, at)
        at += _NAME.size + length
        if at > len(packed):
            raise UnreadableDigestError("a name is cut off")
        yield marks, packed[at - length : at]


def count_in(header: bytes) -> int:
    """The number of entries that an object's first bytes tell."""
    if len(header) < _HEADER.size or header[:4] != _MAGIC:
        raise UnreadableDigestError("this is not a digest")
    _, bits, entries = _HEADER.unpack_from(header)
    if bits != Layout(entries).fence_bits:
        raise UnreadableDigestError("the header contradicts itself")
    return int(entries)


def _place(key_hash: bytes) -> int:
    return int.from_bytes(key_hash[:8], "big")
