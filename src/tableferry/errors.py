"""Every error that Tableferry raises on purpose; the class name is public API.

Step Functions, scripts and `--json` see the class name, so the tree is shaped by what the caller
does:

* TableferryError
  x InputError                      the caller's input is wrong: exit status 2, nothing was touched
    - InvalidSpecError              a spec, transform or option breaks rules; carries every problem
    - TableNotFoundError
    - NotFoundError                 an unknown migration, stack or file
  x MigrationError                  the migration failed: exit status 1
    - ItemError                     items that can not be migrated; names them
    - CollisionError                two source items map to one destination key
    - VerificationFailedError
    - NotOwnerError                 another execution owns the migration, or another migration the
    table
    - MigrationPausedError          a stop flag was found: hand back, a redrive goes on
    - MigrationStoppedError         the migration was given up; it can not go on
    - TransformChangedError         a user's transform module changed in mid-run
    - StalledError                  no progress for half an hour; a redrive goes on
    - StreamGapError
    - SnapshotError                 a backup or export failed
    - RequestRefusedError           AWS refused a request for a reason that no retry mends
    - LeaseExpiredError             the lease ended: nothing may be signed any more
  x AccessError                     exit status 3
    - PermissionMissingError        AWS refused an action
    - UnreachableError              the engine or AWS did not answer
  x TransientError                  worth a retry by the state machine
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the input: where, what was found, the rule it breaks, and what to do."""

    path: str
    value: Any
    rule: str
    remedy: str

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "value": self.value, "rule": self.rule, "remedy": self.remedy}

    def __str__(self) -> str:
        return f"{self.path}: {self.rule} (found {self.value!r}); {self.remedy}"


class TableferryError(Exception):
    """Base of all errors: `cause` says what happened and where, `hint` what to do now."""

    exit_status: ClassVar[int] = 1

    def __init__(self, cause: str, *, hint: str = "", problems: Sequence[Problem] = ()) -> None:
        self.cause = cause
        self.hint = hint
        self.problems = tuple(problems)
        super().__init__(cause)

    @property
    def name(self) -> str:
        return type(self).__name__

    def __str__(self) -> str:
        lines = [self.cause, *(f"- {problem}" for problem in self.problems)]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "cause": self.cause,
            "hint": self.hint,
            "problems": [problem.to_json() for problem in self.problems],
        }


class InputError(TableferryError):
    exit_status = 2


class InvalidSpecError(InputError):
    def __init__(self, problems: Sequence[Problem], *, hint: str = "") -> None:
        count = len(problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            f"the input has {count} {noun}",
            hint=hint or "mend what is listed and start again; nothing was touched",
            problems=problems,
        )


class TableNotFoundError(InputError):
    """A named table does not exist (or not in that account and Region)."""


class NotFoundError(InputError):
    """An unknown migration id, stack or file."""


class MigrationError(TableferryError):
    exit_status = 1


class ItemError(MigrationError):
    """One item that can not be migrated (`cause` is the reason), or a page's list of them."""


class CollisionError(MigrationError):
    """Two source items map to one destination key; both source keys are in the cause."""


class VerificationFailedError(MigrationError):
    """The two tables do not match; never retried."""


class NotOwnerError(MigrationError):
    """Another execution owns this migration, or another migration may write this table."""


class MigrationPausedError(MigrationError):
    """The execution was stopped; the worker hands back and a redrive goes on from its
    checkpoint.
    """


class MigrationStoppedError(MigrationError):
    """The migration was given up with `stop`; redrive and resume are refused."""


class TransformChangedError(MigrationError):
    """The user's transform module is not the one that the run began with."""


class StalledError(MigrationError):
    """No progress for the stated time; a redrive goes on from the checkpoint."""


class StreamGapError(MigrationError):
    """Stream records were lost before they were applied."""


class SnapshotError(MigrationError):
    """A backup or an export failed or is gone."""


class LeaseExpiredError(MigrationError):
    """The lease ended; no request may be signed under it any more."""


class RequestRefusedError(MigrationError):
    """AWS refused a request for a reason that no retry mends; `code` is AWS's word for it."""

    def __init__(self, cause: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(cause, hint=hint)
        self.code = code


class AccessError(TableferryError):
    exit_status = 3


class PermissionMissingError(AccessError):
    """AWS refused an action; the hint names the permission."""


class UnreachableError(AccessError):
    """The engine or AWS could not be reached."""


class TransientError(TableferryError):
    """Worth another try by the state machine's retrier."""


def error_named(name: str, cause: str, hint: str = "") -> TableferryError:
    """The error of that class name, for text that comes back from an execution."""
    classes: Mapping[str, type[TableferryError]] = _by_name()
    if name == "InvalidSpecError" or name not in classes:
        error: TableferryError = MigrationError(cause, hint=hint)
        return error
    return classes[name](cause, hint=hint)


def _by_name() -> dict[str, type[TableferryError]]:
    found: dict[str, type[TableferryError]] = {}
    pending: list[type[TableferryError]] = [TableferryError]
    while pending:
        cls = pending.pop()
        found[cls.__name__] = cls
        pending.extend(cls.__subclasses__())
    return found
