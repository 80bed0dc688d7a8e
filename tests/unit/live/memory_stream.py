"""A source whose writes leave records in a stream, and the poller that hands them to sync."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tableferry.errors import RequestRefusedError
from tests.memory_table import Item, MemoryTable

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/Source/stream/2026-11-22T00:00:00.000"
FIRST_NUMBER = 10**20
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MemoryShard:
    id: str
    parent: str | None = None
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    records: list[Record]
    next_iterator: str | None


@dataclass
class MemoryStream:
    """The stream of one table: a record for each change, in one of the shards by its key.

    `hidden` records of each shard are not shown yet, as GetRecords may answer empty before later
    records; `page` records come in one answer.
    """

    table: MemoryTable
    now: Callable[[], float]
    shards_count: int = 1
    page: int = 1000
    records: list[list[Record]] = field(default_factory=list)
    hidden: int = 0
    closed: set[int] = field(default_factory=set)
    reads: int = 0
    arn: str = ARN
    state: str = "ENABLED"
    forgotten: list[int] = field(default_factory=list)
    _number: int = FIRST_NUMBER

    def __post_init__(self) -> None:
        self.records = [[] for _ in range(self.shards_count)]
        self.forgotten = [0] * self.shards_count

    # --- the application ---

    def put(self, item: Item) -> None:
        identity = self.table.check(item)
        old = self.table.items.get(identity)
        self.table.put(item)
        new = self.table.items[identity]
        if old != new:
            self._record(item, old, new)

    def delete(self, key: Item) -> None:
        old = self.table.items.pop(self.table.identity(key), None)
        if old is not None:
            self._record(key, old, None)

    def _record(self, key: Item, old: Item | None, new: Item | None) -> None:
        self._number += 7
        images = {"OldImage": old, "NewImage": new}
        content = {
            "Keys": {name: key[name] for name in self.table.keys},
            "SequenceNumber": str(self._number),
            # Whole seconds: they order nothing.
            "ApproximateCreationDateTime": float(int(self.now())),
            **{name: dict(image) for name, image in images.items() if image is not None},
        }
        self.records[self.shard_of(key)].append({"eventSourceARN": self.arn, "dynamodb": content})

    def shard_of(self, key: Item) -> int:
        return self.table.place(self.table.identity(key)) % self.shards_count

    def forget(self, before: float) -> None:
        """Records that were made before are gone, as after a stream's 24 hours."""
        for shard, records in enumerate(self.records):
            old = [each["dynamodb"]["ApproximateCreationDateTime"] < before for each in records]
            self.forgotten[shard] = sum(old)

    # --- reading, as aws/streams.py does ---

    def status(self) -> str:
        return self.state

    def shards(self) -> list[MemoryShard]:
        return [
            MemoryShard(str(shard), is_open=shard not in self.closed)
            for shard in range(self.shards_count)
        ]

    def iterator(self, shard: str, after: str | None) -> str:
        place = first = self.forgotten[int(shard)]
        if after is not None:
            numbers = [int(_number_of(each)) for each in self.records[int(shard)]]
            place = sum(number <= int(after) for number in numbers)
            if place <= first and place > 0:
                raise RequestRefusedError("it is trimmed", code="TrimmedDataAccessException")
        return f"{shard}:{place}"

    def read(self, iterator: str) -> Answer:
        self.reads += 1
        shard, place = map(int, iterator.split(":"))
        shown = self.records[shard][: len(self.records[shard]) - self.hidden]
        found = shown[place : place + self.page]
        end = place + len(found)
        is_over = shard in self.closed and end == len(self.records[shard])
        return Answer([_as_read(each) for each in found], None if is_over else f"{shard}:{end}")


def _number_of(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _as_read(record: Record) -> Record:
    """As GetRecords gives it, with a datetime."""
    seconds = record["dynamodb"]["ApproximateCreationDateTime"]
    moment = datetime.fromtimestamp(seconds, UTC)
    return {**record, "dynamodb": record["dynamodb"] | {"ApproximateCreationDateTime": moment}}


@dataclass
class Poller:
    """Hands one shard's records over, a batch at a time, and again from the first failure."""

    stream: MemoryStream
    shard: int
    position: int = 0
    heard: set[int] = field(default_factory=lambda: {0})
    """Where it, or one that was given up, ever stood: deliveries may begin there again."""

    def batch(self, most: int = 1000, position: int | None = None) -> list[Record]:
        start = self.position if position is None else position
        return self.stream.records[self.shard][start : start + most]

    def done(self, batch: Sequence[Record]) -> None:
        """The batch succeeded, as far as the poller heard."""
        self.position = max(self.position, self.overheard(batch))

    def overheard(self, batch: Sequence[Record]) -> int:
        """One that was given up heard that the batch succeeded; where it stands then."""
        end = self.stream.records[self.shard].index(batch[-1]) + 1
        self.heard.add(end)
        return end

    @property
    def is_at_end(self) -> bool:
        return self.position == len(self.stream.records[self.shard])
