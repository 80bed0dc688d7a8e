"""The snapshot of the source before the end: an on-demand backup, or an export to S3."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tableferry.errors import RequestRefusedError, SnapshotError, TransientError
from tableferry.ports import OptionsPort, SnapshotsPort, StepLog
from tableferry.runs.run_spec import RunSpec
from tableferry.snapshots.backing_up import Backup
from tableferry.table_facts import Recovery

STEP = "snapshot"
# A minute or more between looks: an execution's history holds 25,000 events, an export takes hours.
WAIT_SECONDS = 60


def snapshot_source(
    log: StepLog,
    run: str,
    spec: RunSpec,
    *,
    options: OptionsPort,
    snapshots: SnapshotsPort,
    bucket: str,
    now: Callable[[], float] = time.time,
    new_token: Callable[[], str] = lambda: uuid.uuid4().hex,
) -> dict[str, Any]:
    """Begins the snapshot or looks at it: {"done", "waitSeconds", "type", "arn", "notes"}.

    An export lies in the artifacts bucket under `snapshots/<migrationId>/`. It turns point-in-time
    recovery of the source on if it is off, says so in `notes`, and puts it back.

    Raises SnapshotError.
    """
    value = log.step(run, STEP) or {"done": False, "type": spec.document["snapshot"], "notes": []}
    if not value["done"]:
        if value["type"] == "backup":
            value = Backup(log, run, STEP, snapshots, now).start_or_look(value)
        else:
            export = _Export(log, run, options, snapshots)
            value = {"token": new_token(), **value}
            value = export.start_or_look(value, bucket, f"snapshots/{spec.migration_id}")
    return {
        "done": value["done"],
        "waitSeconds": 0 if value["done"] else WAIT_SECONDS,
        "type": value["type"],
        "arn": value.get("arn"),
        "notes": value["notes"],
    }


@dataclass(frozen=True, slots=True)
class _Export:
    """An export as the step remembers it: recovery before, token, ARN."""

    log: StepLog
    run: str
    options: OptionsPort
    snapshots: SnapshotsPort

    def start_or_look(self, value: dict[str, Any], bucket: str, prefix: str) -> dict[str, Any]:
        try:
            if not value.get("arn"):
                value = self._started(self._recoverable(value), bucket, prefix)
            state = self.snapshots.export_state(value["arn"])
        except TransientError:
            return value
        except RequestRefusedError as error:
            raise SnapshotError(error.cause, hint="mend what AWS names, then redrive") from error
        if state.status == "IN_PROGRESS":
            return value
        self._put_recovery_back(value)
        if state.status == "COMPLETED":
            return self._remembered({**value, "done": True, "manifest": state.manifest})
        # Forgotten, so that a redrive begins another.
        self._remembered({"done": False, "type": "export", "notes": []})
        raise SnapshotError(
            f"the export {value['arn']} ended {state.status}: {state.failure}",
            hint="mend what AWS names, then redrive: another export is begun",
        )

    def _recoverable(self, value: dict[str, Any]) -> dict[str, Any]:
        """Sees to it that point-in-time recovery is on; remembers before it changes anything."""
        if "wasOn" not in value:
            was_on = self.options.recovery().is_on
            notes = [] if was_on else [_TURNED_ON]
            value = self._remembered({**value, "wasOn": was_on, "notes": notes})
        if not value["wasOn"] and not self.options.recovery().is_on:
            self.options.set_recovery(Recovery(is_on=True))
        return value

    def _started(self, value: dict[str, Any], bucket: str, prefix: str) -> dict[str, Any]:
        arn = self.snapshots.start_export(bucket, prefix, value["token"])
        return self._remembered({**value, "arn": arn})

    def _put_recovery_back(self, value: dict[str, Any]) -> None:
        if not value["wasOn"]:
            self.options.set_recovery(Recovery(is_on=False))

    def _remembered(self, value: dict[str, Any]) -> dict[str, Any]:
        self.log.record_step(self.run, STEP, value)
        return value


_TURNED_ON = (
    "point-in-time recovery of the source was off: it is on for the export, and off again after it"
)
