"""How much a run may read and write in a second, what sets that, and what raises it."""

from dataclasses import dataclass

from tableferry.destination.clone_shape import NEW_TABLE_UNITS
from tableferry.destination.planned_destination import Planned
from tableferry.spec import MigrationSpec
from tableferry.table_facts import TableFacts

# [DDB:burst-adaptive-capacity] in both billing modes.
PARTITION_READS, PARTITION_WRITES = 3_000, 1_000


@dataclass(frozen=True, slots=True)
class Capacity:
    """Units in a second; `set_by` says whose number it is, `raise_it` what makes it larger."""

    units: float
    set_by: str
    raise_it: str


@dataclass(frozen=True, slots=True)
class Capacities:
    """What the run may use of each table."""

    source_reads: Capacity
    destination_reads: Capacity
    destination_writes: Capacity


def capacities(
    spec: MigrationSpec,
    source: TableFacts | None,
    destination: TableFacts | None,
    planned: Planned | None,
) -> Capacities:
    """Each table's own limit, or the budget of the spec where that is less."""
    writes = _of_table(destination, "Write", "destination")
    if destination is None and planned is not None and planned.write_units_per_second:
        units = planned.write_units_per_second
        writes = Capacity(units, "what it is created with", _MORE["Write"])
    limits = spec.limits
    return Capacities(
        _within(_of_table(source, "Read", "source"), limits.read_units_per_second, "read"),
        _of_table(destination, "Read", "destination"),
        _within(writes, limits.write_units_per_second, "write"),
    )


_MORE = {
    kind: f"raise its provisioned {kind.lower()} capacity, or set WarmThroughput, before the run"
    for kind in ("Read", "Write")
}
_ON_DEMAND = (
    "set its WarmThroughput before the run (UpdateTable; AWS charges once): an on-demand table "
    "takes twice its former peak at once, and more only over half an hour"
)


def _of_table(table: TableFacts | None, kind: str, side: str) -> Capacity:
    units = None
    if table is not None:
        units = table.read_units if kind == "Read" else table.write_units
    if table is not None and not table.is_on_demand and units:
        more = f"raise the {side}'s provisioned {kind.lower()} capacity for the time of the run"
        return Capacity(units, "provisioned", more)
    if units:
        return Capacity(units, "its warm throughput or its own maximum", _ON_DEMAND)
    start = NEW_TABLE_UNITS[f"{kind}UnitsPerSecond"]
    return Capacity(start, "what a new on-demand table takes", _ON_DEMAND)


def _within(table: Capacity, budget: float | str | None, kind: str) -> Capacity:
    """The table's, or the budget: a number, or a share of the table's such as "50%"."""
    if budget is None:
        return table
    share = float(budget[:-1]) / 100 if isinstance(budget, str) else None
    units = table.units * share if share is not None else float(budget)
    if units >= table.units:
        return table
    field = f"limits.{kind}UnitsPerSecond"
    return Capacity(units, field, f"raise {field}, up to {table.units:,.0f}")
