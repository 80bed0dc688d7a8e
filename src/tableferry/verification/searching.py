"""Looking the whole source through for items that map to extra keys, in one more scan.

Where a destination item does not tell its source key, only this shows whether a source item came
after the source was digested and was synchronised since, so that the extra item is none.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tableferry.model import Counts, SegmentRecord
from tableferry.segments.copying import CopyRules, fail_on, transform_page
from tableferry.segments.working import Page, Scan, Worker
from tableferry.verification.differences import NAMED_SOURCE_KEYS, Difference, Kind
from tableferry.verification.digest_format import KEY_HASH_BYTES
from tableferry.verification.digesting import DigestFolder, object_name
from tableferry.verification.fingerprints import key_hash

# So many keys are looked for in one scan: a worker holds them, at some 100 bytes each. More make
# another scan.
MOST_KEYS = 1_000_000


def untold(differences: Iterable[Difference]) -> Iterator[bytes]:
    """The keys of extra items whose source key nothing told, and nobody looked for yet."""
    for each in differences:
        if each.kind is Kind.EXTRA and not each.source_keys and not each.searched:
            yield each.key_hash


def wanted_bytes(differences: Iterable[Difference]) -> bytes:
    """The keys that one scan looks for."""
    return b"".join(found for _, found in zip(range(MOST_KEYS), untold(differences), strict=False))


def wanted_keys(packed: bytes) -> frozenset[bytes]:
    return frozenset(
        packed[at : at + KEY_HASH_BYTES] for at in range(0, len(packed), KEY_HASH_BYTES)
    )


def search_segment(
    worker: Worker,
    scan: Scan,
    rules: CopyRules,
    *,
    wanted: Collection[bytes],
    folder: DigestFolder,
    lenient: bool,
) -> bool:
    """Searches the worker's segment; its record's objects hold what was found, a page each."""

    def work(record: SegmentRecord) -> None:
        def handle(page: Page) -> Counts:
            changed = transform_page(rules, page.items)
            if not lenient:
                fail_on(changed.refused, page.number)
            lines = []
            for entry in changed.entries:
                found = key_hash(entry.item, rules.destination.primary)
                if found in wanted:
                    lines.append(json.dumps({"hash": found.hex(), "sourceKey": entry.source_key}))
            if lines:
                name = object_name(len(record.objects), worker.holder, len(lines))
                folder.put(name, "\n".join(lines).encode())
                record.objects.append(name)
            return Counts(read=page.count, counted=len(lines))

        worker.read_pages(scan, handle, record)

    return worker.hold(work)


@dataclass(frozen=True, slots=True)
class Searched:
    """What one search looked for, the source keys that it found, and how many more."""

    wanted: frozenset[bytes] = frozenset()
    found: Mapping[bytes, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    unnamed: Mapping[bytes, int] = field(default_factory=dict)

    @classmethod
    def of(cls, packed: bytes, parts: Iterable[bytes]) -> "Searched":
        found: dict[bytes, list[Mapping[str, Any]]] = {}
        unnamed: Counter[bytes] = Counter()
        for part in parts:
            for line in part.splitlines():
                document = json.loads(line)
                key = bytes.fromhex(document["hash"])
                keys = found.setdefault(key, [])
                if len(keys) < NAMED_SOURCE_KEYS:
                    keys.append(document["sourceKey"])
                else:
                    unnamed[key] += 1
        return cls(wanted_keys(packed), found, unnamed)

    def told(self, difference: Difference) -> Difference:
        """The difference with what the search says about it."""
        if difference.key_hash not in self.wanted:
            return difference
        keys = tuple(self.found.get(difference.key_hash, ()))
        return replace(
            difference,
            source_keys=keys or difference.source_keys,
            searched=True,
            unnamed=self.unnamed.get(difference.key_hash, 0),
        )
