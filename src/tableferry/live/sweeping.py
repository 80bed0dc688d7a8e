"""Removing tombstones, once nobody holds a stale read and sync deletes plainly.

A tombstone goes only if it still is one: sync may have put an item under its key meanwhile.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import msgspec

from tableferry.aws.wire import PutAnswer, WireClient, units
from tableferry.errors import RequestRefusedError
from tableferry.items import WireItem
from tableferry.live.tombstones import INTERNAL
from tableferry.live.values import SyncLease
from tableferry.model import Counts
from tableferry.runs.closing import Settled, settle
from tableferry.segments.working import Page, Scan, Worker

_answers = msgspec.json.Decoder(PutAnswer)
STILL_A_TOMBSTONE = {
    "ConditionExpression": "attribute_exists(#tombstone)",
    "ExpressionAttributeNames": {"#tombstone": INTERNAL},
}


def sweep_scan(client: WireClient, table: str, key_names: tuple[str, ...]) -> Scan:
    """Reads the keys of tombstones; the filter saves the way, not the units [DDB:Scan]."""
    names = {f"#k{place}": name for place, name in enumerate(key_names)}
    request: dict[str, Any] = {
        "ConsistentRead": True,
        "ProjectionExpression": ", ".join(names),
        "FilterExpression": "attribute_exists(#tombstone)",
        "ExpressionAttributeNames": {**names, "#tombstone": INTERNAL},
    }
    return Scan(client, table, request)


def sweep_segment(worker: Worker, scan: Scan, key_names: tuple[str, ...]) -> bool:
    """Removes the tombstones of the worker's segment; True when it is done."""

    def handle(page: Page) -> Counts:
        keys = [{name: item[name] for name in key_names} for item in page.items]
        done = list(worker.pool.map(partial(_remove, worker, scan), keys))
        return Counts(
            read=page.count,
            deleted=sum(1 for removed, _ in done if removed),
            write_units=sum(consumed for _, consumed in done),
        )

    return worker.run(scan, handle)


def _remove(worker: Worker, scan: Scan, key: WireItem) -> tuple[bool, float]:
    body = {
        "TableName": scan.table,
        "Key": key,
        "ReturnConsumedCapacity": "TOTAL",
        **STILL_A_TOMBSTONE,
    }
    try:
        answer = worker.retrier.call(
            lambda: _answers.decode(scan.client.call("DeleteItem", body)),
            operation="DeleteItem",
            table=scan.table,
        )
    except RequestRefusedError as error:
        if error.code == "ConditionalCheckFailedException":
            return False, 0.0
        raise
    return True, units(answer.consumed_capacity)


class SyncLeases(Protocol):
    """The ledger's sync leases, as far as opening the sweep needs them."""

    def sync_leases(self, run: str) -> list[SyncLease]: ...

    def release_sync_lease(self, lease: SyncLease) -> None: ...


def settle_sync(
    log: SyncLeases, run: str, margin_seconds: float, now: Callable[[], float] = time.time
) -> Settled:
    """Whether every batch that was begun in an earlier phase is over.

    Such a batch may still leave a tombstone, and one that comes after the sweep would stay.
    Call it only after the phase is `sweeping`.
    """
    older = [lease for lease in log.sync_leases(run) if lease.phase.leaves_tombstones]
    return settle(older, log.release_sync_lease, margin_seconds, now)
