"""Mending dirty items: those with a record that sync could not apply.

One path with repair: read the source, compare, write on condition that the destination is as it was
seen, read again, until it stood still. An item that still can not be migrated stays dirty, and so
does one that was marked again meanwhile.

One mender at a time: an older one that is believed dead would write after a newer one had marked an
item clean. Each takes its lease and then looks for others, so of two at least one sees the other.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.aws.wire import WireClient
from tableferry.errors import ItemError
from tableferry.items import from_typed, key_of
from tableferry.live.applying import target_of
from tableferry.live.values import Dirty
from tableferry.model import Work
from tableferry.repair.repair_work import SingleItems
from tableferry.repair.repairing import Mender, RepairRules
from tableferry.runs.closing import LeaseLog, Settled, settle
from tableferry.segments.working import Worker
from tableferry.verification.content_comparing import Seen
from tableferry.verification.differences import Difference, Kind
from tableferry.verification.fingerprints import content_hash, key_hash
from tableferry.verification.rereading import BothItems

# How often an item is looked at that sync writes to meanwhile, or that is marked again.
ROUNDS = 5


class DirtyLog(Protocol):
    """The ledger's dirty items (aws/sync_log.py)."""

    def dirty(self, run: str) -> Iterator[Dirty]: ...

    def add_dirty_keys(self, run: str, dirty: Dirty) -> None: ...

    def clear_dirty(self, run: str, dirty: Dirty) -> bool: ...


@dataclass(frozen=True, slots=True)
class MendTask:
    """Where dirty items are mended."""

    run: str
    log: DirtyLog
    leases: LeaseLog
    margin_seconds: float
    table: str
    both: Callable[[Worker], BothItems]
    client: WireClient


@dataclass(slots=True)
class Mended:
    """What became of the dirty items, and whether all were looked at; else, when to go on."""

    mended: int = 0
    left: int = 0
    settled: Settled = field(default_factory=lambda: Settled(False, 1, 0))

    def to_json(self) -> dict[str, Any]:
        return {**self.settled.to_json(), "mended": self.mended, "left": self.left}


def mend_dirty_items(worker: Worker, task: MendTask) -> Mended:
    """Mends every dirty item that can be migrated by now, under a lease that is the only one.

    Not done while another mender's lease lasts, or one of our own that ended with a write whose
    answer is missing; nor when time was up.
    """
    result = Mended()

    def work(_: Any) -> None:
        alone = _others_over(worker, task)
        if not alone.done:
            result.settled = alone
            return
        bench = _Bench.of(worker, task)
        for _round in range(ROUNDS):
            pending = list(task.log.dirty(task.run))
            result.mended += sum([bench.mend(dirty) for dirty in pending])
            result.left = sum(1 for _ in task.log.dirty(task.run))
            if not result.left or bench.is_answer_missing:
                break
        if not bench.is_answer_missing:
            result.settled = Settled(True, 0, 0)

    worker.hold(work)
    return result


def _others_over(worker: Worker, task: MendTask) -> Settled:
    others = [
        lease
        for lease in task.leases.leases(task.run)
        if lease.work is Work.MEND and lease.holder != worker.holder
    ]
    return settle(others, task.leases.release, task.margin_seconds, worker.now)


@dataclass(frozen=True, slots=True)
class _Bench:
    """What one mender works with."""

    task: MendTask
    worker: Worker
    both: BothItems
    items: SingleItems
    mender: Mender

    @classmethod
    def of(cls, worker: Worker, task: MendTask) -> "_Bench":
        # What can not be migrated is to be heard of, also where the spec sets it aside.
        both = replace(task.both(worker), lenient=False)
        items = SingleItems(both, task.client, worker.hook)
        rules = RepairRules(task.table, both.keys.primary, delete_extras=True)
        return cls(task, worker, both, items, Mender(items, rules))

    @property
    def is_answer_missing(self) -> bool:
        """A write may still arrive, after whatever would be vouched for now."""
        return self.worker.retrier.progress.is_answer_missing

    def mend(self, dirty: Dirty) -> bool:
        """Whether the item is equal now under every key that it is known to have been at, and not
        dirty any more.
        """
        if self.is_answer_missing:
            return False
        try:
            keys = self._keys(dirty)
            # Each key is mended, also after one that could not be.
            repairs = [self.mender.mend(each) for each in self._differences(keys, dirty)]
        except (ItemError, ConditionFailedError):
            return False
        is_equal = all(repair.is_equal for repair in repairs) and not self.is_answer_missing
        self.worker.hook("item mended", key=dirty.source_key, is_equal=is_equal)
        return is_equal and self.task.log.clear_dirty(self.task.run, dirty)

    def _keys(self, dirty: Dirty) -> list[dict[str, Any]]:
        """The keys to be mended, all of them in the mark before anything is written there: when the
        item moves on meanwhile, somebody must look at them again.
        """
        keys = list(dirty.destination_keys)
        for item in self.both.source.read([dirty.source_key]):
            target = target_of(item, self.both.transform, self.both.keys)
            if target.reason is not None:
                raise ItemError(target.reason)
            if target.item is not None:
                keys.append(key_of(target.item, self.both.keys.primary))
        if keys:
            named = replace(dirty, destination_keys=tuple(keys))
            self.task.log.add_dirty_keys(self.task.run, named)
        return keys

    def _differences(self, keys: Iterable[dict[str, Any]], dirty: Dirty) -> Iterator[Difference]:
        """A difference for each key, as it stands there now: what is there was sync's."""
        names = self.both.keys.primary
        for hashed, key in {key_hash(from_typed(key), names): key for key in keys}.items():
            difference = Difference(
                hashed, Kind.CANDIDATE, key, (dirty.source_key,), Seen(None, None)
            )
            held = self.items.look(difference).held
            seen = Seen(None, content_hash(held) if held else None)
            yield difference.found(Kind.CANDIDATE, seen=seen)
