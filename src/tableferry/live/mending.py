"""Mending dirty items: those with a record that sync could not apply.

One path with repair: read the source, compare, write on condition that the destination is as it was
seen, read again, until it stood still. An item that still can not be migrated stays dirty.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.aws.wire import WireClient
from tableferry.errors import ItemError
from tableferry.items import from_typed, key_of
from tableferry.live.values import Dirty
from tableferry.repair.repair_work import SingleItems
from tableferry.repair.repairing import Mender, RepairRules
from tableferry.segments.working import Worker
from tableferry.verification.content_comparing import Seen
from tableferry.verification.differences import Difference, Kind
from tableferry.verification.fingerprints import content_hash, key_hash
from tableferry.verification.rereading import BothItems


class DirtyLog(Protocol):
    """The ledger's dirty items (aws/sync_log.py)."""

    def dirty(self, run: str) -> Iterator[Dirty]: ...

    def clear_dirty(self, run: str, dirty: Dirty) -> None: ...


@dataclass(frozen=True, slots=True)
class MendTask:
    """Where dirty items are mended."""

    run: str
    log: DirtyLog
    table: str
    both: Callable[[Worker], BothItems]
    client: WireClient


@dataclass(slots=True)
class Mended:
    """What became of the dirty items."""

    mended: int = 0
    left: int = 0


def mend_dirty_items(worker: Worker, task: MendTask) -> Mended:
    """Mends every dirty item that can be migrated by now, under a lease of its own."""
    result = Mended()

    def work(_: Any) -> None:
        both = task.both(worker)
        items = SingleItems(both, task.client, worker.hook)
        rules = RepairRules(task.table, both.keys.primary, delete_extras=True)
        mender = Mender(items, rules)
        for dirty in list(task.log.dirty(task.run)):
            if _mend(dirty, both, items, mender):
                task.log.clear_dirty(task.run, dirty)
                result.mended += 1
            else:
                result.left += 1

    worker.hold(work)
    return result


def _mend(dirty: Dirty, both: BothItems, items: SingleItems, mender: Mender) -> bool:
    """Whether the item is equal now under every key that it is known to have been at."""
    try:
        found = list(both.source.read([dirty.source_key]))
        wanted = [new for item in found if (new := both.changed(item)) is not None]
    except ItemError:
        return False
    names = both.keys.primary
    keys = [*dirty.destination_keys, *(key_of(item, names) for item in wanted)]
    # Each key is mended, also after one that could not be.
    repairs = [mender.mend(each) for each in _differences(keys, dirty, items, names)]
    return all(repair.is_equal for repair in repairs)


def _differences(
    keys: Iterable[dict[str, Any]], dirty: Dirty, items: SingleItems, names: tuple[str, ...]
) -> Iterator[Difference]:
    """A difference for each key, as it stands there now: what is there was sync's."""
    for hashed, key in {key_hash(from_typed(key), names): key for key in keys}.items():
        difference = Difference(hashed, Kind.CANDIDATE, key, (dirty.source_key,), Seen(None, None))
        held = items.look(difference).held
        seen = Seen(None, content_hash(held) if held else None)
        yield difference.found(Kind.CANDIDATE, seen=seen)
