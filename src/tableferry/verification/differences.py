"""What differs between two tables, one line of JSON each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tableferry.verification.content_comparing import Seen

# So many source keys of one collision are named; a transform that maps all to one key has no end.
NAMED_SOURCE_KEYS = 100


class Kind(StrEnum):
    """What is wrong with a key of the destination; `candidate` was found in the digests alone."""

    CANDIDATE = "candidate"
    MISSING = "missing"
    EXTRA = "extra"
    DIFFERENT = "different"
    UNDECIDED = "undecided"
    COLLISION = "collision"


@dataclass(frozen=True, slots=True)
class Difference:
    """One key of the destination, named by its hash; keys are DynamoDB JSON.

    `key` is None while only the source has told of it. `seen` is what stood there when it was
    last looked at. `newer` says that the source's item was written after it was digested,
    `marks` what the copy did with it (digest_format.py), `searched` that the whole source was
    looked through for an item that maps to this key. `unnamed` source items more map to it than
    are named: nobody can read those by key again, only both tables anew. `counted` are the items
    of source and destination that the totals hold for this key.
    """

    key_hash: bytes
    kind: Kind
    key: Mapping[str, Any] | None
    source_keys: tuple[Mapping[str, Any], ...]
    seen: Seen
    marks: int = 0
    newer: bool = False
    searched: bool = False
    unnamed: int = 0
    counted: tuple[int, int] = (0, 0)

    def found(self, kind: Kind, **changes: Any) -> "Difference":
        return replace(self, kind=kind, **changes)

    def public(self) -> dict[str, Any]:
        """As the outcome's sample prints it."""
        shown = {"kind": str(self.kind), "key": self.key, "sourceKeys": list(self.source_keys)}
        return {**shown, "newer": True} if self.newer else shown

    def to_json(self) -> dict[str, Any]:
        return {
            **self.public(),
            "newer": self.newer,
            "hash": self.key_hash.hex(),
            "sourceContent": _hex(self.seen.source),
            "destinationContent": _hex(self.seen.destination),
            "marks": self.marks,
            "searched": self.searched,
            "unnamed": self.unnamed,
            "counted": self.counted,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Difference":
        return cls(
            key_hash=bytes.fromhex(document["hash"]),
            kind=Kind(document["kind"]),
            key=document["key"],
            source_keys=tuple(document["sourceKeys"]),
            seen=Seen(_unhex(document["sourceContent"]), _unhex(document["destinationContent"])),
            marks=document["marks"],
            newer=document["newer"],
            searched=document["searched"],
            unnamed=document["unnamed"],
            counted=tuple(document["counted"]),
        )


def to_lines(differences: Sequence[Difference]) -> bytes:
    """JSON Lines, each ended."""
    lines = (json.dumps(each.to_json(), ensure_ascii=False) for each in differences)
    return "".join(f"{line}\n" for line in lines).encode()


def from_lines(lines: bytes) -> list[Difference]:
    return [Difference.from_json(json.loads(line)) for line in lines.splitlines()]


def _hex(content: bytes | None) -> str | None:
    return None if content is None else content.hex()


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)
