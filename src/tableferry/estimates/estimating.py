"""What a migration would take: units, time, money, what bounds it, and items before and after.

The formulas, and where they come from:

* read units: a consistent scan takes one unit for 4 KB [DDB23:bp-query-scan], and half a unit more
  for each page that ends within one; so the source costs size / 4 KB to copy. Verification reads
  both tables once more; cleaning reads the destination once, and so does live's sweep (a projection
  saves nothing). Size is DescribeTable's; while it says 0, what the sample shows.
* write units: a put costs one unit for each KB begun, of the larger of old and new item
  [DDB:read-write-operations], and as much again for each index that the item is in; taken as the
  average over the sampled items that are migrated. Cleaning deletes each item that is there at the
  same price. Of a live migration the applications' own writes are not in it.
* seconds and money: timing.py, capacities.py, costing.py, prices.json.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tableferry.checking.validating import Validation
from tableferry.estimates.capacities import Capacities, capacities
from tableferry.estimates.costing import Bill, StackFacts, cost_of, effort_of
from tableferry.estimates.keys_judged import judge_keys
from tableferry.estimates.prices import Prices
from tableferry.estimates.timing import Phase, Times, time_of
from tableferry.item_size import READ_UNIT_BYTES, item_bytes, write_units
from tableferry.items import WireItem
from tableferry.runs.route import functions_of, route
from tableferry.segments.cutting import segment_count
from tableferry.spec import MigrationSpec
from tableferry.table_facts import IndexFacts

PAGE_BYTES = 1024 * 1024
# A page ends within a unit of 4 KB.
UNITS_LOST_WITH_A_PAGE = 0.5
# A sample's mean may well be so many times another than the table's.
SIZE_IS_FAR = 2.0


@dataclass(frozen=True, slots=True)
class Expected:
    """Of the source and of the items that are migrated: how many, and how large. `share` is that
    of the source's items that are migrated, `units` the write units of one.
    """

    source_items: int
    source_bytes: float
    share: float
    item_bytes: float
    units: float

    @property
    def items(self) -> int:
        return round(self.source_items * self.share)

    @property
    def written_bytes(self) -> float:
        return self.items * self.item_bytes


def estimate_migration(
    spec: MigrationSpec,
    found: Validation,
    stack: StackFacts | None = None,
    prices: Prices | None = None,
) -> dict[str, Any]:
    """The output of mode plan; makes no call. `details` holds what the other fields rest on."""
    stack = stack or StackFacts()
    expected = _expected(found)
    keys = judge_keys(spec, found, expected.written_bytes)
    phases = _phases(spec, found, expected, keys.hottest_share)
    capacity = capacities(spec, found.source, found.destination, found.planned)
    is_created = found.destination is None
    is_backed_up = spec.undo == "backup" and not found.is_destination_empty
    states = route(spec, is_created=is_created, is_backed_up=is_backed_up)
    backups = (spec.snapshot != "none") + is_backed_up
    times = time_of(phases, capacity, stack.pace, states=functions_of(states), backups=backups)
    pages = sum(phase.items for phase in phases) * expected.item_bytes / PAGE_BYTES
    effort = effort_of(phases, times, states, stack, pages=pages)
    bill = _bill(spec, found, phases, expected)
    cost = cost_of(bill, effort, stack, prices or Prices.with_own(stack.prices_file))
    return {
        "mode": "plan",
        "estimate": {
            "items": expected.items,
            "readUnits": round(sum(_reads(phase) for phase in phases)),
            "writeUnits": round(sum(phase.writes for phase in phases)),
            "seconds": round(times.total),
            "usd": cost["total"],
        },
        "bottleneck": times.bottleneck,
        "warnings": [*found.warnings, *_size_warnings(found), *keys.warnings],
        "sample": found.sample.to_json() if found.sample else [],
        "details": {"time": _time(times, capacity), "cost": cost, **keys.to_json()},
    }


def remembered(plan: dict[str, Any]) -> dict[str, Any]:
    """What a run keeps of its plan, to be set against what it took."""
    budget = plan["details"]["time"]["capacity"]
    return {
        **plan["estimate"],
        "bottleneck": plan["bottleneck"],
        "budget": {
            "ReadUnitBudget": budget["sourceReads"]["unitsPerSecond"],
            "WriteUnitBudget": budget["destinationWrites"]["unitsPerSecond"],
        },
    }


def _expected(found: Validation) -> Expected:
    items, size = _source_size(found)
    before = found.all_sampled
    if not before:
        return Expected(items, size, 1.0, 0.0, 1.0)
    migrated = [each for each in before if each.after is not None]
    share = len(migrated) / len(before)
    if not migrated:
        return Expected(items, size, share, 0.0, 0.0)
    indexes = _indexes(found)
    after = [each.after for each in migrated if each.after is not None]
    sizes = [item_bytes(item) for item in after]
    units = [
        write_units(each) + sum(_index_units(item, index, each) for index in indexes)
        for item, each in zip(after, sizes, strict=True)
    ]
    sampled = _mean_bytes(found)
    # The table's own mean is exact, the sample's is not: what the items grow by is the sample's.
    scale = size / items / sampled if items and sampled else 1.0
    return Expected(items, size, share, fmean(sizes) * scale, fmean(units))


def _source_size(found: Validation) -> tuple[int, int]:
    """Items and bytes of the source; from the sample where that is all, or where AWS says 0."""
    source, sample = found.source, found.sample
    items, size = (source.items, source.size_bytes) if source else (0, 0)
    if sample is not None and (sample.is_all or items == 0):
        return len(sample.items), sum(item_bytes(each.before) for each in sample.items)
    seen = _mean_bytes(found) * items
    # Both figures of AWS are hours old, but of one moment: far from what is seen, they are wrong.
    return items, size if seen / SIZE_IS_FAR <= size <= seen * SIZE_IS_FAR or not seen else round(
        seen
    )


def _mean_bytes(found: Validation) -> float:
    """Of the sampled items of the source; 0 where there are none."""
    return fmean([item_bytes(each.before) for each in found.all_sampled] or [0])


def _indexes(found: Validation) -> Sequence[IndexFacts]:
    if found.destination is not None:
        return found.destination.indexes
    return found.planned.indexes if found.planned is not None else ()


def _index_units(item: WireItem, index: IndexFacts, size: int) -> int:
    """Units of the item's entry in an index; none where a key of the index is absent."""
    if not all(name in item for name in index.keys):
        return 0
    if index.projection == "ALL":
        return write_units(size)
    kept = {*index.keys, *index.included}
    return write_units(item_bytes({name: item[name] for name in kept if name in item}))


