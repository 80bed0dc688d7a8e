"""The outcome of a run: one document, the same in the execution's output, the bucket and the
CLI.
"""

import json
from collections.abc import Iterable
from typing import Any

from tableferry.errors import MigrationPausedError, NotOwnerError
from tableferry.model import Counts, Failure, SegmentRecord, Work
from tableferry.runs.ownership import ExecutionState

# A worker that was told to hand back did not fail by itself.
NOT_A_CAUSE = frozenset({MigrationPausedError.__name__, NotOwnerError.__name__})


def migration_outcome(
    run: str, record: dict[str, Any], totals: dict[Work, Counts], state: ExecutionState
) -> dict[str, Any]:
    """The outcome of mode migrate, as the contract prints it; `state.ended_at` is now while it
    runs.
    """
    steps = record["steps"]
    copied = totals.get(Work.COPY)
    units = Counts()
    for counts in totals.values():
        units.add(counts)
    return {
        "migrationId": run,
        "status": state.status,
        "executionArn": state.arn,
        "seconds": round(state.ended_at - state.started_at, 3),
        "copy": _copy(copied or Counts()),
        "sync": None,
        "cleanup": {"tombstones": totals[Work.SWEEP].deleted} if Work.SWEEP in totals else None,
        "verify": steps.get("verification", {}).get("result"),
        "snapshot": _chosen(steps.get("snapshot"), "type", "arn"),
        "undo": _chosen(steps.get("undo"), "arn"),
        "consumed": {
            "readUnits": round(units.read_units, 1),
            "writeUnits": round(units.write_units, 1),
        },
        "report": None,
        "error": None,
    }


def other_outcome(record: dict[str, Any], totals: dict[Work, Counts]) -> dict[str, Any]:
    """The outcome of the modes count and clean."""
    steps = record["steps"]
    if record["mode"] == "clean":
        cleaned = totals.get(Work.CLEAN, Counts())
        return {
            "mode": "clean",
            "deleted": cleaned.deleted,
            "undo": _chosen(steps.get("undo"), "arn"),
        }
    result = steps.get("verification", {}).get("result") or {}
    return {
        "mode": record["mode"],
        "sourceItems": result.get("sourceItems"),
        "destinationItems": result.get("destinationItems"),
    }


def failure_of(state: ExecutionState, failures: Iterable[Failure]) -> dict[str, str] | None:
    """What ended the execution badly: {"name", "cause", "hint"}; None when nothing did.

    A failed Map says only that its threshold was exceeded, so a worker's own last words come
    first.
    """
    if state.status not in {"FAILED", "TIMED_OUT"}:
        return None
    own = [failure for failure in failures if failure.name not in NOT_A_CAUSE]
    if state.error.startswith("States.") and own:
        last = max(own, key=lambda failure: failure.at)
        return {"name": last.name, "cause": last.cause, "hint": last.hint}
    cause, hint = split_message(_error_message(state.cause))
    return {"name": state.error or state.status, "cause": cause, "hint": hint}


def split_message(message: str) -> tuple[str, str]:
    """Cause and hint of an error's text (errors.TableferryError.__str__)."""
    cause, _, hint = message.partition("\nhint: ")
    return cause, hint


def _error_message(cause: str) -> str:
    """The message in a Lambda failure's cause, which is JSON; the cause itself where it is not."""
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    return str(document.get("errorMessage", cause)) if isinstance(document, dict) else cause


def total(records: Iterable[SegmentRecord]) -> Counts:
    """The sum of the segments' counts."""
    counts = Counts()
    for record in records:
        counts.add(record.counts)
    return counts


def _copy(counts: Counts) -> dict[str, int]:
    return {
        "read": counts.read,
        "written": counts.written,
        "skipped": counts.skipped,
        "filtered": counts.filtered,
        "quarantined": counts.quarantined,
    }


def _chosen(step: dict[str, Any] | None, *names: str) -> dict[str, Any] | None:
    """Those fields of what a step remembered; None when it has no ARN, so did nothing."""
    if not step or not step.get("arn"):
        return None
    return {name: step.get(name) for name in names}
