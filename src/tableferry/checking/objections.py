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
    """Problems of the spec, tables that are missing, looks that were refused, permissions that a
    role lacks, and warnings.
    """

    problems: list[Problem] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)
    refusals: list[PermissionMissingError] = field(default_factory=list)
    gaps: list[Problem] = field(default_factory=list)
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
        if self.refusals or self.gaps:
            raise self._missing_permissions(everything)
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

    def _missing_permissions(self, everything: list[Problem]) -> PermissionMissingError:
        causes = [error.cause for error in self.refusals]
        hints = [error.hint for error in self.refusals]
        if self.gaps:
            noun = "permission is" if len(self.gaps) == 1 else "permissions are"
            causes.append(f"{len(self.gaps)} {noun} missing for this run")
            hints.append("give what is listed and start again; nothing was touched")
        return PermissionMissingError(
            "; ".join(dict.fromkeys(causes)),
            hint="; ".join(dict.fromkeys(hints)),
            problems=[*self.gaps, *everything],
        )
