"""Recording how a run ended: in the artifacts bucket, and in the ledger where it must have
effect.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import NotFoundError, NotOwnerError
from tableferry.model import Control, Counts, Failure, SegmentRecord, StopFlag, Work
from tableferry.runs.borrowing import give_back
from tableferry.runs.outcome import failure_of, migration_outcome, other_outcome, total
from tableferry.runs.ownership import Executions, ExecutionState
from tableferry.runs.work_summary import WorkSummary, summarise


class OutcomeLog(Protocol):
    """The ledger's runs, as far as recording needs them."""

    def control(self, run: str) -> Control | None: ...

    def record(self, run: str) -> dict[str, Any] | None: ...

    def run_of(self, execution_arn: str) -> str | None: ...

    def flag_stop(self, run: str, flag: StopFlag) -> None: ...

    def release_writer(self, destination: str, run: str) -> None: ...

    def writer_of(self, destination: str) -> str | None: ...

    def claim_writer(self, control: Control, replaces: str | None = None) -> None: ...


class SegmentRecords(Protocol):
    """The ledger's checkpoints, as far as recording needs them."""

    def segments(self, run: str, work: Work, count: int) -> Iterator[SegmentRecord]: ...

    def sync_outcome(self, run: str) -> dict[str, int]: ...


class OutcomeStore(Protocol):
    """Where outcomes lie."""

    def write_outcome(self, name: str, outcome: dict[str, Any]) -> str: ...

    def report_uri(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class EndedBadly:
    """The event of an execution that FAILED, TIMED_OUT or was ABORTED."""

    state: ExecutionState

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> "EndedBadly":
        detail = event["detail"]
        return cls(
            ExecutionState(
                arn=detail["executionArn"],
                status=detail["status"],
                redrive_count=int(detail.get("redriveCount") or 0),
                error=detail.get("error") or "",
                cause=detail.get("cause") or "",
                started_at=(detail.get("startDate") or 0) / 1000.0,
                ended_at=(detail.get("stopDate") or 0) / 1000.0,
            )
        )


@dataclass(frozen=True, slots=True)
class Findings:
    """What the segments of a run add up to, and the failures that they remember."""

    totals: dict[Work, Counts]
    failures: list[Failure]
    sync: dict[str, int] | None = None
    works: tuple[WorkSummary, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """All that is known of a run when its outcome is written; `state` has the outcome's status."""

    run: str
    record: dict[str, Any]
    found: Findings
    state: ExecutionState
    outcome: dict[str, Any]


Publish = Callable[[Ending], None]


def find(records: SegmentRecords, run: str, steps: dict[str, Any]) -> Findings:
    """Reads every segment of every work that the run planned."""
    totals: dict[Work, Counts] = {}
    failures: list[Failure] = []
    works: dict[Work, WorkSummary] = {}
    for planned in [step["segments"] for step in steps.values() if "segments" in step]:
        for work, count in planned.items():
            found = list(records.segments(run, Work(work), count))
            counts = totals[Work(work)] = total(found)
            works[Work(work)] = summarise(Work(work), count, found, counts)
            failures += [record.failure for record in found if record.failure]
    sync = records.sync_outcome(run) if "sync" in steps else None
    return Findings(totals, failures, sync, tuple(works.values()))


def outcome_of(
    run: str, record: dict[str, Any], found: Findings, state: ExecutionState
) -> dict[str, Any]:
    """The outcome document of a run in any mode, whatever its execution's status."""
    error = failure_of(state, found.failures)
    if record["mode"] == "migrate":
        outcome = migration_outcome(run, record, found.totals, state)
        return {**outcome, "sync": found.sync, "error": error}
    if record["mode"] == "verify":
        migration_id = record["spec"]["migrationId"]
        outcome = migration_outcome(migration_id, record, found.totals, state)
        return {"mode": "verify", **outcome, "copy": None, "error": error}
    outcome = other_outcome(record, found.totals)
    if error is None:
        return outcome
    return {**outcome, "status": state.status, "executionArn": state.arn, "error": error}


def record_success(
    log: OutcomeLog,
    records: SegmentRecords,
    store: OutcomeStore,
    run: str,
    *,
    state: ExecutionState | None,
    publish: Publish | None = None,
) -> dict[str, Any]:
    """Writes the outcome of a run that reached its last state, frees its destination, returns
    it. `publish` is told at the end, here and below.
    """
    record, control = log.record(run), log.control(run)
    if record is None or control is None or state is None:
        raise NotFoundError(f"the ledger holds no run named {run}", hint="start it anew")
    if control.owner != state.arn:
        raise NotOwnerError(
            f"{run} is owned by {control.owner}, not by {state.arn}",
            hint="another execution continued this migration: watch that one",
        )
    ended = replace(state, status="SUCCEEDED", ended_at=time.time(), error="", cause="")
    ending = _written(records, store, run, record, state=ended, has_report=bool(publish))
    # Sync goes on writing until cut-over or `stop`.
    if ending.found.sync is None:
        give_back(log, control, record)
    if publish:
        publish(ending)
    return ending.outcome


def record_stopped(
    log: OutcomeLog,
    records: SegmentRecords,
    store: OutcomeStore,
    run: str,
    *,
    executions: Executions,
    publish: Publish | None = None,
) -> dict[str, Any]:
    """Writes and returns the outcome of a migration that was given up; frees its destination."""
    record, control = log.record(run), log.control(run)
    if record is None or control is None:
        raise NotFoundError(f"the ledger holds no run named {run}", hint="check the migrationId")
    # Step Functions forgets an execution after 90 days; a migration may be given up later.
    unknown = ExecutionState(control.owner, "STOPPED", 0, started_at=time.time())
    state = executions.describe(control.owner) or unknown
    ended = replace(state, status="STOPPED", ended_at=state.ended_at or time.time())
    ending = _written(records, store, run, record, state=ended, has_report=bool(publish))
    log.release_writer(control.destination, run)
    if publish:
        publish(ending)
    return ending.outcome


def record_end(
    log: OutcomeLog,
    records: SegmentRecords,
    store: OutcomeStore,
    ended: EndedBadly,
    *,
    publish: Publish | None = None,
) -> bool:
    """Writes the outcome of an execution that ended badly, if it still owns its run.

    Such events come late and out of order, so the flag names the execution and its redriveCount:
    a worker that finds it goes on when the execution was redriven since. False when there was
    nothing to record: a refused spec leaves no run, and another owner's run is not this
    execution's to speak for.
    """
    state = ended.state
    run = log.run_of(state.arn)
    control = log.control(run) if run else None
    record = log.record(run) if run else None
    if run is None or control is None or record is None or control.owner != state.arn:
        return False
    if state.status == "ABORTED":
        if not _is_flagged(control.stop, state):
            flag = StopFlag(state.arn, state.redrive_count, "the Stop button", time.time())
            try:
                log.flag_stop(run, flag)
            except ConditionFailedError:
                return False
        state = replace(state, status="PAUSED")
    elif state.status == "FAILED" and _is_flagged(control.stop, state):
        state = replace(state, status="PAUSED")  # a worker paused the run itself
    if control.stopped:
        state = replace(state, status="STOPPED")
    ending = _written(records, store, run, record, state=state, has_report=bool(publish))
    if record["mode"] == "verify":
        # So that the migration that lent it may go on; redriven, a repair borrows again.
        give_back(log, control, record)
    if publish:
        publish(ending)
    return True


def _written(
    records: SegmentRecords,
    store: OutcomeStore,
    run: str,
    record: dict[str, Any],
    *,
    state: ExecutionState,
    has_report: bool,
) -> Ending:
    """Writes the outcome of a run whose execution is in this state."""
    found = find(records, run, record["steps"])
    outcome = outcome_of(run, record, found, state)
    if has_report:
        link_report(outcome, store, record)
    store.write_outcome(outcome_name(record), outcome)
    return Ending(run, record, found, state, outcome)


class Reports(Protocol):
    """Where reports lie."""

    def report_uri(self, name: str) -> str: ...


def link_report(outcome: dict[str, Any], reports: Reports, record: dict[str, Any]) -> None:
    """Says in the outcome where its page lies, in the modes whose outcome has a place for it."""
    if "report" in outcome:
        outcome["report"] = reports.report_uri(outcome_name(record))


def _is_flagged(flag: StopFlag | None, state: ExecutionState) -> bool:
    """Whether `pause`, which flags by itself, was quicker than the event; its words stay then."""
    return flag is not None and flag.is_for(state.arn, state.redrive_count)


def outcome_name(record: dict[str, Any]) -> str:
    """The outcome's name in the bucket: the migrationId, with the mode where that is another."""
    migration_id = str(record["spec"]["migrationId"])
    mode = record["mode"]
    return migration_id if mode == "migrate" else f"{migration_id}.{mode}"
