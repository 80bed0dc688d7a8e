"""What a migration would take: units, time, what bounds it, and three items before and after.

The formulas, and where they come from:

* read units: a consistent scan takes one unit for 4 KB [DDB23:bp-query-scan], so the source costs
  size / 4 KB to copy; counting reads both tables once more; cleaning reads the destination once (a
  projection saves nothing). Size is DescribeTable's; while it says 0, what the sample shows.
* write units: a put costs one unit for each KB begun, of the larger of old and new item
  [DDB:read-write-operations], and as much again for each index that the item is in; taken as the
  average over the sampled items that are migrated. Cleaning deletes each item that is there at the
  same price.
* seconds: the slowest of reading, writing and working. A table takes what it has provisioned, or
  its warm throughput, else what a new on-demand table takes, 12,000 reads and 4,000 writes
  [DDB:on-demand-capacity-mode]. A worker is taken to move 1,000 items a second (an assumption: it
  depends on the items), and every run takes half a minute beside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tableferry.clone_shape import NEW_TABLE_UNITS
from tableferry.item_size import READ_UNIT_BYTES, item_bytes, write_units
from tableferry.items import WireItem
from tableferry.planned_destination import Planned
from tableferry.segments import segment_count
from tableferry.spec import MigrationSpec
from tableferry.table_facts import IndexFacts, TableFacts
from tableferry.validating import Validation

ITEMS_PER_SECOND_OF_A_WORKER = 1_000
SECONDS_BESIDE = 30


@dataclass(frozen=True, slots=True)
class Work:
    """Items and units of a run, by what they are spent on."""

    items: int
    reads_of_source: float
    reads_of_destination: float
    writes: float


def estimate_migration(spec: MigrationSpec, found: Validation) -> dict[str, Any]:
    """The output of mode plan; makes no call."""
    work = _work(spec, found)
    times = _times(spec, found, work)
    bottleneck = max(times, key=lambda name: times[name])
    return {
        "mode": "plan",
        "estimate": {
            "items": work.items,
            "readUnits": round(work.reads_of_source + work.reads_of_destination),
            "writeUnits": round(work.writes),
            "seconds": round(times[bottleneck] + SECONDS_BESIDE),
            "usd": None,
        },
        "bottleneck": bottleneck,
        "warnings": [*found.warnings, *_size_warnings(found)],
        "sample": found.sample.to_json() if found.sample else [],
    }


def _work(spec: MigrationSpec, found: Validation) -> Work:
    source_items, source_bytes = _source_size(found)
    share, average, units = _averages(found)
    items = round(source_items * share)
    written_bytes = items * average
    existing = found.destination if not found.is_destination_empty else None
    there_items, there_bytes = (existing.items, existing.size_bytes) if existing else (0, 0)
    reads_of_destination = 0.0
    writes = items * units
    if spec.clean_destination:
        reads_of_destination += there_bytes / READ_UNIT_BYTES
        writes += there_items * write_units(round(there_bytes / max(there_items, 1)))
        there_bytes = 0
    reads_of_source = source_bytes / READ_UNIT_BYTES
    if spec.verify != "none":
        reads_of_source *= 2
        reads_of_destination += (written_bytes + there_bytes) / READ_UNIT_BYTES
    return Work(items, reads_of_source, reads_of_destination, writes)


def _source_size(found: Validation) -> tuple[int, int]:
    """Items and bytes of the source; from the sample where that is all, or where AWS says 0."""
    source, sample = found.source, found.sample
    items, size = (source.items, source.size_bytes) if source else (0, 0)
    if sample is not None and (sample.is_all or items == 0):
        return len(sample.items), sum(item_bytes(each.before) for each in sample.items)
    return items, size


def _averages(found: Validation) -> tuple[float, float, float]:
    """Of the sample: the share that is migrated, and its items' bytes and write units."""
    if found.sample is None or not found.sample.items:
        return 1.0, 0.0, 1.0
    migrated = found.sample.migrated
    share = len(migrated) / len(found.sample.items)
    if not migrated:
        return share, 0.0, 0.0
    indexes = _indexes(found)
    sizes = [item_bytes(item) for item in migrated]
    units = [
        write_units(size) + sum(_index_units(item, index, size) for index in indexes)
        for item, size in zip(migrated, sizes, strict=True)
    ]
    return share, fmean(sizes), fmean(units)


def _indexes(found: Validation) -> Sequence[IndexFacts]:
    if found.destination is not None:
        return found.destination.indexes
    planned: Planned | None = found.planned
    if planned is None:
        return ()
    return planned.indexes


def _index_units(item: WireItem, index: IndexFacts, size: int) -> int:
    """Units of the item's entry in an index; none where a key of the index is absent."""
    if not all(name in item for name in index.keys):
        return 0
    if index.projection == "ALL":
        return write_units(size)
    kept = {*index.keys, *index.included}
    return write_units(item_bytes({name: item[name] for name in kept if name in item}))


def _times(spec: MigrationSpec, found: Validation, work: Work) -> dict[str, float]:
    """Seconds that each part would take by itself."""
    reads = _capacity(found.source, "read_units", NEW_TABLE_UNITS["ReadUnitsPerSecond"])
    writes = _capacity(found.destination, "write_units", NEW_TABLE_UNITS["WriteUnitsPerSecond"])
    if found.planned is not None and found.destination is None:
        writes = found.planned.write_units_per_second or writes
    source_items, source_bytes = _source_size(found)
    workers = min(
        spec.limits.max_concurrency,
        segment_count(
            spec.segments,
            items=source_items,
            size_bytes=source_bytes,
            max_concurrency=spec.limits.max_concurrency,
        ),
    )
    return {
        f"writing the destination, {writes:,} write units a second": work.writes / writes,
        f"reading the source, {reads:,} read units a second": work.reads_of_source / reads,
        f"{workers:,} workers at once": source_items / (workers * ITEMS_PER_SECOND_OF_A_WORKER),
    }


def _capacity(table: TableFacts | None, kind: str, otherwise: int) -> int:
    found: int | None = getattr(table, kind, None)
    return found or otherwise


def _size_warnings(found: Validation) -> list[str]:
    source, sample = found.source, found.sample
    if source is None or source.items or sample is None or sample.is_all:
        return []
    return [
        f"AWS says that {source.name} has 0 items (it looks every six hours), and it has more than "
        f"the {len(sample.items):,} that were sampled: the estimate is for those alone"
    ]
