"""Claiming a run: who owns it, and the one run that may write a destination table."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tableferry.aws.ledger_table import ConditionFailedError
from tableferry.errors import (
    InvalidSpecError,
    MigrationStoppedError,
    NotOwnerError,
    Problem,
    TransientError,
)
from tableferry.model import Control, Phase
from tableferry.runs.borrowing import BORROWED, is_synchronising, lender_of, require_lender
from tableferry.runs.closing import LeaseLog, settle_leases
from tableferry.runs.ownership import Executions
from tableferry.spec import MigrationSpec

# These may differ from the ledger's when a new execution continues a migration.
MAY_DIFFER = frozenset({"limits", "resume"})
# And these, once records were lost (the step GAP says so): only a repair mends that.
GAP = "gap"
MAY_DIFFER_AFTER_GAP = MAY_DIFFER | {"verify", "repair", "deleteExtras"}
ENDED = frozenset({"FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED"})


class RunLog(Protocol):
    """The ledger's runs, as far as claiming needs them."""

    def create_run(
        self,
        control: Control,
        record: dict[str, Any],
        *,
        writes: bool,
        keep: bool,
        replaces: str | None = None,
    ) -> None: ...

    def take_over(self, run: str, old_owner: str, new_owner: str) -> None: ...

    def claim_writer(self, control: Control, replaces: str | None = None) -> None: ...

    def writer_of(self, destination: str) -> str | None: ...

    def control(self, run: str) -> Control | None: ...

    def record(self, run: str) -> dict[str, Any] | None: ...

    def amend(self, run: str, change: Any, owner: str) -> None: ...

    def mark_stopped(self, run: str, ender: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Others:
    """What tells whether another run may be replaced."""

    executions: Executions
    leases: LeaseLog
    margin_seconds: float
    now: Callable[[], float] = time.time


def run_name(spec: MigrationSpec, execution_name: str) -> str:
    """The run's name in the ledger: only mode migrate uses a migrationId up."""
    if spec.mode == "migrate":
        return spec.migration_id
    return f"{spec.migration_id}.{spec.mode}.{execution_name}"


def claim_run(
    log: RunLog,
    others: Others,
    spec: MigrationSpec,
    control: Control,
    *,
    facts: dict[str, Any],
) -> Control:
    """Makes `control.owner` the owner of `control.run`, new or continued; fit to be run again.

    `facts` go into the run's record beside the spec. Raises InvalidSpecError when the migrationId
    is used, when the spec differs from the one that is continued, or when another run may write
    the destination.
    """
    existing = log.control(control.run)
    if existing is None and not spec.resume:
        control = _sharing(log, others, spec, control)
        record = {"mode": spec.mode, "spec": spec.to_json(), "steps": {}, **facts}
        existing = _create(log, others, spec, control=control, record=record)
        if existing is None:
            return control
    if existing is None:
        raise InvalidSpecError(
            [
                Problem(
                    "resume",
                    True,
                    f"the ledger holds no migration named {control.run}",
                    "start it without resume",
                )
            ]
        )
    return _continue(log, others, spec, existing=existing, control=control)


def _sharing(log: RunLog, others: Others, spec: MigrationSpec, control: Control) -> Control:
    """The run's control record; of a repair it names the migration that goes on synchronising."""
    holder = log.writer_of(control.destination) if spec.repair else None
    if holder is None or not _is_repair_of(holder, control):
        return control
    migration = log.control(holder)
    if migration is None or not is_synchronising(log, migration):
        return control
    require_lender(migration, has_ended=_has_ended(others, migration), synchronising=True)
    return replace(control, shares_with=holder)


def _is_repair_of(migration_id: str, control: Control) -> bool:
    return control.run.startswith(f"{migration_id}.verify.")


def _has_ended(others: Others, control: Control) -> bool:
    state = others.executions.describe(control.owner)
    return state is None or state.status in ENDED


def _create(
    log: RunLog,
    others: Others,
    spec: MigrationSpec,
    *,
    control: Control,
    record: dict[str, Any],
) -> Control | None:
    """Creates the run; the control record of whoever was first, when somebody was."""
    writes = (spec.mode in {"migrate", "clean"} or spec.repair) and not control.shares_with
    is_kept, replaced = spec.mode == "migrate", None
    while True:
        try:
            log.create_run(control, record, writes=writes, keep=is_kept, replaces=replaced)
            return None
        except ConditionFailedError as error:
            if 0 in error.failed:
                return log.control(control.run)
        replaced = _replaceable_writer(log, others, control)
        record[BORROWED] = lender_of(log, replaced)


def _continue(
    log: RunLog,
    others: Others,
    spec: MigrationSpec,
    *,
    existing: Control,
    control: Control,
) -> Control:
    is_owner = existing.owner == control.owner
    if not spec.resume:
        if is_owner:
            return existing
        raise InvalidSpecError([_used(spec.migration_id)])
    if existing.stopped:
        raise MigrationStoppedError(
            f"{control.run} was given up with `stop`", hint="start again with a new migrationId"
        )
    _refuse_other_spec(log, spec, control.run)
    if not is_owner:
        _take_over(log, existing, control.owner)
    # Also when this is the second run of a state whose first one died in between.
    taken = Control(control.run, control.owner, existing.phase, existing.destination)
    _claim_again(log, others, taken)
    # What may not differ is equal.
    changed = {**spec.to_json(), "resume": False}
    log.amend(control.run, lambda record: record["spec"].update(changed), control.owner)
    return taken


def _take_over(log: RunLog, existing: Control, owner: str) -> None:
    try:
        log.take_over(existing.run, existing.owner, owner)
    except ConditionFailedError as error:
        raise NotOwnerError(
            f"another execution took {existing.run} over at the same time",
            hint="watch that execution",
        ) from error


def borrow_again(log: RunLog, others: Others, control: Control) -> None:
    """Has a repair that was redriven write its destination, which it gave back when it failed.

    Raises InvalidSpecError when that is another's by now.
    """
    if log.writer_of(control.destination) == control.writer:
        return
    lender = lender_of(log, _claim_again(log, others, control))
    log.amend(control.run, lambda record: record.__setitem__(BORROWED, lender), owner=control.owner)


def _claim_again(log: RunLog, others: Others, control: Control) -> str | None:
    """Makes the run the writer of its destination, in place of one that may be replaced, and
    answers which.
    """
    replaced = None
    while True:
        try:
            log.claim_writer(control, replaced)
            return replaced
        except ConditionFailedError:
            replaced = _replaceable_writer(log, others, control)


def _used(migration_id: str) -> Problem:
    return Problem(
        "migrationId",
        migration_id,
        "was used before; an id names one migration for ever",
        'choose another id, or continue that migration with "resume": true',
    )


def _refuse_other_spec(log: RunLog, spec: MigrationSpec, run: str) -> None:
    record = log.record(run) or {"spec": {}, "steps": {}}
    old, new = record["spec"], spec.to_json()
    may_differ = MAY_DIFFER_AFTER_GAP if record["steps"].get(GAP) else MAY_DIFFER
    problems = [
        Problem(
            name,
            new.get(name),
            f"differs from the migration that is continued ({old.get(name)!r})",
            "give the same value, or start a new migrationId",
        )
        for name in sorted(set(old) | set(new))
        if name not in may_differ and old.get(name) != new.get(name)
    ]
    if problems:
        raise InvalidSpecError(problems)


def _replaceable_writer(log: RunLog, others: Others, control: Control) -> str | None:
    """The run that has the destination, when it may be replaced; raises when it may not.

    A migration keeps its destination until it succeeded or was stopped, since it may be redriven;
    `stop` frees the destination by itself, once no worker can write any more. A run that only
    cleaned or repaired has nothing to lose: it is replaced once its execution has ended, and not
    redriven any more. A repair borrows the destination of the migration that has its id
    (borrowing.py).
    """
    holder = log.writer_of(control.destination)
    if holder is None or holder == control.run:
        return holder
    other = log.control(holder)
    if other is None:
        return holder
    has_ended = _has_ended(others, other)
    if has_ended and (".clean." in holder or ".verify." in holder):
        _retire(log, others, holder, control.owner)
        return holder
    if _is_repair_of(holder, control):
        require_lender(other, has_ended=has_ended)
        return holder
    raise InvalidSpecError(
        [
            Problem(
                "destination.tableName",
                control.destination,
                f"is being written by the migration {holder}",
                f"finish it (redrive, resume) or give it up with `tableferry stop {holder}`",
            )
        ]
    )


def _retire(log: RunLog, others: Others, run: str, ender: str) -> None:
    """Ends a run whose execution has ended: its Lambdas may live on for minutes and go on deleting,
    into what the next run copies. Raises TransientError until their leases are over.
    """
    log.mark_stopped(run, ender)
    settled = settle_leases(others.leases, run, others.margin_seconds, others.now)
    if not settled.done:
        raise TransientError(
            f"{run} has ended, but {settled.leases} of its workers may still write",
            hint="it is tried again; with many tries gone, redrive in some minutes",
        )


def claimed(run: str, owner: str, destination: str) -> Control:
    """The control record that a new run begins with."""
    return Control(run, owner, Phase.CLAIMED, destination)
