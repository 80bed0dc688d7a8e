"""The demo's tables: made anew in the engine, and loaded."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tableferry.addresses import TableAddress
from tableferry.aws.refusals import translated
from tableferry.aws.session import Sessions
from tableferry.local.engine import REGION, RunningEngine

BATCH_ITEMS = 25  # [BC BatchWriteItem]
_THREADS = 4
_TABLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class DemoTables:
    """Tables of the embedded engine."""

    sessions: Sessions

    @classmethod
    def of(cls, engine: RunningEngine) -> "DemoTables":
        return cls(Sessions(region=REGION, endpoint_url=engine.endpoint_url))

    def make_anew(self, definition: dict[str, Any], *others: str) -> None:
        """Makes an empty table of this definition; it and the `others` are deleted before."""
        client = self.sessions.client("dynamodb")
        for name in (definition["TableName"], *others):
            self._delete(client, name)
        with translated("dynamodb:CreateTable", definition["TableName"]):
            client.create_table(**definition)
            self._wait(client, "table_exists", definition["TableName"])

    def load(
        self,
        table: str,
        items: Iterable[dict[str, Any]],
        progress: Callable[[int], None] = lambda _count: None,
    ) -> int:
        """Puts the items (DynamoDB JSON) by several threads at once; returns how many."""
        client = self.sessions.data_client(TableAddress(table), _THREADS)
        loaded, lock = 0, threading.Lock()

        def put(batch: list[dict[str, Any]]) -> None:
            nonlocal loaded
            _put(client, table, batch)
            with lock:
                loaded += len(batch)
                progress(loaded)

        with ThreadPoolExecutor(_THREADS) as pool:
            # A window, so that a large data set is never in memory as a whole.
            pending = _batches(items)
            while window := list(itertools.islice(pending, _THREADS * 8)):
                list(pool.map(put, window))
        return loaded

    def item(self, table: str, key: dict[str, Any]) -> dict[str, Any] | None:
        """One item in DynamoDB JSON; None where the key is not there."""
        client = self.sessions.client("dynamodb")
        with translated("dynamodb:GetItem", table):
            answer = client.get_item(TableName=table, Key=key, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def _delete(self, client: Any, name: str) -> None:
        try:
            client.delete_table(TableName=name)
        except client.exceptions.ResourceNotFoundException:
            return
        self._wait(client, "table_not_exists", name)

    def _wait(self, client: Any, waiter: str, name: str) -> None:
        config = {"Delay": 0.2, "MaxAttempts": int(_TABLE_SECONDS / 0.2)}
        client.get_waiter(waiter).wait(TableName=name, WaiterConfig=config)


def _batches(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    waiting = iter(items)
    while batch := list(itertools.islice(waiting, BATCH_ITEMS)):
        yield batch


def _put(client: Any, table: str, batch: list[dict[str, Any]]) -> None:
    requests = [{"PutRequest": {"Item": item}} for item in batch]
    wait = 0.05
    with translated("dynamodb:BatchWriteItem", table):
        while requests:
            answer = client.batch_write_item(RequestItems={table: requests})
            requests = answer.get("UnprocessedItems", {}).get(table, [])
            if requests:
                time.sleep(wait)
                wait = min(wait * 2, 2.0)
