"""Counting one segment of a table; the source's items as the filter lets them through."""

from typing import Any

from tableferry.aws.wire import WireClient
from tableferry.errors import ItemError
from tableferry.items import WireItem, key_of, shown
from tableferry.model import Counts
from tableferry.segments.working import Page, Scan, Worker
from tableferry.transform import Transform


def count_scan(client: WireClient, table: str, filtered: bool, *, consistent: bool) -> Scan:
    """Reads no items unless a filter must see them (the price is the same [DDB:Scan])."""
    request: dict[str, Any] = {"ConsistentRead": consistent}
    if not filtered:
        request["Select"] = "COUNT"
    return Scan(client, table, request)


def count_segment(
    worker: Worker,
    scan: Scan,
    transform: Transform | None,
    key_names: tuple[str, ...],
    *,
    lenient: bool,
) -> bool:
    """Counts the worker's segment; with a transform only the items that it lets through.

    An item that the transform fails on fails the count, unless `lenient`: then it counts as
    quarantined.
    """

    def handle(page: Page) -> Counts:
        counts = Counts(read=page.count)
        if transform is None:
            counts.counted = page.count
            return counts
        for item in page.items:
            try:
                counts.counted += transform.apply(item) is not None
            except ItemError as error:
                if not lenient:
                    raise _named(item, key_names, error) from error
                counts.quarantined += 1
        counts.filtered = page.count - counts.counted - counts.quarantined
        return counts

    return worker.run(scan, handle)


def _named(item: WireItem, key_names: tuple[str, ...], error: ItemError) -> ItemError:
    return ItemError(f"{shown(key_of(item, key_names))}: {error.cause}", hint=error.hint)
