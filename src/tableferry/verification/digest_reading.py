"""Reading parts of digest objects: the entries of one span, and the names of what differs."""

import json
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.verification.digest_format import (
    ENTRY_BYTES,
    KEY_HASH_BYTES,
    Layout,
    Part,
    Span,
    UnreadableDigestError,
    names,
    pairs,
    within,
)


class Objects(Protocol):
    """Objects of the artifacts bucket by key. Reading raises MissingObjectError where an object, or
    a part of it, is not there (aws/objects.py).
    """

    def put(self, key: str, body: bytes) -> None: ...

    def get(self, key: str) -> bytes: ...

    def get_range(self, key: str, start: int, length: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class DigestObject:
    """A digest object by its key, and how many entries it holds."""

    key: str
    entries: int


@dataclass(frozen=True, slots=True)
class Block:
    """A span's entries in one object; `first` is the number of the first of them there."""

    object: DigestObject
    first: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Name:
    """What an entry is called: its own key, and what the copy did with it (digest_format.py)."""

    key_hash: bytes
    key: dict[str, Any]
    marks: int


@dataclass(frozen=True, slots=True)
class DigestReader:
    """Reads digest objects, many at once; two requests for a span of one object."""

    objects: Objects
    pool: Executor

    def blocks(self, objects: Sequence[DigestObject], span: Span) -> list[Block]:
        """The span's entries, of every object."""
        return list(self.pool.map(lambda each: self._block(each, span), objects))

    def _block(self, found: DigestObject, span: Span) -> Block:
        part = self._part(found, span)
        if part.entries == 0:
            return Block(found, part.first, b"")
        hashes = self.objects.get_range(found.key, part.entries_at, part.entries_length)
        first, end = within(hashes, span)
        return Block(found, part.first + first, hashes[first * ENTRY_BYTES : end * ENTRY_BYTES])

    def _part(self, found: DigestObject, span: Span) -> Part:
        layout = Layout(found.entries)
        return layout.part(self.objects.get_range(found.key, *layout.fences(span)))

    def names(self, blocks: Sequence[Block], key_hashes: Sequence[bytes]) -> Iterator[Name]:
        """The names of these entries (sorted) in all blocks, one request for each block that has
        any; one key hash may have several.
        """
        span = Span.around(key_hashes[0], key_hashes[-1])
        wanted = frozenset(key_hashes)
        for found in self.pool.map(lambda each: self._names(each, span, wanted), blocks):
            yield from found

    def _names(self, block: Block, span: Span, wanted: Collection[bytes]) -> list[Name]:
        first, end = within(block.hashes, span)
        nearby = pairs(block.hashes[first * ENTRY_BYTES : end * ENTRY_BYTES])
        hits = {
            block.first + first + place: key_hash
            for place, (key_hash, _) in enumerate(nearby)
            if key_hash in wanted
        }
        if not hits:
            return []
        part = self._part(block.object, Span.around(*_ends(block, hits)))
        packed = self.objects.get_range(block.object.key, part.names_at, part.names_length)
        named = {
            number: Name(hits[number], _key(key), marks)
            for number, (marks, key) in enumerate(names(packed), part.first)
            if number in hits
        }
        if named.keys() != hits.keys():
            raise UnreadableDigestError(f"{block.object.key} lacks names of its entries")
        return list(named.values())


def _key(name: bytes) -> dict[str, Any]:
    try:
        key: dict[str, Any] = json.loads(name)
    except ValueError as error:
        raise UnreadableDigestError(f"{name[:100]!r} names no item") from error
    return key


def _ends(block: Block, numbers: Collection[int]) -> tuple[bytes, bytes]:
    """Key hashes of the lowest and the highest of these entries."""

    def key_hash(number: int) -> bytes:
        at = (number - block.first) * ENTRY_BYTES
        return block.hashes[at : at + KEY_HASH_BYTES]

    return key_hash(min(numbers)), key_hash(max(numbers))
