"""`tableferry run`: one process for each core, the states in their order, and the outcome."""

import fcntl
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.deadline import REQUEST_SECONDS
from tableferry.errors import (
    InvalidSpecError,
    NotOwnerError,
    Problem,
    TableferryError,
    error_named,
)
from tableferry.machine.ports import FOLDER, Machine, ports_of
from tableferry.machine.segment_work import ignore_interrupts, work_on
from tableferry.machine.sequence import Sequence
from tableferry.model import StopFlag
from tableferry.runs.claiming import MAY_DIFFER
from tableferry.runs.recording import find, outcome_of, record_success
from tableferry.runtime import Runtime
from tableferry.spec import MigrationSpec

# Above this the stack does in minutes what takes one machine hours.
LARGE_SECONDS = 3600.0
# Measured with both tables in one Region; docs/benchmarks.md says on what.
ITEMS_PER_SECOND_OF_A_CORE = 5_000
_ANOTHER_ID = "give the old value, or a new migrationId"
_STOPPED_BY = "Ctrl-C"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Processes:
    """Runs segments in processes of this machine."""

    machine: Machine
    pool: ProcessPoolExecutor

    def run(self, segments: list[dict[str, Any]]) -> None:
        """All of them; raises the error of the first that failed, once those that run are done."""
        migration = {"run": self.machine.migration_id, "owner": self.machine.owner}
        waiting = {
            self.pool.submit(work_on, self.machine, {"migration": migration, "segment": segment})
            for segment in segments
        }
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            errors = [error for each in done if (error := each.result()) is not None]
            if errors:
                for each in waiting:
                    each.cancel()
                raise error_named(**errors[0])


def run_here(
    spec: MigrationSpec, folder: Path, *, region: str | None, profile: str | None, say: Say
) -> dict[str, Any]:
    """Moves the table in this process and its children; the outcome, whether it went well or not.

    Raises InvalidSpecError for what needs the stack, NotOwnerError while another process runs the
    same migration here, and what refuses the spec.
    """
    refuse_what_needs_the_stack(spec)
    machine = Machine(folder / FOLDER / spec.migration_id, spec.migration_id, region, profile)
    with _alone(machine):
        ports = ports_of(machine)
        require_same_spec(ports, spec)
        recorded = ports.artifacts.read_outcome(spec.migration_id)
        if recorded is not None and recorded["status"] == "SUCCEEDED":
            say(f"{spec.migration_id} has succeeded before; its outcome lies in {machine.folder}")
            return _with_paths(recorded)
        _end_leases_of_the_dead(ports, spec.migration_id, say)
        cores = min(os.cpu_count() or 1, spec.limits.max_concurrency)
        say(f"{ports.sessions.identity.arn}, Region {ports.sessions.region}, {cores} cores here")
        _say_how_large(ports, spec, cores, say=say)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(cores, context, initializer=ignore_interrupts) as pool:
            sequence = Sequence(ports, machine, spec, Processes(machine, pool), say)
            return _outcome(ports, machine, sequence)


def refuse_what_needs_the_stack(spec: MigrationSpec) -> None:
    """Raises InvalidSpecError with all of it."""
    remedy = "deploy the stack and use `tableferry start`"
    found = [
        Problem(path, value, "needs the stack", remedy)
        for path, value, is_refused in (
            ("mode", spec.mode, spec.mode != "migrate"),
            ("strategy", spec.strategy, spec.strategy != "copy"),
            ("approval", spec.approval, spec.approval),
            ("repair", spec.repair, spec.repair),
            ("snapshot", spec.snapshot, spec.snapshot == "export"),
        )
        if is_refused
    ]
    if found:
        raise InvalidSpecError(found)


def require_same_spec(ports: Runtime, spec: MigrationSpec) -> None:
    """A migration that began here goes on with its own spec; only the limits may be others.

    Raises InvalidSpecError.
    """
    record = ports.ledger.record(spec.migration_id)
    if record is None:
        return
    wanted = spec.to_json()
    others = [name for name in wanted if name not in MAY_DIFFER]
    problems = [
        Problem(name, wanted[name], "is not what this migration began with", _ANOTHER_ID)
        for name in others
        if wanted[name] != record["spec"].get(name)
    ]
    if problems:
        raise InvalidSpecError(problems)
    owner = Machine(Path(), spec.migration_id).owner
    ports.ledger.amend(
        spec.migration_id, lambda kept: kept["spec"].update(limits=wanted["limits"]), owner
    )


@contextmanager
def _alone(machine: Machine) -> Iterator[None]:
    """Holds the migration's folder; the lock ends with the process, however that ends."""
    machine.folder.mkdir(parents=True, exist_ok=True)
    with (machine.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotOwnerError(
                f"another process runs {machine.migration_id} in {machine.folder}",
                hint="wait for it, or end it",
            ) from error
        yield


def _end_leases_of_the_dead(ports: Runtime, run: str, say: Say) -> None:
    """Nobody else holds the lock, so whoever took these is dead; requests of theirs may still be
    on their way.
    """
    leases = ports.checkpoints.leases(run)
    if leases:
        say(f"an earlier run was killed: waiting {REQUEST_SECONDS:.0f} s for its last requests")
        time.sleep(REQUEST_SECONDS)
    for lease in leases:
        ports.checkpoints.release(lease)


def _say_how_large(ports: Runtime, spec: MigrationSpec, cores: int, *, say: Say) -> None:
    assert spec.source is not None
    items = ports.tables.table(spec.source, "source").describe().items
    seconds = items / (cores * ITEMS_PER_SECOND_OF_A_CORE)
    if seconds > LARGE_SECONDS:
        say(
            f"{spec.source.name} holds {items:,} items: some {seconds / 3600:.0f} hours for "
            f"{cores} cores, if the tables let it; `tableferry start` has as many workers as you "
            "let it have"
        )


def _outcome(ports: Runtime, machine: Machine, sequence: Sequence) -> dict[str, Any]:
    run = machine.migration_id
    state = ports.executions.describe(machine.owner)
    assert state is not None
    try:
        sequence.run()
    except KeyboardInterrupt:
        with_flag = StopFlag(machine.owner, machine.began, _STOPPED_BY, time.time())
        try:
            ports.ledger.flag_stop(run, with_flag)
        except ConditionFailedError:
            raise KeyboardInterrupt from None
        raise
    except TableferryError as error:
        record = ports.ledger.record(run)
        if record is None:
            raise
        message = {"errorMessage": str(error), "errorType": type(error).__name__}
        ended = replace(
            state,
            status="FAILED",
            ended_at=time.time(),
            error=type(error).__name__,
            cause=json.dumps(message),
        )
        found = find(ports.checkpoints, run, record["steps"])
        outcome = outcome_of(run, record, found, ended)
        ports.artifacts.write_outcome(run, outcome)
        return _with_paths(outcome)
    log, store = ports.ledger, ports.artifacts
    return _with_paths(record_success(log, ports.checkpoints, store, run, state=state))


def _with_paths(outcome: dict[str, Any]) -> dict[str, Any]:
    """Files are files: the artifacts bucket of the stack is a folder here."""
    verify = outcome.get("verify") or {}
    if verify.get("detailsUri"):
        verify["detailsUri"] = verify["detailsUri"].replace("s3://", "file://", 1)
    return outcome
