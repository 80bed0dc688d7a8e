"""Other limits for a migration that runs: what workers may use, and how many run at once."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tableferry.cli.shown_limits import limits_text, shown_limits
from tableferry.cli.stack import Stack
from tableferry.errors import InvalidSpecError, Problem
from tableferry.limits import RunLimits

# Workers look at the control record every two seconds (ownership.LOOK_SECONDS).
SEEN_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line said; an option that is not given is not in `changes`."""

    changes: dict[str, Any]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Limited:
    """The limits that hold now, and the Map Runs whose concurrency was changed."""

    migration_id: str
    limits: RunLimits
    map_runs: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "migrationId": self.migration_id,
            "limits": shown_limits(self.limits),
            "mapRuns": list(self.map_runs),
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.migration_id}: {limits_text(self.limits)}"
        yield f"workers follow within {SEEN_SECONDS} s"
        for arn in self.map_runs:
            yield f"concurrency changed of {arn}"


@dataclass(frozen=True, slots=True)
class Limiter:
    """Sets limits of one stack's migrations."""

    stack: Stack
    now: Callable[[], float] = time.time

    def limit(self, migration_id: str, wish: Wish) -> Limited:
        """Writes the limits where workers look, and changes the Maps that run.

        Those that the wish does not name stay. Raises InvalidSpecError for an empty wish.
        """
        migration = self.stack.migration(migration_id)
        if not wish.changes:
            raise InvalidSpecError(
                [
                    Problem(
                        "limit",
                        migration_id,
                        "nothing was asked for",
                        "give --write-units-per-second, --read-units-per-second, "
                        "--max-concurrency or --nice",
                    )
                ]
            )
        before = migration.control.limits or RunLimits.from_spec(migration.record["spec"]["limits"])
        limits = replace(
            before, **wish.changes, by=self.stack.identity, at=self.now(), why=wish.why
        )
        self.stack.runs.set_limits(migration_id, limits)
        changed = []
        if "max_concurrency" in wish.changes:
            changed = self._set_concurrency(migration.control.owner, limits.max_concurrency)
        return Limited(migration_id, limits, tuple(changed))

    def _set_concurrency(self, execution_arn: str, most: int) -> list[str]:
        """Changes the Map that runs, if any; its ARN. Of one that is over AWS refuses it."""
        found = self.stack.executions.map_runs(execution_arn)
        running = [run.arn for run in found if not run.is_over]
        for arn in running:
            self.stack.executions.set_concurrency(arn, most)
        return running
