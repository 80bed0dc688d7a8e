"""Applying one batch of stream records to the destination.

A batch is applied under a lease of its own, named by its first sequence number: when Lambda hands
a batch over again because it believes the invocation dead, the next one waits until the lease is
over, for a write that is still in flight would put an older item over a newer one. For the same
reason a batch is not finished while one of its writes has no answer: it is handed over again when
that write can not arrive any more. Batches are applied whole: what is written is the last state of
every key (applying.py), so applying a batch twice, or a part of it and then all, leaves the same
destination. But once it is finished a batch stays finished: an invocation that begins late, while
its batch was handed over again and the next ones too, would put old items over new ones. Batches
may come again cut in another way, so what is left of a finished one is remembered too.
"""

import random
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from tableferry.aws.retrying import Progress, Retrier
from tableferry.aws.wire import WireClient
from tableferry.deadline import Deadline
from tableferry.errors import RequestRefusedError
from tableferry.items import WireItem, key_of, to_typed
from tableferry.live.applying import Poison, Settlement, settle
from tableferry.live.changes import Change
from tableferry.live.tombstones import is_tombstone, tombstone
from tableferry.live.values import Dirty, SyncLease
from tableferry.model import Control
from tableferry.segments.copying import KeyRules
from tableferry.segments.working import HAND_BACK_ERRORS, WRITE_THREADS, Hook, no_hook
from tableferry.segments.writing import BATCH_ITEMS, Entry, Refusal, Writer, Written, batches
from tableferry.transform import Transform
from tableferry.verification.fingerprints import key_hash

# A batch that can not be applied is handed back this soon, so that Lambda tries it again.
STALL_SECONDS = 600.0


class SyncLog(Protocol):
    """The ledger, as far as sync needs it."""

    def take_sync_lease(self, control: Control, lease: SyncLease, margin_seconds: float) -> None:
        """Raises LeaseHeldError while a predecessor's lease is not over, or the phase changed."""
        ...

    def release_sync_lease(self, lease: SyncLease) -> None: ...

    def mark_dirty(self, run: str, dirty: Sequence[Dirty]) -> None: ...

    def watched(self, run: str) -> set[bytes]: ...

    def touch(self, run: str, key_hashes: Collection[bytes]) -> None: ...

    def cut_sync_lease(self, lease: SyncLease) -> None:
        """Ends the lease now; it is over when the margin has passed."""
        ...

    def finish(self, lease: SyncLease, numbers: Sequence[str], lag: float) -> bool:
        """Releases the lease and marks these records as applied; False when another has it."""
        ...

    def finished_from(self, run: str, mapping: str, first: str) -> Sequence[str]:
        """The records of the finished batch that begins there; empty where none does."""
        ...

    def keep_finished(self, run: str, mapping: str, numbers: Sequence[str]) -> None:
        """Makes the end of a finished batch a finished batch too."""
        ...


