"""Holding a segment: the right to write its checkpoint and, with a lease, the destination.

A segment has one holder, the invocation that took it last. Taking it demands, in one conditional
write, that the caller still owns the run, that nothing stopped it, and that the phase is the one
that the work's lease counts on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.deadline import Deadline
from tableferry.errors import NotOwnerError, TableferryError
from tableferry.model import Control, Lease, SegmentRecord, Work
from tableferry.runs.ownership import Gate


@dataclass(frozen=True, slots=True)
class SegmentTask:
    """One segment of one run's work, as the state machine's Map hands it out."""

    run: str
    owner: str
    work: Work
    segment: int
    segments: int
    round: int = 1

    @classmethod
    def from_event(cls, event: dict[str, Any], work: Work | None = None) -> "SegmentTask":
        return cls(
            run=event["migration"]["run"],
            owner=event["migration"]["owner"],
            work=work or Work(event["segment"]["work"]),
            segment=int(event["segment"]["segment"]),
            segments=int(event["segment"]["totalSegments"]),
            round=int(event["segment"].get("round", 1)),
        )


class SegmentLog(Protocol):
    """The ledger's checkpoints and leases, as far as a worker needs them."""

    def hold_segment(
        self, control: Control, record: SegmentRecord, lease: Lease | None
    ) -> None: ...

    def segment(self, run: str, work: Work, segment: int) -> SegmentRecord: ...

    def checkpoint(self, run: str, record: SegmentRecord) -> None: ...

    def release(self, lease: Lease) -> None: ...


@dataclass(frozen=True, slots=True)
class Hold:
    """One invocation's hold on one segment; `holder` names the invocation, uniquely."""

    task: SegmentTask
    holder: str
    log: SegmentLog
    gate: Gate

    def checkpointed(self) -> SegmentRecord:
        """The segment's checkpoint; a fresh one when it belongs to an earlier round of reading, or
        to another cut, whose keys lie in other segments.
        """
        task = self.task
        record = self.log.segment(task.run, task.work, task.segment)
        if record.round > task.round:
            raise self._refused("the tables are being read again by now")
        if (record.round, record.segments) == (task.round, task.segments):
            return record
        return SegmentRecord(
            task.work, task.segment, record.holder, round=task.round, segments=task.segments
        )

    @contextmanager
    def leased(
        self, deadline: Deadline, is_answer_missing: Callable[[], bool] = lambda: False
    ) -> Iterator[SegmentRecord]:
        """Takes the segment, with a lease where its work changes the destination, and gives the
        lease back at the end; yields the checkpoint to go on from.

        While a write got no answer it may still arrive, though it was made again: such a lease
        is not given back, it ends by itself.

        Raises what `Gate.admit` raises, and NotOwnerError where the segment can not be held.
        """
        lease = self._take(deadline)
        try:
            record = self.checkpointed()
            if record.holder != self.holder:
                # Written under its name, our checkpoints would rewind the other worker's.
                raise self._refused("another worker took it at the same time")
            yield record
        except BaseException:
            # The error that ended the work is not hidden by one of the release: a lease ends by
            # itself.
            with suppress(TableferryError):
                self._release(lease, is_answer_missing)
            raise
        self._release(lease, is_answer_missing)

    def _take(self, deadline: Deadline) -> Lease | None:
        task, phases = self.task, self.task.work.leased_phases
        control = self.gate.admit(task.run, task.owner)
        lease = None
        if phases:
            ends_at = deadline.lease_ends_at
            # Beside the leases of the run that it shares with, which are waited for when that ends.
            lease = Lease(control.writer, task.work, task.segment, self.holder, ends_at)
        claim = SegmentRecord(task.work, task.segment, self.holder)
        while True:
            try:
                self.log.hold_segment(control, claim, lease)
                return lease
            except ConditionFailedError as error:
                # The gate says it in the right words when owner or stop flag are the reason.
                control = self.gate.admit(task.run, task.owner)
                if 0 not in error.failed:
                    raise self._refused("another run may write there") from error
                if phases and control.phase not in phases:
                    raise self._refused(f"the phase is {control.phase}") from error
                # A stop flag came late, after the redrive that ends it: the gate removed it.

    def _refused(self, reason: str) -> NotOwnerError:
        task = self.task
        return NotOwnerError(
            f"segment {task.segment} of {task.run} can not be held to {task.work}: {reason}",
            hint="watch the migration that goes on; this execution can not",
        )

    def _release(self, lease: Lease | None, is_answer_missing: Callable[[], bool]) -> None:
        if lease is not None and not is_answer_missing():
            self.log.release(lease)
