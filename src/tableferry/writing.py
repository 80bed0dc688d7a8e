"""Batches to the destination: put, insert if absent, delete; each is durable when its call returns.

Batches hold 25 items at most and 4 MB of wire form (AWS: 25 and 16 MB, BC BatchWriteItem; the
smaller size bounds a worker's memory), and never one key twice, which AWS refuses as a whole.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw

from tableferry import canonical
from tableferry.aws.retrying import Retrier
from tableferry.aws.wire import (
    BatchGetAnswer,
    BatchWriteAnswer,
    PutAnswer,
    StatementError,
    StatementsAnswer,
    WireClient,
)
from tableferry.errors import PermissionMissingError, RequestRefusedError
from tableferry.items import WireItem
from tableferry.model import Counts

BATCH_ITEMS = 25
BATCH_BYTES = 4_000_000
STATEMENT_BYTES = 8_192  # [measured against DynamoDB Local; UTF-8]

_write_answers = msgspec.json.Decoder(BatchWriteAnswer)
_statement_answers = msgspec.json.Decoder(StatementsAnswer)
_get_answers = msgspec.json.Decoder(BatchGetAnswer)
_put_answers = msgspec.json.Decoder(PutAnswer)

RETRIED_STATEMENT_ERRORS = frozenset(
    {
        "RequestLimitExceeded",
        "ProvisionedThroughputExceeded",
        "TransactionConflict",
        "ThrottlingError",
        "InternalServerError",
    }
)


@dataclass(frozen=True, slots=True)
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
    """What became of a batch."""

    written: int = 0
    existing: list[Entry] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    units: float = 0.0

    def add(self, other: "Written") -> None:
        self.written += other.written
        self.existing += other.existing
        self.refused += other.refused
        self.units += other.units

    def to_counts(self) -> Counts:
        return Counts(written=self.written, write_units=self.units)


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Cuts entries into batches by number and by size on the wire."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        length = wire_length(entry.item)
        if batch and (len(batch) == BATCH_ITEMS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch


def wire_length(item: WireItem) -> int:
    """Bytes of the item on the wire, up to escapes in names."""
    return sum(len(memoryview(value)) + len(name) + 4 for name, value in item.items())


@dataclass(slots=True)
class Writer:
    """Writes to one table, each attempt under the worker's retrier."""

    client: WireClient
    table: str
    key_names: Sequence[str]
    retrier: Retrier
    _partiql: bool = True

    def __post_init__(self) -> None:
        # PartiQL takes no table of another account [DDB:rbac-iam-actions].
        self._partiql = not self.table.startswith("arn:")

    # --- put ---

    def put(self, batch: list[Entry]) -> Written:
        """Puts every item, over what is there."""
        requests: list[Any] = [{"PutRequest": {"Item": entry.item}} for entry in batch]
        try:
            return Written(len(batch), units=self._write(requests))
        except RequestRefusedError as error:
            if error.code != "ValidationException":
                raise
        # One bad item refuses the whole batch; put one by one, it names itself.
        return self._one_by_one(batch, self._put_one)

    def _put_one(self, entry: Entry) -> Written:
        try:
            return Written(1, units=self._write([{"PutRequest": {"Item": entry.item}}]))
        except RequestRefusedError as error:
            return _refused(entry, error)

    def delete(self, keys: list[dict[str, Raw]]) -> Written:
        """Deletes every key; a key that is not there is no error."""
        requests: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys]
        return Written(len(keys), units=self._write(requests))

    def _write(self, requests: list[Any]) -> float:
        """Sends write requests until none is unprocessed; returns the units."""
        units, tries = 0.0, 0
        while requests:
            body = {"RequestItems": {self.table: requests}, "ReturnConsumedCapacity": "TOTAL"}
            answer = self._call("BatchWriteItem", body, _write_answers)
            units += sum(each.capacity_units for each in answer.consumed_capacity)
            left: list[Any] = [each for some in answer.unprocessed_items.values() for each in some]
            tries = 0 if len(left) < len(requests) else tries + 1
            requests = left
            if left:
                self.retrier.progress.saw_throttle()
                self.retrier.pause(tries, f"BatchWriteItem on {self.table}", "UnprocessedItems")
        return units

    # --- insert if absent ---

    def insert(self, batch: list[Entry]) -> Written:
        """Inserts the items whose keys hold nothing; the others come back as `existing`."""
        result = Written()
        short, long = [], []
        for entry in batch:
            statement = _statement(self.table, entry.item) if self._partiql else None
            if statement is None or len(statement.encode()) > STATEMENT_BYTES:
                long.append(entry)
            else:
                short.append((entry, statement))
        if short:
            try:
                result.add(self._insert_statements(short))
            except PermissionMissingError:
                # A role without dynamodb:PartiQLInsert can still put on condition, one by one.
                self._partiql = False
                long += [entry for entry, _ in short]
        result.add(self._one_by_one(long, self._insert_one))
        return result

    def _insert_statements(self, pending: list[tuple[Entry, str]]) -> Written:
        result, tries = Written(), 0
        while pending:
            body = {
                "Statements": [
                    {"Statement": statement, "Parameters": list(entry.item.values())}
                    for entry, statement in pending
                ],
                "ReturnConsumedCapacity": "TOTAL",
            }
            answer = self._call("BatchExecuteStatement", body, _statement_answers)
            result.units += sum(each.capacity_units for each in answer.consumed_capacity)
            left: list[tuple[Entry, str]] = []
            # strict: a 200 whose statements are not all answered would lose items silently.
            for one, each in zip(pending, answer.responses, strict=True):
                if _sort_statement(each.error, one[0], result):
                    left.append(one)
            tries = 0 if len(left) < len(pending) else tries + 1
            pending = left
            if left:
                self.retrier.progress.saw_throttle()
                what = f"BatchExecuteStatement on {self.table}"
                self.retrier.pause(tries, what, "throttled statements")
        return result

    def _insert_one(self, entry: Entry) -> Written:
        body = {
            "TableName": self.table,
            "Item": entry.item,
            "ConditionExpression": "attribute_not_exists(#k0)",
            "ExpressionAttributeNames": {"#k0": self.key_names[0]},
            "ReturnConsumedCapacity": "TOTAL",
        }
        try:
            answer = self._call("PutItem", body, _put_answers)
        except RequestRefusedError as error:
            if error.code == "ConditionalCheckFailedException":
                return Written(existing=[entry])
            return _refused(entry, error)
        units = answer.consumed_capacity.capacity_units if answer.consumed_capacity else 0.0
        return Written(1, units=units)

    def equal_to_existing(self, entries: list[Entry]) -> int:
        """How many of these equal the item that is there: written before, by a try whose answer
        was lost.
        """
        wanted = {canonical.key_bytes(entry.item, self.key_names): entry for entry in entries}
        keys: Any = [
            {name: entry.item[name] for name in self.key_names} for entry in wanted.values()
        ]
        equal, tries = 0, 0
        request: Any = {"Keys": keys, "ConsistentRead": True}
        while request is not None:
            body = {"RequestItems": {self.table: request}}
            answer = self._call("BatchGetItem", body, _get_answers)
            for found in (item for some in answer.responses.values() for item in some):
                entry = wanted[canonical.key_bytes(found, self.key_names)]
                equal += canonical.item_bytes(found) == canonical.item_bytes(entry.item)
            request = next(iter(answer.unprocessed_keys.values()), None)
            if request is not None:
                tries += 1
                self.retrier.pause(tries, f"BatchGetItem on {self.table}", "UnprocessedKeys")
        return equal

    # --- requests ---

    def _one_by_one(self, batch: list[Entry], write: Callable[[Entry], Written]) -> Written:
        result = Written()
        for entry in batch:
            result.add(write(entry))
        return result

    def _call(self, operation: str, body: dict[str, Any], decoder: Any) -> Any:
        attempt = partial(self.client.call, operation, body)
        return self.retrier.call(
            lambda: decoder.decode(attempt()), operation=operation, table=self.table
        )


def _statement(table: str, item: WireItem) -> str:
    """A PartiQL INSERT with a parameter for each value; names are quoted with `'` doubled, so
    any name works.
    """
    names = ", ".join("'" + name.replace("'", "''") + "': ?" for name in item)
    return f'INSERT INTO "{table}" VALUE {{{names}}}'


def _sort_statement(error: StatementError | None, entry: Entry, result: Written) -> bool:
    """Puts a statement's answer where it belongs; True when it is to be tried again."""
    if error is None:
        result.written += 1
    elif error.code == "DuplicateItem":
        result.existing.append(entry)
    elif error.code in RETRIED_STATEMENT_ERRORS:
        return True
    else:
        result.refused.append(Refusal(entry, f"{error.code}: {error.message}"))
    return False


def _refused(entry: Entry, error: RequestRefusedError) -> Written:
    if error.code in {"ValidationException", "ItemCollectionSizeLimitExceededException"}:
        return Written(refused=[Refusal(entry, error.cause)])
    raise error
