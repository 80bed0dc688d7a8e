"""What speaks against a run, collected so that all of it comes in one error."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tableferry.errors import (
    CollisionError,
    InvalidSpecError,
    PermissionMissingError,
    Problem,
    TableNotFoundError,
)

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Objections:
    """Problems of the spec, tables that are missing, looks that were refused, and warnings."""

    problems: list[Problem] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)
    refusals: list[PermissionMissingError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    collision: str | None = None

    def tried(self, look: Callable[[], Answer]) -> Answer | None:
        """What the look finds; None where it was refused or found a problem, which is kept."""
        try:
            return look()
        except PermissionMissingError as error:
            self.refusals.append(error)
        except InvalidSpecError as error:
            self.problems += error.problems
        return None

    def raise_them(self) -> None:
        """Raises the one error that says all of it, or nothing.

        PermissionMissingError where a look was refused; TableNotFoundError or CollisionError where
        nothing else speaks against the run; else InvalidSpecError.
        """
        everything = [*self.missing, *self.problems]
        if self.refusals:
            raise PermissionMissingError(
                "; ".join(dict.fromkeys(error.cause for error in self.refusals)),
                hint="; ".join(dict.fromkeys(error.hint for error in self.refusals)),
                problems=everything,
            ) from self.refusals[0]
        if self.problems:
            raise InvalidSpecError(everything)
        if self.missing:
            raise TableNotFoundError(
                "; ".join(f"{problem.value}: {problem.rule}" for problem in self.missing),
                hint="check name, account and Region; nothing was touched",
                problems=self.missing,
            )
        if self.collision is not None:
            raise CollisionError(
                self.collision,
                hint="change the transform so that destination keys differ; nothing was touched",
            )
