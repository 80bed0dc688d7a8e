"""What a migration on one machine works with: the runtime of the stack, over files."""

import os
import socket
import time
import uuid
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tableferry.aws.file_bucket import FileBucket
from tableferry.aws.session import Sessions
from tableferry.deadline import Deadline
from tableferry.machine.file_ledger import FileLedgerTable
from tableferry.pace.tolls import pacer_for
from tableferry.runs.ownership import ExecutionState
from tableferry.runtime import Runtime
from tableferry.segments.holding import SegmentTask
from tableferry.segments.working import Worker
from tableferry.settings import Settings

FOLDER = ".tableferry-run"
# A worker's time at a stretch: it hands back and goes on, so that its lease never grows old.
STRETCH_SECONDS = 900.0
STALL_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a migration keeps its files, and whose credentials it uses.

    `began` tells one start from the next: what an earlier one flagged is over.
    """

    folder: Path
    migration_id: str
    region: str | None = None
    profile: str | None = None
    began: int = field(default_factory=time.time_ns)

    @property
    def owner(self) -> str:
        """What stands where a stack has the execution's ARN."""
        return f"run:{socket.gethostname()}:{self.migration_id}"

    @property
    def objects(self) -> Path:
        return self.folder / "objects"


@dataclass(frozen=True, slots=True)
class ThisRun:
    """The only execution that there is: this one."""

    machine: Machine

    def describe(self, execution_arn: str) -> ExecutionState | None:
        if execution_arn != self.machine.owner:
            return None
        began = self.machine.began
        return ExecutionState(execution_arn, "RUNNING", began, started_at=began / 1e9)


class FileSessions(Sessions):
    """Our own credentials for tables; the bucket is a folder."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(region=machine.region, profile=machine.profile)
        self._bucket = FileBucket(machine.objects)

    def client(self, service: str, region: str | None = None) -> Any:
        return self._bucket if service == "s3" else super().client(service, region)


def ports_of(machine: Machine) -> Runtime:
    """The runtime of this machine's migration."""
    machine.objects.mkdir(parents=True, exist_ok=True)
    table = FileLedgerTable(machine.folder / "ledger.sqlite")
    settings = Settings(table.table, str(machine.objects), 0.0, STALL_SECONDS)
    return Runtime.of(settings, FileSessions(machine), table, ThisRun(machine))


@cache
def ports_of_process(machine: Machine) -> Runtime:
    """The ports of a worker's process, made once."""
    return ports_of(machine)


def worker_for(ports: Runtime, event: dict[str, Any]) -> Worker:
    """A worker for the segment in a Map child's input, for one stretch."""
    deadline = Deadline.after(STRETCH_SECONDS)
    ports.guard.deadline = deadline
    task = SegmentTask.from_event(event)
    holder = f"{os.getpid()}-{uuid.uuid4().hex}"
    record = ports.ledger.record(task.run) or {}
    return Worker(
        task=task,
        holder=holder,
        log=ports.checkpoints,
        gate=ports.gate,
        deadline=deadline,
        stall_seconds=ports.settings.stall_seconds,
        pacer=pacer_for(record, task, holder=holder, log=ports.checkpoints),
    )
