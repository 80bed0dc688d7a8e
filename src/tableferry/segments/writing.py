"""Batches to a table: put and delete; each is durable when its call returns.

Batches hold 25 items at most and 4 MB of wire form (AWS: 25 and 16 MB, BC BatchWriteItem; the
smaller size bounds a worker's memory), and never one key twice, which AWS refuses as a whole.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw

from tableferry.aws.retrying import Retrier, every_answer, nothing_refused
from tableferry.aws.wire import BatchWriteAnswer, WireClient, units
from tableferry.errors import RequestRefusedError
from tableferry.items import WireItem, encode
from tableferry.model import Counts

BATCH_ITEMS = 25
BATCH_BYTES = 4_000_000

_write_answers = msgspec.json.Decoder(BatchWriteAnswer)

# Refusals of an item for what it is, by request and by statement; any other is not the item's.
ITEM_ERRORS = frozenset(
    {
        "ValidationException",
        "ValidationError",
        "ItemCollectionSizeLimitExceededException",
        "ItemCollectionSizeLimitExceeded",
    }
)


@dataclass(slots=True)  # not frozen: that takes twice the time, once for each item
class Entry:
    """One item on its way: the source's key for naming it, and the new item."""

    source_key: dict[str, Any]
    item: WireItem


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that DynamoDB refused, with its reason."""

    entry: Entry
    reason: str


@dataclass(slots=True)
class Written:
    """What became of a batch; `skipped` were not inserted, since another item was there, and `kept`
    names their source keys where that item was looked at.
    """

    written: int = 0
    skipped: int = 0
    kept: list[dict[str, Any]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    read_units: float = 0.0
    write_units: float = 0.0

    def add(self, other: "Written") -> None:
        self.written += other.written
        self.skipped += other.skipped
        self.kept += other.kept
        self.refused += other.refused
        self.read_units += other.read_units
        self.write_units += other.write_units

    def to_counts(self) -> Counts:
        return Counts(
            written=self.written,
            skipped=self.skipped,
            read_units=self.read_units,
            write_units=self.write_units,
        )


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Cuts entries into batches by number and by size on the wire."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        length = len(encode(entry.item))
        if batch and (len(batch) == BATCH_ITEMS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to one table, each attempt under the worker's retrier."""

    client: WireClient
    table: str
    key_names: Sequence[str]
    retrier: Retrier

    def put(self, batch: list[Entry]) -> Written:
        """Puts every item, over what is there."""
        requests: list[Any] = [{"PutRequest": {"Item": entry.item}} for entry in batch]
        try:
            return Written(len(batch), write_units=self._write(requests))
        except RequestRefusedError as error:
            if error.code not in ITEM_ERRORS:
                raise
        # One bad item refuses the whole batch; put one by one, it names itself.
        return one_by_one(batch, self._put_one)

    def _put_one(self, entry: Entry) -> Written:
        try:
            return Written(1, write_units=self._write([{"PutRequest": {"Item": entry.item}}]))
        except RequestRefusedError as error:
            return refused(entry, error)

    def delete(self, keys: list[dict[str, Raw]]) -> Written:
        """Deletes every key; a key that is not there is no error."""
        requests: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys]
        return Written(len(keys), write_units=self._write(requests))

    def _write(self, requests: list[Any]) -> float:
        """Sends write requests until none is unprocessed; returns the units."""
        consumed, tries = 0.0, 0
        while requests:
            body = {"RequestItems": {self.table: requests}, "ReturnConsumedCapacity": "TOTAL"}
            sent = len(requests)
            answer = self.call(
                "BatchWriteItem",
                body,
                _write_answers,
                is_progress=partial(_leaves_fewer_than, sent),
                guess=sent,
                refused_share=partial(_unprocessed_share, sent),
            )
            consumed += units(answer.consumed_capacity)
            requests = _unprocessed(answer)
            tries = 0 if len(requests) < sent else tries + 1
            if requests:
                self.pause(tries, "BatchWriteItem", "UnprocessedItems")
        return consumed

    def call(
        self,
        operation: str,
        body: dict[str, Any],
        decoder: Any,
        *,
        is_progress: Callable[[Any], bool] = every_answer,
        guess: float = 1.0,
        refused_share: Callable[[Any], float] = nothing_refused,
    ) -> Any:
        attempt = partial(self.client.call, operation, body)
        return self.retrier.call(
            lambda: decoder.decode(attempt()),
            operation=operation,
            table=self.table,
            is_progress=is_progress,
            guess=guess,
            refused_share=refused_share,
        )

    def pause(self, tries: int, operation: str, last_answer: str) -> None:
        self.retrier.progress.saw_throttle()
        self.retrier.pause(tries, f"{operation} on {self.table}", last_answer)


def _unprocessed(answer: BatchWriteAnswer) -> list[Any]:
    return [each for some in answer.unprocessed_items.values() for each in some]


def _unprocessed_share(sent: int, answer: BatchWriteAnswer) -> float:
    return len(_unprocessed(answer)) / sent


def _leaves_fewer_than(sent: int, answer: BatchWriteAnswer) -> bool:
    return len(_unprocessed(answer)) < sent


def refused(entry: Entry, error: RequestRefusedError) -> Written:
    if error.code in ITEM_ERRORS:
        return Written(refused=[Refusal(entry, error.cause)])
    raise error


def one_by_one(batch: list[Entry], write: Callable[[Entry], Written]) -> Written:
    """Writes the entries one after the other, so that each names its own refusal."""
    result = Written()
    for entry in batch:
        result.add(write(entry))
    return result
