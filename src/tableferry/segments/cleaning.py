"""Deleting everything, or what a condition is true for, from one segment of the destination."""

from concurrent.futures import Future
from typing import Any

from tableferry.aws.wire import WireClient
from tableferry.errors import ItemError
from tableferry.items import WireItem, key_of, shown
from tableferry.model import Counts
from tableferry.segments.overlapping import Pending
from tableferry.segments.working import Page, Scan, Worker
from tableferry.segments.writing import BATCH_ITEMS, Writer, Written
from tableferry.transform import Transform, condition_reason


def clean_scan(
    client: WireClient, table: str, key_names: tuple[str, ...], where: Transform | None
) -> Scan:
    """Reads keys only, unless a condition needs the whole item."""
    request: dict[str, Any] = {"ConsistentRead": True}
    if where is None:
        names = {f"#k{place}": name for place, name in enumerate(key_names)}
        request |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
    return Scan(client, table, request)


def clean_segment(
    worker: Worker, scan: Scan, key_names: tuple[str, ...], where: Transform | None
) -> bool:
    """Cleans the worker's segment; True when it is done.

    `where` is a transform of one filter. An item that it fails on stops the segment before
    anything of its page is deleted.
    """

    def handle(page: Page) -> Pending:
        writer = Writer(scan.client, scan.table, key_names, worker.retrier)
        chosen = [
            item for item in page.items if where is None or _is_chosen(where, item, key_names)
        ]
        keys = [{name: item[name] for name in key_names} for item in chosen]
        groups = [keys[start : start + BATCH_ITEMS] for start in range(0, len(keys), BATCH_ITEMS)]
        futures = [worker.pool.submit(writer.delete, group) for group in groups]
        return Pending(futures, lambda: _deleted(page, futures))

    return worker.run(scan, handle)


def _deleted(page: Page, futures: list["Future[Written]"]) -> Counts:
    results = [future.result() for future in futures]
    return Counts(
        read=page.count,
        deleted=sum(each.written for each in results),
        write_units=sum(each.write_units for each in results),
    )


def _is_chosen(where: Transform, item: WireItem, key_names: tuple[str, ...]) -> bool:
    try:
        return where.apply(item) is not None
    except ItemError as error:
        key = shown(key_of(item, key_names))
        raise ItemError(
            f"cleanWhere fails on the item {key}: {condition_reason(error)}",
            hint="mend the condition; nothing of this page was deleted",
        ) from error
