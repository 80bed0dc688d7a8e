"""The ledger in memory, and executions as a test wants them.

`tests/ledger_rules.py` runs the same checks against this and against the real one.
"""

import copy
import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import NotOwnerError, RequestRefusedError
from tableferry.limits import RunLimits, Share, Shares
from tableferry.model import Control, Lease, Phase, SegmentRecord, StopFlag, Work
from tableferry.runs.ownership import ExecutionState


class MemoryLedger:
    """Runs, checkpoints and leases with the real conditions; every call is atomic."""

    def __init__(self) -> None:
        self.controls: dict[str, Control] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.writers: dict[str, str] = {}
        self.executions: dict[str, str] = {}
        self.segment_records: dict[tuple[str, Work, int], SegmentRecord] = {}
        self.share_records: dict[tuple[str, Work], tuple[dict[str, Share], int]] = {}
        self.live_leases: dict[tuple[str, Work, int, str], Lease] = {}
        self._lock = threading.RLock()

    # --- runs ---

    def create_run(
        self,
        control: Control,
        record: dict[str, Any],
        *,
        writes: bool,
        keep: bool,
        replaces: str | None = None,
    ) -> None:
        with self._lock:
            holder = self.writers.get(control.destination, control.run)
            failed = {0} if control.run in self.controls else set()
            if writes and holder not in {control.run, replaces}:
                failed.add(3)
            _require(failed)
            self.controls[control.run] = control
            self.records[control.run] = copy.deepcopy(record)
            self.executions[control.owner] = control.run
            if writes:
                self.writers[control.destination] = control.run

    def take_over(self, run: str, old_owner: str, new_owner: str) -> None:
        with self._lock:
            control = self.controls[run]
            _require({0} if control.owner != old_owner or control.stopped else set())
            taken = dataclasses.replace(control, owner=new_owner, stop=None, limits=None)
            self.controls[run] = taken
            self.executions[new_owner] = run

    def claim_writer(self, control: Control, replaces: str | None = None) -> None:
        with self._lock:
            holder = self.writers.get(control.destination, control.run)
            _require({0} if holder not in {control.run, replaces} else set())
            self.writers[control.destination] = control.run

    def writer_of(self, destination: str) -> str | None:
        return self.writers.get(destination)

    def release_writer(self, destination: str, run: str) -> None:
        with self._lock:
            if self.writers.get(destination) == run:
                del self.writers[destination]

    def run_of(self, execution_arn: str) -> str | None:
        return self.executions.get(execution_arn)

    # --- control ---

    def control(self, run: str) -> Control | None:
        if not run:
            raise RequestRefusedError("a key must not be empty", code="ValidationException")
        return self.controls.get(run)

    def advance(self, run: str, owner: str, old: Phase, new: Phase) -> None:
        with self._lock:
            control = self.controls[run]
            _require({0} if control.owner != owner or control.phase != old else set())
            self.controls[run] = dataclasses.replace(control, phase=new)

    def flag_stop(self, run: str, flag: StopFlag) -> None:
        with self._lock:
            _require({0} if self.controls[run].owner != flag.execution_arn else set())
            self.controls[run] = dataclasses.replace(self.controls[run], stop=flag)

    def set_limits(self, run: str, limits: RunLimits) -> None:
        with self._lock:
            _require(set() if run in self.controls else {0})
            self.controls[run] = dataclasses.replace(self.controls[run], limits=limits)

    def clear_stop(self, run: str, flag: StopFlag) -> None:
        with self._lock:
            if self.controls[run].stop == flag:
                self.controls[run] = dataclasses.replace(self.controls[run], stop=None)

    def mark_stopped(self, run: str, ender: str) -> None:
        with self._lock:
            self.controls[run] = dataclasses.replace(self.controls[run], stopped_by=ender)

    # --- spec and steps ---

    def record(self, run: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.records.get(run))

    def amend(self, run: str, change: Callable[[dict[str, Any]], Any], owner: str) -> None:
        with self._lock:
            if run not in self.controls or self.controls[run].owner != owner:
                raise NotOwnerError(f"{run} is not owned by {owner} any more")
            change(self.records[run])

    def step(self, run: str, name: str) -> dict[str, Any] | None:
        record = self.record(run) or {"steps": {}}
        value: dict[str, Any] | None = record["steps"].get(name)
        return value

    # --- segments and leases ---

    def hold_segment(self, control: Control, record: SegmentRecord, lease: Lease | None) -> None:
        with self._lock:
            found = self.controls.get(control.run)
            failed = set() if found and _may_hold(found, control.owner, lease) else {0}
            if lease is not None and self.writers.get(control.destination) != control.writer:
                failed.add(2)
            if lease is not None and control.shares_with:
                failed |= {4} if self.controls[control.shares_with].stopped else set()
            _require(failed)
            held = self.segment(control.run, record.work, record.segment)
            held.holder = record.holder
            self.segment_records[control.run, record.work, record.segment] = held
            if lease is not None:
                self.live_leases[lease.run, lease.work, lease.segment, lease.holder] = lease

    def shares(self, run: str, work: Work) -> tuple[dict[str, Share], int]:
        found, version = self.share_records.get((run, work), ({}, 0))
        return dict(found), version

    def put_shares(self, run: str, work: Work, shares: Shares, version: int) -> None:
        with self._lock:
            _require({0} if self.shares(run, work)[1] != version else set())
            self.share_records[run, work] = dict(shares), version + 1

    def segment(self, run: str, work: Work, segment: int) -> SegmentRecord:
        found = self.segment_records.get((run, work, segment))
        return copy.deepcopy(found) or SegmentRecord(work, segment)

    def segments(self, run: str, work: Work, count: int) -> Iterator[SegmentRecord]:
        for segment in range(count):
            if (run, work, segment) in self.segment_records:
                yield self.segment(run, work, segment)

    def checkpoint(self, run: str, record: SegmentRecord) -> None:
        with self._lock:
            if self.segment(run, record.work, record.segment).holder != record.holder:
                raise NotOwnerError(f"segment {record.segment} is held by another worker")
            self.segment_records[run, record.work, record.segment] = copy.deepcopy(record)

    def release(self, lease: Lease) -> None:
        self.live_leases.pop((lease.run, lease.work, lease.segment, lease.holder), None)

    def leases(self, run: str) -> list[Lease]:
        return [lease for lease in self.live_leases.values() if lease.run == run]


def _may_hold(found: Control, owner: str, lease: Lease | None) -> bool:
    if found.owner != owner or found.stop or found.stopped:
        return False
    return lease is None or found.phase in lease.work.leased_phases


def _require(failed: set[int]) -> None:
    if failed:
        raise ConditionFailedError(frozenset(failed))


class MemoryExecutions:
    """DescribeExecution's answers; an execution that was never set is unknown."""

    def __init__(self) -> None:
        self.states: dict[str, ExecutionState] = {}

    def set(self, arn: str, status: str, redrive_count: int = 0) -> None:
        self.states[arn] = ExecutionState(arn, status, redrive_count)

    def describe(self, execution_arn: str) -> ExecutionState | None:
        return self.states.get(execution_arn)


class MemoryQuarantine:
    """One page's quarantined items by page number; a repeated page replaces its own."""

    def __init__(self) -> None:
        self.pages: dict[int, list[dict[str, Any]]] = {}

    def store(self, page_number: int, entries: list[dict[str, Any]]) -> None:
        self.pages[page_number] = entries
