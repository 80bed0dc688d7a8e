"""One on-demand backup of a table, begun once and then looked at until it is AVAILABLE."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tableferry.errors import RequestRefusedError, SnapshotError, TransientError
from tableferry.ports import SnapshotsPort, StepLog

# [BC BackupName] 3 to 255 of these; an execution's name may hold others.
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup as one step of a run remembers it; its ARN once it was begun."""

    log: StepLog
    run: str
    step: str
    snapshots: SnapshotsPort
    now: Callable[[], float]

    def start_or_look(self, remembered: Mapping[str, Any]) -> dict[str, Any]:
        """Begins the backup, or looks at the one that was begun; `remembered` goes with it.

        The step's value gets `done` and `arn`. A backup that vanished is forgotten, so that a
        redrive begins another, and raises SnapshotError. (When the answer to CreateBackup is lost,
        a second one is made, for AWS takes no token: both bear the run's name.)
        """
        value = {"done": False, "arn": None, **remembered}
        try:
            if value["arn"] is None:
                value["arn"] = self.snapshots.start_backup(self._name())
                self.log.record_step(self.run, self.step, value)
            status = self.snapshots.backup_status(value["arn"])
        except TransientError:
            return value
        except RequestRefusedError as error:
            raise SnapshotError(error.cause, hint="mend what AWS names, then redrive") from error
        if status == "DELETED":
            self.log.record_step(self.run, self.step, {**value, "arn": None})
            raise SnapshotError(
                f"the backup {value['arn']} is gone before it was AVAILABLE",
                hint="redrive: another one is begun",
            )
        if status == "AVAILABLE":
            value["done"] = True
            self.log.record_step(self.run, self.step, value)
        return value

    def _name(self) -> str:
        name = f"tableferry-{self.step}-{int(self.now())}-{self.run}"
        return _NOT_IN_A_NAME.sub("-", name)[:_MAX_NAME]
