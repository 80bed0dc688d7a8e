"""What a run may use: the spec's limits, or those that `limit` set since, and what they come to."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What a new on-demand table takes [DDB:on-demand-capacity-mode]: for a table whose own capacity is
# not known when a share of it is asked for.
NEW_TABLE_READS, NEW_TABLE_WRITES = 12_000, 4_000

UnitsLimit = float | str | None


@dataclass(frozen=True, slots=True)
class Budget:
    """Capacity units a second for all workers of a work together, on each table; None: no limit."""

    read_units: float | None = None
    write_units: float | None = None

    @property
    def is_limited(self) -> bool:
        return self.read_units is not None or self.write_units is not None


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a table takes in a second; None where AWS does not say."""

    read_units: float | None = None
    write_units: float | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Capacity":
        return cls(document.get("readUnits"), document.get("writeUnits"))


@dataclass(frozen=True, slots=True)
class RunLimits:
    """The limits that hold, all of them; `by`, `at` and `why` say who set them while it ran.

    Units are a number, a share of what the table takes ("50%"), or None for no limit.
    """

    max_concurrency: int = 40
    read_units: UnitsLimit = None
    write_units: UnitsLimit = None
    nice: bool = False
    by: str = ""
    at: float = 0.0
    why: str = ""

    @classmethod
    def from_spec(cls, limits: Mapping[str, Any]) -> "RunLimits":
        """From `limits` of a spec document with its defaults."""
        return cls(
            limits["maxConcurrency"],
            limits["readUnitsPerSecond"],
            limits["writeUnitsPerSecond"],
            limits["nice"],
        )

    def to_spec(self) -> dict[str, Any]:
        """As `limits` stands in a spec."""
        return {
            "maxConcurrency": self.max_concurrency,
            "readUnitsPerSecond": self.read_units,
            "writeUnitsPerSecond": self.write_units,
            "nice": self.nice,
        }

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def budget(self, read_from: Capacity, written_to: Capacity) -> Budget:
        """The limits in units, for the table that a work reads and the one that it writes."""
        return Budget(
            _units(self.read_units, read_from.read_units or NEW_TABLE_READS),
            _units(self.write_units, written_to.write_units or NEW_TABLE_WRITES),
        )


@dataclass(frozen=True, slots=True)
class Share:
    """A worker's fraction of the budget until `until` (epoch seconds), and what it could use."""

    fraction: float
    want: float
    until: float


Shares = Mapping[str, Share]


def _units(limit: UnitsLimit, whole: float) -> float | None:
    if isinstance(limit, str):
        return float(limit.rstrip("%")) / 100 * whole
    return limit
