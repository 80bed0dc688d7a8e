"""The ledger's records of sync in memory, with the real conditions.

`tests/support/sync_log_rules.py` runs the same checks against this and against the real one.
"""

import json
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.aws.sync_log import padded
from tableferry.live.values import Dirty, LeaseHeldError, SyncLease
from tableferry.model import Control
from tests.fake_ledger import MemoryLedger


@dataclass
class MemorySyncLog:
    """Every call is atomic."""

    ledger: MemoryLedger
    now: Callable[[], float]
    leases: dict[tuple[str, str], SyncLease] = field(default_factory=dict)
    finished: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    markers: dict[str, set[str]] = field(default_factory=dict)
    dirty_items: dict[str, dict[str, Dirty]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    candidates: dict[bytes, bool] = field(default_factory=dict)
    guards: dict[str, dict[str, Any]] = field(default_factory=dict)
    applied: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def claim_source(self, run: str, stream_arn: str) -> str:
        return self.sources.setdefault(stream_arn, run)

    def take_sync_lease(self, control: Control, lease: SyncLease, margin_seconds: float) -> None:
        with self._lock:
            found = self.ledger.controls[control.run]
            held = self.leases.get((lease.run, lease.name))
            if (
                found.phase != control.phase
                or found.stopped
                or self.ledger.writers.get(control.destination) != control.run
                or (held is not None and held.deadline + margin_seconds >= self.now())
                or (lease.run, lease.mapping, lease.name) in self.finished
            ):
                raise LeaseHeldError("held")
            self.leases[lease.run, lease.name] = lease

    def finished_from(self, run: str, mapping: str, first: str) -> Sequence[str]:
        return self.finished.get((run, mapping, first), [])

    def keep_finished(self, run: str, mapping: str, numbers: Sequence[str]) -> None:
        self.finished[run, mapping, numbers[0]] = list(numbers)

    def finish(self, lease: SyncLease, numbers: Sequence[str], lag: float) -> bool:
        with self._lock:
            if not self._has(lease):
                return False
            del self.leases[lease.run, lease.name]
            self.finished[lease.run, lease.mapping, lease.name] = list(numbers)
            self.markers.setdefault(lease.run, set()).add(padded(numbers[-1]))
            self.applied += len(numbers)
            return True

    def release_sync_lease(self, lease: SyncLease) -> None:
        with self._lock:
            if self._has(lease):
                del self.leases[lease.run, lease.name]

    def cut_sync_lease(self, lease: SyncLease) -> None:
        with self._lock:
            if self._has(lease):
                self.leases[lease.run, lease.name] = replace(lease, deadline=self.now())

    def _has(self, lease: SyncLease) -> bool:
        held = self.leases.get((lease.run, lease.name))
        return held is not None and held.holder == lease.holder

    def sync_leases(self, run: str) -> list[SyncLease]:
        return [lease for lease in self.leases.values() if lease.run == run]

    def applied_between(self, run: str, first: str, last: str) -> set[str]:
        low, high = padded(first), padded(last)
        return {each for each in self.markers.get(run, ()) if low <= each <= high}

    def release_source(self, run: str, stream_arn: str) -> None:
        with self._lock:
            self.guards.pop(run, None)
            if self.sources.get(stream_arn) == run:
                del self.sources[stream_arn]

    def guarded(self, run: str) -> dict[str, Any]:
        return self.guards.get(run, {"positions": {}})

    def remember_guard(self, run: str, document: dict[str, Any]) -> None:
        self.guards[run] = json.loads(json.dumps(document))

    def watch(self, run: str, key_hashes: Collection[bytes]) -> None:
        self.candidates |= dict.fromkeys(key_hashes, False)

    def watched(self, run: str) -> set[bytes]:
        return set(self.candidates)

    def touch(self, run: str, key_hashes: Collection[bytes]) -> None:
        self.candidates |= dict.fromkeys(key_hashes, True)

    def touched(self, run: str) -> set[bytes]:
        return {each for each, is_touched in self.candidates.items() if is_touched}

    def mark_dirty(self, run: str, dirty: Sequence[Dirty]) -> None:
        with self._lock:
            for each in dirty:
                before = self._mark(run, each)
                keys = _together(before, each)
                mark = replace(
                    each, destination_keys=keys, marks=(before.marks if before else 0) + 1
                )
                self.dirty_items.setdefault(run, {})[_name(each)] = mark

    def add_dirty_keys(self, run: str, dirty: Dirty) -> None:
        with self._lock:
            before = self._mark(run, dirty)
            if before is None:
                raise ConditionFailedError(frozenset({0}))
            keys = _together(before, dirty)
            self.dirty_items[run][_name(dirty)] = replace(before, destination_keys=keys)

    def clear_dirty(self, run: str, dirty: Dirty) -> bool:
        with self._lock:
            before = self._mark(run, dirty)
            if before is None or before.marks != dirty.marks:
                return False
            del self.dirty_items[run][_name(dirty)]
            return True

    def _mark(self, run: str, dirty: Dirty) -> Dirty | None:
        return self.dirty_items.get(run, {}).get(_name(dirty))

    def dirty(self, run: str) -> Iterator[Dirty]:
        return iter(list(self.dirty_items.get(run, {}).values()))


def _name(dirty: Dirty) -> str:
    return repr(sorted(dirty.source_key.items()))


def _together(before: Dirty | None, added: Dirty) -> tuple[dict[str, Any], ...]:
    keys = [*(before.destination_keys if before else ()), *added.destination_keys]
    return tuple({json.dumps(each, sort_keys=True): each for each in keys}.values())