class Quarantine(Protocol):
    """Where the images of records go that can never be applied."""

    def store_records(self, name: str, entries: list[dict[str, Any]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Destination:
    """Where changes go."""

    client: WireClient
    table: str
    rules: KeyRules
    transform: Transform


@dataclass(slots=True)
class Applied:
    """What became of a batch."""

    changes: int = 0
    written: int = 0
    emptied: int = 0
    poison: int = 0
    write_units: float = 0.0


@dataclass(slots=True)
class Sync:
    """One invocation of the sync function for a batch of `mapping`. `holder` names it, uniquely."""

    holder: str
    mapping: str
    log: SyncLog
    quarantine: Quarantine
    deadline: Deadline
    margin_seconds: float
    look: Callable[[], None]
    hook: Hook = no_hook
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    retrier: Retrier = field(init=False)

    def apply(
        self, control: Control, changes: Sequence[Change], destination: Destination
    ) -> Applied | None:
        """Applies a whole batch; None when it is to be handed over again, from its first record.

        `control` must have been read for this batch: the lease is granted only while its phase
        holds.
        """
        changes = self._unfinished(control.run, changes)
        if not changes:
            return Applied()
        lease = SyncLease(
            run=control.run,
            name=changes[0].sequence_number,
            holder=self.holder,
            phase=control.phase,
            deadline=self.deadline.lease_ends_at,
            mapping=self.mapping,
        )
        self.retrier = Retrier(
            self.deadline, Progress(STALL_SECONDS, self.now(), self.now), self.look, self.sleep
        )
        self.log.take_sync_lease(control, lease, self.margin_seconds)
        self.hook("sync lease taken", first=lease.name)
        try:
            applied = self._apply(control, changes, destination)
            self.hook("record applied", last=changes[-1].sequence_number)
            return applied if self._finish(lease, changes) else None
        except BaseException as error:
            self._give_back(lease)
            if isinstance(error, HAND_BACK_ERRORS):
                return None
            raise

    def _unfinished(self, run: str, changes: Sequence[Change]) -> Sequence[Change]:
        """What is left of a batch without the batches that were finished already.

        Where a finished batch goes beyond this one, the next delivery begins in its middle: what
        it has left from there on is remembered before this one is answered.
        """
        while changes:
            finished = self.log.finished_from(run, self.mapping, changes[0].sequence_number)
            if not finished:
                break
            last = int(changes[-1].sequence_number)
            beyond = [number for number in finished if int(number) > last]
            if beyond:
                self.log.keep_finished(run, self.mapping, beyond)
                return []
            end = int(finished[-1])
            changes = [each for each in changes if int(each.sequence_number) > end]
        return changes

    def _finish(self, lease: SyncLease, changes: Sequence[Change]) -> bool:
        if self.retrier.progress.is_answer_missing:
            self._give_back(lease)
            return False
        lag = max(0.0, self.now() - changes[-1].created_at)
        return self.log.finish(lease, [each.sequence_number for each in changes], lag)

    def _give_back(self, lease: SyncLease) -> None:
        """Every thread is joined, so nothing is under way but requests without an answer."""
        if self.retrier.progress.is_answer_missing:
            self.log.cut_sync_lease(lease)
        else:
            self.log.release_sync_lease(lease)

    def _apply(
        self, control: Control, changes: Sequence[Change], destination: Destination
    ) -> Applied:
        settled = settle(changes, destination.transform, destination.rules)
        self._touch(control.run, settled, destination)
        self.hook("records settled", count=len(changes))
        leaves_tombstones = control.phase.leaves_tombstones
        writer = Writer(
            destination.client, destination.table, destination.rules.primary, self.retrier
        )
        with ThreadPoolExecutor(WRITE_THREADS) as pool:
            done = self._write(pool, writer, settled, leaves_tombstones)
            refused = [
                self._poison_of(each, settled, writer.key_names) for each in _items_of(done.refused)
            ]
            if refused:
                # The older item must not stay under the key of one that can not be written.
                emptied = [each.entry.item for each in _items_of(done.refused)]
                nothing = Settlement(
                    nothing={b"%d" % place: item for place, item in enumerate(emptied)}
                )
                done.add(self._write(pool, writer, nothing, leaves_tombstones))
        poison = settled.poison + refused
        if poison:
            self._set_aside(control.run, changes[0].sequence_number, poison)
        return Applied(
            changes=len(changes),
            written=len(settled.items) - len(refused),
            emptied=len(settled.nothing) + len(refused),
            poison=len(poison),
            write_units=done.write_units,
        )

    def _touch(self, run: str, settled: Settlement, destination: Destination) -> None:
        """Tells verification which of its candidates are about to change, before they do."""
        watched = self.log.watched(run)
        if not watched:
            return
        items = [item for _, item in settled.items.values()]
        names = destination.rules.primary
        busy = {key_hash(item, names) for item in (*items, *settled.nothing.values())}
        self.log.touch(run, busy & watched)

    def _write(
        self, pool: ThreadPoolExecutor, writer: Writer, settled: Settlement, leaves_tombstones: bool
    ) -> Written:
        entries = [Entry(change.key, item) for change, item in settled.items.values()]
        gone = list(settled.nothing.values())
        deletions: list[list[WireItem]] = []
        if leaves_tombstones:
            entries += [Entry({}, tombstone(key, writer.key_names)) for key in gone]
        else:
            keys = [{name: key[name] for name in writer.key_names} for key in gone]
            deletions = [
                keys[start : start + BATCH_ITEMS] for start in range(0, len(keys), BATCH_ITEMS)
            ]
        random.shuffle(entries)
        futures = [pool.submit(writer.put, batch) for batch in batches(entries)]
        futures += [pool.submit(writer.delete, batch) for batch in deletions]
        result = Written()
        for future in futures:
            result.add(future.result())
        return result

    def _poison_of(self, refusal: Refusal, settled: Settlement, key_names: Sequence[str]) -> Poison:
        entry = refusal.entry
        change = next(change for change, item in settled.items.values() if item is entry.item)
        return Poison(change, refusal.reason, (key_of(entry.item, key_names),))

    def _set_aside(self, run: str, name: str, poison: Sequence[Poison]) -> None:
        """Quarantine first, then the dirty marks: a mark without its reason would help nobody."""
        self.quarantine.store_records(name, [_quarantined(each) for each in poison])
        self.log.mark_dirty(
            run,
            [Dirty(each.change.key, each.destination_keys, each.reason) for each in poison],
        )
        self.hook("poison set aside", count=len(poison))


def _items_of(refusals: Sequence[Refusal]) -> list[Refusal]:
    """The refused items; raises for a tombstone: what can not be emptied is tried again."""
    for each in refusals:
        if is_tombstone(each.entry.item):
            raise RequestRefusedError(f"a tombstone was refused: {each.reason}", code="Refused")
    return list(refusals)


def _quarantined(poison: Poison) -> dict[str, Any]:
    change = poison.change
    return {
        "sourceKey": change.key,
        "reason": poison.reason,
        "sequenceNumber": change.sequence_number,
        "oldImage": to_typed(change.old) if change.old else None,
        "newImage": to_typed(change.new) if change.new else None,
    }
