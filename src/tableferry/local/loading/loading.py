"""Loads a file into a table of the embedded engine: all of it is checked before the first write."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tableferry.addresses import TableAddress
from tableferry.aws.refusals import translated
from tableferry.aws.session import Sessions
from tableferry.aws.wire import BatchWriteAnswer, BotocoreWireClient
from tableferry.errors import InvalidSpecError, NotFoundError, Problem, TableferryError
from tableferry.local.loading.csv_file import CsvFile
from tableferry.local.loading.entries import Entry, Item, Source
from tableferry.local.loading.exports import Export
from tableferry.local.loading.json_lines import JsonLines
from tableferry.local.loading.keys import Key, KeyCheck, KeyGuess

BATCH_ITEMS = 25  # [BC BatchWriteItem]
MOST_PROBLEMS = 20
_THREADS = 4
_ANSWER = msgspec.json.Decoder(BatchWriteAnswer)
_NOTHING = "nothing was loaded: mend what is listed and load again"

Progress = Callable[[str], None]


class PartlyLoadedError(TableferryError):
    """The writing broke off; the cause says how many items are there."""


def source_of(path: Path, keys: tuple[Key, ...]) -> Source:
    """What the file or folder is, by its name and its first line."""
    if path.is_dir():
        return Export.of(path)
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint="name a file or an export's folder")
    suffixes = {suffix.casefold() for suffix in path.suffixes}
    if suffixes & {".csv", ".tsv"}:
        return CsvFile.of(path, {key.name: key.kind for key in keys if key.kind})
    return JsonLines.of(path)


@dataclass(frozen=True, slots=True)
class Checked:
    """A source without a mistake in it: its keys, and how many items it holds."""

    source: Source
    keys: tuple[Key, ...]
    items: int


def check(source: Source, keys: tuple[Key, ...]) -> Checked:
    """Reads all of it, and guesses the keys where none are given.

    Raises InvalidSpecError with the first 20 mistakes, and how many there are in all.
    """
    guess, known = KeyGuess(), KeyCheck(keys)
    problems: list[Problem] = []
    items, wrong = 0, 0
    for entry in source.entries():
        found: list[Problem] = list(entry.problems)
        if not found and keys:
            found = known.problems(entry)
        elif not found:
            guess.take(entry.item)
        items += not found
        wrong += len(found)
        problems += found[: MOST_PROBLEMS - len(problems)]
    if problems:
        more = (
            f"; the first {len(problems)} of {wrong:,} are listed" if wrong > len(problems) else ""
        )
        raise InvalidSpecError(problems, hint=f"{_NOTHING}{more}")
    if not items:
        problem = Problem("FILE", None, "holds no items", "name a file with one item or more")
        raise InvalidSpecError([problem])
    if keys:
        return Checked(source, known.keys, items)
    return Checked(source, guess.keys(entry.item for entry in source.entries()), items)


@dataclass(frozen=True, slots=True)
class Loader:
    """Writes into one table of the engine."""

    sessions: Sessions
    table: str

    def existing_keys(self) -> tuple[Key, ...] | None:
        """The keys that the table has; None where it is not there."""
        client = self.sessions.client("dynamodb")
        with translated("dynamodb:DescribeTable", self.table):
            try:
                found = client.describe_table(TableName=self.table)["Table"]
            except client.exceptions.ResourceNotFoundException:
                return None
        kinds = {
            each["AttributeName"]: each["AttributeType"] for each in found["AttributeDefinitions"]
        }
        ordered = sorted(found["KeySchema"], key=lambda each: each["KeyType"] != "HASH")
        return tuple(Key(each["AttributeName"], kinds[each["AttributeName"]]) for each in ordered)

    def create(self, keys: tuple[Key, ...]) -> None:
        """Makes the table, on demand, and waits until it is there."""
        client = self.sessions.client("dynamodb")
        kinds = zip(keys, ("HASH", "RANGE"), strict=False)
        with translated("dynamodb:CreateTable", self.table):
            client.create_table(
                TableName=self.table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": key.name, "KeyType": kind} for key, kind in kinds],
                AttributeDefinitions=[
                    {"AttributeName": key.name, "AttributeType": key.kind} for key in keys
                ],
            )
            client.get_waiter("table_exists").wait(
                TableName=self.table, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
            )

    def load(self, checked: Checked, progress: Progress) -> int:
        """Puts all items; PartlyLoadedError says how many are there when it breaks off."""
        client = self.sessions.data_client(TableAddress(self.table), _THREADS)
        writer = _Writer(BotocoreWireClient(client), self.table, checked.items, progress)
        try:
            with ThreadPoolExecutor(_THREADS) as pool:
                # A window, so that a large file is never in memory as a whole.
                pending = _batches(checked.source)
                while window := list(itertools.islice(pending, _THREADS * 8)):
                    list(pool.map(writer.put, window))
        except TableferryError as error:
            raise PartlyLoadedError(
                f"{self.table} holds {writer.loaded:,} of {checked.items:,} items, and the last "
                f"requests' perhaps: {error.cause}",
                hint="load again: the same items go over those that are there",
            ) from error
        return writer.loaded


class _Writer:
    """Counts what several threads put."""

    def __init__(
        self, wire: BotocoreWireClient, table: str, total: int, progress: Progress
    ) -> None:
        self.loaded = 0
        self._wire, self._table, self._total, self._progress = wire, table, total, progress
        self._lock = threading.Lock()

    def put(self, items: list[Item]) -> None:
        requests: list[Any] = [{"PutRequest": {"Item": item}} for item in items]
        wait = 0.05
        while requests:
            with translated("dynamodb:BatchWriteItem", self._table):
                body = {"RequestItems": {self._table: requests}}
                answer = _ANSWER.decode(self._wire.call("BatchWriteItem", body))
            left = answer.unprocessed_items.get(self._table, [])
            self._count(len(requests) - len(left))
            requests = list(left)
            if requests:
                time.sleep(wait)
                wait = min(wait * 2, 2.0)

    def _count(self, items: int) -> None:
        with self._lock:
            before, self.loaded = self.loaded, self.loaded + items
            if before // 20_000 < self.loaded // 20_000:
                self._progress(f"{self.loaded:,} of {self._total:,} items")


def _batches(source: Source) -> Iterator[list[Item]]:
    items = map(_item, source.entries())
    while batch := list(itertools.islice(items, BATCH_ITEMS)):
        yield batch


def _item(entry: Entry) -> Item:
    """Checked before: a problem here means that the file changed meanwhile."""
    if entry.problems:
        raise InvalidSpecError(entry.problems)
    return entry.item
