"""Copying one segment: read a page, transform it, write it, and only then move the checkpoint."""

import random
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from tableferry import canonical
from tableferry.aws.wire import WireClient
from tableferry.errors import CollisionError, ItemError
from tableferry.items import WireItem, key_of, shown, to_typed, typed
from tableferry.live.tombstones import objection
from tableferry.model import Counts
from tableferry.segments.inserting import Inserter
from tableferry.segments.overlapping import Pending
from tableferry.segments.working import HAND_BACK_ERRORS, Page, Scan, Worker
from tableferry.segments.writing import Entry, Refusal, Writer, Written, batches
from tableferry.transform import Transform

# Step Functions cuts an error's text at 32,768 characters [BC]; keys alone may have 3,072 bytes.
NAMED_ITEMS, NAMED_CHARACTERS = 50, 20_000

# Of a partition key and of a sort key [DDB:ServiceQuotas].
KEY_BYTES = (2048, 1024)

Write = Callable[[list[Entry]], Written]


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What DynamoDB demands of an item's key attributes in the destination.

    `primary` are the table's key attributes, `types` the type (S, N or B) of every key attribute
    of the table and its indexes: an index key may be absent, but not of another type and not
    empty.
    """

    primary: tuple[str, ...]
    types: dict[str, str]

    def problem(self, item: WireItem) -> str | None:
        """Why the destination would refuse the item's keys, None when it would not."""
        for name in self.primary:
            if name not in item:
                return f"the destination's key attribute {name!r} is not in the item"
        for name, kind in self.types.items():
            if name not in item:
                continue
            ((found, content),) = typed(item[name]).items()
            if found != kind:
                return f"key attribute {name!r} must be of type {kind}, it is {found}"
            if content == "":
                return f"key attribute {name!r} is empty, which no key may be"
            # A character takes four bytes at most, so hardly any key needs to be measured.
            if len(content) > min(KEY_BYTES) // 4:
                too_long = self._too_long(name, kind, content)
                if too_long is not None:
                    return too_long
        return None

    def _too_long(self, name: str, kind: str, content: str) -> str | None:
        """The table would refuse the deletion of such a key too, and so hold sync up for ever."""
        if kind == "N" or name not in self.primary:
            return None
        most = KEY_BYTES[self.primary.index(name)]
        size = len(content) * 3 // 4 if kind == "B" else len(content.encode())
        return f"key attribute {name!r} is longer than {most} bytes" if size > most else None


class Quarantine(Protocol):
    """Where what is told of a page's items goes; a repeated page replaces its own."""

    def store(self, page_number: int, entries: list[dict[str, Any]]) -> None: ...


@dataclass(frozen=True, slots=True)
class CopyRules:
    """How this run copies; `kept` is where it notes what it skipped because another item was
    there, for verification to know it (marks.py).
    """

    transform: Transform
    source_key: tuple[str, ...]
    destination: KeyRules
    keep: bool
    quarantine: Quarantine | None
    live: bool = False
    kept: Quarantine | None = None


@dataclass(slots=True)
class _Transformed:
    entries: list[Entry] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    filtered: int = 0


def copy_segment(
    worker: Worker, rules: CopyRules, source: Scan, *, destination: WireClient, table: str
) -> bool:
    """Copies the worker's segment; True when it is done, False when time was up.

    Raises ItemError with all bad items of the page, CollisionError with both source keys,
    StalledError.
    """

    write: Write | None = None

    def handle(page: Page) -> Pending:
        nonlocal write
        if write is None:
            writer = Writer(destination, table, rules.destination.primary, worker.retrier)
            write = _write_of(rules, writer)
        return _copy_page(worker, rules, write, page)

    return worker.run(source, handle)


def _write_of(rules: CopyRules, writer: Writer) -> Write:
    """Live never looks at what is there: sync put it, and it is newer, or a tombstone."""
    if rules.live:
        return Inserter(writer).insert_only
    return Inserter(writer).insert if rules.keep else writer.put


def _copy_page(worker: Worker, rules: CopyRules, write: Write, page: Page) -> Pending:
    """Begins to write the page's items; what can not be migrated is known before or at its end."""
    changed = transform_page(rules, page.items)
    _refuse_collisions(rules, changed.entries)
    if rules.quarantine is None:
        fail_on(changed.refused, page.number)
    # Scan order is key order within a partition, so writing in it makes rolling hot partitions.
    random.shuffle(changed.entries)
    futures = [worker.pool.submit(write, each) for each in batches(changed.entries)]
    return Pending(futures, lambda: _finish_page(worker, rules, page, changed, futures=futures))


