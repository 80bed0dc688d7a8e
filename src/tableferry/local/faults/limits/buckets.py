"""Token buckets with a table's limits: for the table, each of its partitions and its indexes.

A request is admitted while a whole unit is left, and then takes its whole cost, so that a level can
go below zero: what an item costs does not decide whether it is refused, and over time no more is
used than the rate.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping

import msgspec

from tableferry.local.faults.answers import Scope


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one table can take, in units per second; None: any amount, but counted.

    With `partitions` each partition takes at most `partition_read_units` and
    `partition_write_units` too (AWS's own are the defaults [DDB:burst-adaptive-capacity]); None:
    partitions have no limits. A bucket holds `burst_seconds` of its rate (AWS: up to 300) and
    begins full. `on_demand` changes what refusals are called. With `reads_old_items` a write costs
    by the larger of old and new item, at the price of one more request to the engine; without, by
    what the request says: a delete is then one unit.
    """

    read_units: float | None = None
    write_units: float | None = None
    partitions: int | None = None
    burst_seconds: float = 1.0
    partition_read_units: float = 3000.0
    partition_write_units: float = 1000.0
    index_write_units: dict[str, float] = {}
    on_demand: bool = False
    reads_old_items: bool = False

    def __post_init__(self) -> None:
        rates = [self.read_units, self.write_units, *self.index_write_units.values()]
        if any(rate is not None and rate <= 0 for rate in rates) or self.burst_seconds <= 0:
            raise ValueError("rates and burst_seconds are above zero")
        if self.partitions is not None and self.partitions < 1:
            raise ValueError("a table has one partition or more")


class Bucket:
    """Refills at `rate` units per second up to `depth`."""

    def __init__(self, rate: float, depth: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._depth = depth
        self._clock = clock
        self._level = depth
        self._at = clock()

    @property
    def level(self) -> float:
        now = self._clock()
        self._level = min(self._depth, self._level + (now - self._at) * self._rate)
        self._at = now
        return self._level

    @property
    def is_empty(self) -> bool:
        return self.level < min(1.0, self._depth)

    def take(self, units: float) -> None:
        self._level = self.level - units


class Side:
    """The buckets for one table's reads, or for its writes."""

    def __init__(
        self, table: Bucket | None, partitions: list[Bucket], indexes: Mapping[str, Bucket]
    ) -> None:
        self._table = table
        self._partitions = partitions
        self._indexes = indexes
        self.used = 0.0

    def refusal(
        self, partition_key: str | None, indexes: Iterable[str] = ()
    ) -> tuple[Scope, str | None] | None:
        """Which limit refuses now: its scope, and the index; None when none does."""
        if self._table is not None and self._table.is_empty:
            return "table", None
        for index in indexes:
            if index in self._indexes and self._indexes[index].is_empty:
                return "table", index
        partition = self._partition(partition_key)
        if partition is not None and partition.is_empty:
            return "keyRange", None
        return None

    def take(
        self,
        partition_key: str | None,
        units: float,
        index_units: Mapping[str, float] | None = None,
    ) -> None:
        self.used += units
        for bucket in (self._table, self._partition(partition_key)):
            if bucket is not None:
                bucket.take(units)
        for index, extra in (index_units or {}).items():
            if index in self._indexes:
                self._indexes[index].take(extra)

    def _partition(self, partition_key: str | None) -> Bucket | None:
        if partition_key is None or not self._partitions:
            return None
        return self._partitions[zlib.crc32(partition_key.encode()) % len(self._partitions)]


class Meter:
    """One table's limits, and what was used of them."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits

        def bucket(rate: float) -> Bucket:
            return Bucket(rate, rate * limits.burst_seconds, clock)

        def partitions(rate: float) -> list[Bucket]:
            return [bucket(rate) for _ in range(limits.partitions or 0)]

        indexes = {name: bucket(rate) for name, rate in limits.index_write_units.items()}
        reads, writes = limits.read_units, limits.write_units
        self.reads = Side(
            None if reads is None else bucket(reads), partitions(limits.partition_read_units), {}
        )
        self.writes = Side(
            None if writes is None else bucket(writes),
            partitions(limits.partition_write_units),
            indexes,
        )
