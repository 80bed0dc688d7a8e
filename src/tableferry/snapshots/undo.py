"""The undo: a destination that holds items is backed up before it is cleaned, overwritten or
repaired.
"""

import time
from collections.abc import Callable
from typing import Any

from tableferry.ports import SnapshotsPort, StepLog, TablePort
from tableferry.runs.run_spec import RunSpec
from tableferry.snapshots.backing_up import Backup

STEP = "undo"
# A backup of any size takes some minutes at most; the first write waits for it.
WAIT_SECONDS = 20


def back_up_destination(
    log: StepLog,
    run: str,
    spec: RunSpec,
    *,
    table: TablePort,
    snapshots: SnapshotsPort,
    repairs: bool = False,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Begins the backup or looks at it: {"done", "waitSeconds", "arn"}; no ARN if none is needed.

    Once it is done it stays done: what a later try finds in the table may be half cleaned already.
    A table that was empty then holds items when it `repairs`. Raises SnapshotError.
    """
    value = log.step(run, STEP) or {}
    if repairs and value.get("done") and value["arn"] is None:
        value = {}
    if not value and not (_may_destroy(spec, repairs) and not table.is_empty()):
        value = {"done": True, "arn": None}
        log.record_step(run, STEP, value)
    if not value.get("done"):
        value = Backup(log, run, STEP, snapshots, now).start_or_look(value)
    return {
        "done": value["done"],
        "waitSeconds": 0 if value["done"] else WAIT_SECONDS,
        "arn": value["arn"],
    }


def _may_destroy(spec: RunSpec, repairs: bool) -> bool:
    if spec.document["undo"] == "none":
        return False
    return repairs or spec.mode == "clean" or spec.document["cleanDestination"] or not spec.keep