def _finish_page(
    worker: Worker,
    rules: CopyRules,
    page: Page,
    changed: "_Transformed",
    *,
    futures: list["Future[Written]"],
) -> Counts:
    """Waits until the page is durable, and says what became of its items."""
    written = _gather(worker, futures)
    refused = changed.refused + written.refused
    if rules.quarantine is None:
        fail_on(refused, page.number)
    elif refused:
        rules.quarantine.store(page.number, [_quarantined(each) for each in refused])
    if rules.kept is not None and written.kept:
        rules.kept.store(page.number, [{"sourceKey": key} for key in written.kept])
    counts = written.to_counts()
    counts.read = page.count
    counts.filtered = changed.filtered
    counts.quarantined = len(refused)
    return counts


def transform_page(rules: CopyRules, items: Iterable[WireItem]) -> "_Transformed":
    """The new items of a page, those that can not be migrated, and how many the filter dropped."""
    result = _Transformed()
    for item in items:
        source_key = key_of(item, rules.source_key)
        marked = objection(item) if rules.live else None
        if marked is not None:
            result.refused.append(Refusal(Entry(source_key, item), marked))
            continue
        try:
            new = rules.transform.apply(item)
        except ItemError as error:
            result.refused.append(Refusal(Entry(source_key, item), error.cause))
            continue
        if new is None:
            result.filtered += 1
            continue
        entry = Entry(source_key, new)
        problem = rules.destination.problem(new) or (objection(new) if rules.live else None)
        if problem is None:
            result.entries.append(entry)
        else:
            result.refused.append(Refusal(entry, problem))
    return result


def _refuse_collisions(rules: CopyRules, entries: Sequence[Entry]) -> None:
    if rules.transform.is_identity and rules.source_key == rules.destination.primary:
        return  # the source holds no key twice
    seen: dict[bytes, Entry] = {}
    for entry in entries:
        key = canonical.key_bytes(entry.item, rules.destination.primary)
        other = seen.setdefault(key, entry)
        if other is not entry:
            target = key_of(entry.item, rules.destination.primary)
            raise CollisionError(
                f"the source items {shown(other.source_key)} and {shown(entry.source_key)} both "
                f"map to the destination key {shown(target)}",
                hint="change the transform so that destination keys differ, empty the "
                "destination, and start with a new migrationId",
            )


def fail_on(refused: Sequence[Refusal], page_number: int) -> None:
    """Raises ItemError with all of a page's items that can not be migrated, if there are any."""
    if not refused:
        return
    named: list[str] = []
    for each in refused[:NAMED_ITEMS]:
        named.append(f"{shown(each.entry.source_key)}: {each.reason}")
        if sum(map(len, named)) > NAMED_CHARACTERS:
            break
    noun = "item" if len(refused) == 1 else "items"
    more = f" (and {len(refused) - len(named)} more)" if len(refused) > len(named) else ""
    raise ItemError(
        f"{len(refused)} {noun} of page {page_number} can not be migrated: "
        f"{'; '.join(named)}{more}",
        hint="mend the items (or the transform module's cause) and redrive, or start again with "
        '"onItemError": "quarantine"',
    )


def _quarantined(refusal: Refusal) -> dict[str, Any]:
    return {
        "sourceKey": refusal.entry.source_key,
        "reason": refusal.reason,
        "item": to_typed(refusal.entry.item),
    }


def _gather(worker: Worker, futures: list["Future[Written]"]) -> Written:
    """Waits for every batch; after a failure the others end soon, and then it is raised.

    An error of the work goes before the time that was up elsewhere, also because of it.
    """
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    if any(future.exception() for future in done):
        worker.end_soon()
    for future in futures:
        future.cancel()
    errors = [future.exception() for future in futures if not future.cancelled()]
    raised = [error for error in errors if error is not None]
    for error in sorted(raised, key=lambda error: isinstance(error, HAND_BACK_ERRORS)):
        raise error
    result = Written()
    for future in futures:
        result.add(future.result())
    worker.hook("batches written", written=result.written)
    return result