def _phases(
    spec: MigrationSpec, found: Validation, expected: Expected, hottest: float
) -> list[Phase]:
    """What the run does to the tables, in order."""
    there = found.destination if not found.is_destination_empty else None
    there_items, there_bytes = (there.items, there.size_bytes) if there else (0, 0)
    phases: list[Phase] = []
    if spec.clean_destination:
        phases.append(_cleaning(spec, there_items, there_bytes))
        there_items = there_bytes = 0
    cut = _cut(spec, *_source_size(found))
    copy = _phase(
        spec,
        "copy",
        expected.source_items,
        cut,
        source_reads=_read_units(expected.source_bytes, cut),
        writes=expected.items * expected.units,
        handled=expected.source_items + expected.items,
        hottest=hottest,
    )
    after = (expected.items + there_items, expected.written_bytes + there_bytes)
    return [*phases, copy, *_phases_after(spec, copy, *after)]


def _cleaning(spec: MigrationSpec, items: int, size_bytes: int) -> Phase:
    cut = _cut(spec, items, size_bytes)
    deletes = float(items * write_units(round(size_bytes / max(items, 1))))
    reads = _read_units(size_bytes, cut)
    return _phase(
        spec, "clean", items, cut, destination_reads=reads, writes=deletes, handled=2 * items
    )


def _phases_after(
    spec: MigrationSpec, copy: Phase, items: int, size_bytes: float
) -> Iterator[Phase]:
    """What reads the destination once it holds so much, beside the source."""
    cut = _cut(spec, items, size_bytes)
    reads = _read_units(size_bytes, cut)
    if spec.strategy == "live":
        yield _phase(spec, "sweep", items, cut, destination_reads=reads)
    if spec.verify != "none":
        yield _phase(
            spec,
            "verify",
            copy.items + items,
            copy.segments + cut,
            source_reads=copy.source_reads,
            destination_reads=reads,
            turn_states=3,
        )


def _phase(spec: MigrationSpec, name: str, items: float, segments: int, **more: Any) -> Phase:
    workers = min(spec.limits.max_concurrency, segments)
    facts = {"handled": items, **more}
    return Phase(name=name, items=items, segments=segments, workers=workers, **facts)


def _cut(spec: MigrationSpec, items: int, size_bytes: float) -> int:
    most = spec.limits.max_concurrency
    return segment_count(
        spec.segments, items=items, size_bytes=round(size_bytes), max_concurrency=most
    )


def _read_units(size_bytes: float, segments: int) -> float:
    """Each segment is read page by page, and an empty one takes a unit to be seen as that."""
    pages = max(segments, size_bytes / PAGE_BYTES)
    return pages * max(1.0, size_bytes / pages / READ_UNIT_BYTES + UNITS_LOST_WITH_A_PAGE)


def _reads(phase: Phase) -> float:
    return phase.source_reads + phase.destination_reads


def _bill(
    spec: MigrationSpec, found: Validation, phases: Sequence[Phase], expected: Expected
) -> Bill:
    """What is paid by the request, and what is kept: provisioned tables cost no more for being
    read.
    """
    pays_source = found.source is None or found.source.is_on_demand
    pays_destination = found.destination is None or found.destination.is_on_demand
    if found.destination is None and found.planned is not None:
        pays_destination = not found.planned.is_provisioned
    reads = {
        phase.name: phase.source_reads * pays_source + phase.destination_reads * pays_destination
        for phase in phases
    }
    there = found.destination if not found.is_destination_empty else None
    undo = there.size_bytes if there is not None and spec.undo == "backup" else 0
    is_export = spec.snapshot == "export"
    return Bill(
        read_units=sum(reads.values()),
        write_units=sum(phase.writes for phase in phases) * pays_destination,
        verification_units=reads.get("verify", 0.0),
        backup_bytes=undo + (expected.source_bytes if spec.snapshot == "backup" else 0),
        export_bytes=expected.source_bytes if is_export else 0,
        turns_recovery_on=is_export and found.is_recovery_on is False,
    )


def _time(times: Times, capacity: Capacities) -> dict[str, Any]:
    return {
        "phases": {name: round(seconds, 1) for name, seconds in times.phases.items()},
        "beside": round(times.beside, 1),
        "raisedBy": times.raise_it,
        "capacity": {
            name: {"unitsPerSecond": each.units, "setBy": each.set_by}
            for name, each in (
                ("sourceReads", capacity.source_reads),
                ("destinationReads", capacity.destination_reads),
                ("destinationWrites", capacity.destination_writes),
            )
        },
    }


def _size_warnings(found: Validation) -> list[str]:
    source, sample = found.source, found.sample
    if source is None or source.items or sample is None or sample.is_all:
        return []
    return [
        f"AWS says that {source.name} has 0 items (it looks every six hours), and it has more than "
        f"the {len(sample.items):,} that were sampled: the estimate is for those alone"
    ]
