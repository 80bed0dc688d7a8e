"""Reading one segment of either table once, and keeping two hashes of each item.

Pages are gathered into objects of the artifacts bucket (digest_format.py), and a checkpoint
follows the object that holds its pages. A worker that ends early, for whatever reason, writes what
it has; one that is killed repeats a group of pages at most. An object's name carries its writer's,
so nobody writes over what a checkpoint vouches for.

A worker holds one group: GROUP_ENTRIES at some 250 bytes each with keys of usual length, bounded
by GROUP_BYTES for long ones; beside it three pages of 1 MB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

from tableferry import canonical
from tableferry.errors import TableferryError
from tableferry.items import WireItem, encode, from_typed
from tableferry.model import Counts, SegmentRecord
from tableferry.segments.copying import CopyRules, fail_on, transform_page
from tableferry.segments.working import HAND_BACK_ERRORS, Page, Scan, Worker
from tableferry.verification.digest_format import ENTRY_BYTES, Entry, pack
from tableferry.verification.fingerprints import fingerprint

GROUP_ENTRIES = 131_072
GROUP_BYTES = 24_000_000
# 64 MB of table, some seconds of reading. Of a large table four times that: a comparison makes
# requests by the number of objects times the number of partitions.
GROUP_PAGES = 64
LARGE_CUT, LARGE_GROUP_PAGES = 1_000, 256


class DigestFolder(Protocol):
    """Where one segment's objects go."""

    def put(self, name: str, body: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class DigestRules:
    """What is digested: `copy` says what the source's items become, None stands for the
    destination's, which count as they are. `marks` says by the canonical bytes of its key what
    the copy did with an item (digest_format.py).
    """

    key_names: tuple[str, ...]
    copy: CopyRules | None = None
    lenient: bool = False
    marks: Mapping[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """When a group of pages is written."""

    entries: int = GROUP_ENTRIES
    bytes: int = GROUP_BYTES
    pages: int = GROUP_PAGES

    @classmethod
    def of(cls, segments: int) -> "GroupLimits":
        """Those for a table that is cut into so many segments."""
        return cls(pages=LARGE_GROUP_PAGES if segments >= LARGE_CUT else GROUP_PAGES)


@dataclass(slots=True)
class _Group:
    entries: list[Entry] = field(default_factory=list)
    bytes: int = 0
    pages: int = 0
    units: float = 0.0
    end: dict[str, Any] | None = None
    counts: Counts = field(default_factory=Counts)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.bytes += ENTRY_BYTES + len(entry.name)

    def take(self, page: Page) -> None:
        self.pages += 1
        self.units += page.units
        self.end = page.last_key
        self.counts.read += page.count

    def is_full(self, limits: GroupLimits) -> bool:
        return (
            len(self.entries) >= limits.entries
            or self.bytes >= limits.bytes
            or self.pages >= limits.pages
        )


@dataclass(slots=True)
class _Digester:
    worker: Worker
    rules: DigestRules
    folder: DigestFolder
    limits: GroupLimits
    record: SegmentRecord
    group: _Group = field(default_factory=_Group)

    def handle(self, page: Page) -> Counts | None:
        self._digest(page)
        if page.last_key is not None and not self.group.is_full(self.limits):
            return None
        return self._written()

    def save(self) -> None:
        """Makes durable what was read so far, for whoever goes on from here."""
        group = self.group
        if group.pages:
            counts = self._written()
            counts.read_units = group.units
            self.record.pages += group.pages
            self.record.last_key = group.end
            self.worker.checkpoint(self.record, counts, seconds=0.0)

    def _digest(self, page: Page) -> None:
        if self.rules.copy is None:
            for item in page.items:
                self._add(encode({name: item[name] for name in self.rules.key_names}), item)
        else:
            self._digest_changed(page, self.rules.copy)
        self.group.take(page)

    def _digest_changed(self, page: Page, rules: CopyRules) -> None:
        changed = transform_page(rules, page.items)
        if not self.rules.lenient:
            fail_on(changed.refused, page.number)
        self.group.counts.filtered += changed.filtered
        self.group.counts.quarantined += len(changed.refused)
        for entry in changed.entries:
            self._add(encode(entry.source_key), entry.item, self._marks(entry.source_key))

    def _marks(self, source_key: dict[str, object]) -> int:
        if not self.rules.marks:
            return 0
        key = canonical.key_bytes(from_typed(source_key), self.rules.key_names)
        return self.rules.marks.get(key, 0)

    def _add(self, name: bytes, item: WireItem, marks: int = 0) -> None:
        keys = self.rules.copy.destination.primary if self.rules.copy else self.rules.key_names
        self.group.add(Entry(fingerprint(item, keys), name, marks))

    def _written(self) -> Counts:
        """Writes the group; its name goes into the record, which the checkpoint makes durable."""
        group, self.group = self.group, _Group()
        counts = group.counts
        counts.counted = len(group.entries)
        if group.entries:
            name = object_name(len(self.record.objects), self.worker.holder, len(group.entries))
            self.folder.put(name, pack(group.entries))
            self.record.objects.append(name)
            self.worker.hook("digest written", name=name)
        return counts


def object_name(number: int, holder: str, entries: int) -> str:
    """An object's name: its place in the segment, who wrote it, and how many entries it holds."""
    writer = blake2b(holder.encode(), digest_size=4).hexdigest()
    return f"{number:05d}-{writer}-{entries}"


def entries_in(name: str) -> int:
    """How many entries the object of that name holds."""
    return int(name.rpartition("-")[2])


def digest_segment(
    worker: Worker,
    scan: Scan,
    rules: DigestRules,
    folder: DigestFolder,
    *,
    limits: GroupLimits | None = None,
) -> bool:
    """Digests the worker's segment; True when it is done, False when time was up.

    Raises ItemError with the items of a page that can not be migrated, unless they are allowed.
    """

    def work(record: SegmentRecord) -> None:
        bounds = limits or GroupLimits.of(worker.task.segments)
        digester = _Digester(worker, rules, folder, bounds, record)
        try:
            worker.read_pages(scan, digester.handle, record)
        except (TableferryError, *HAND_BACK_ERRORS):
            digester.save()
            raise

    return worker.hold(work)
