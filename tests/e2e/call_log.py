"""What the functions asked DynamoDB for, read from the fault proxy's call log."""

import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from tableferry.local.faults import Call
from tests.e2e.stack import Stack

Item = dict[str, Any]


def reading_scans(stack: Stack, table: str) -> list[Call]:
    """Scans of a segment that read items: those of a copy, and not those of a count."""
    return stack.proxy.calls.select(
        "Scan",
        table=table,
        forwarded=True,
        where=lambda call: call.segment is not None and b'"Select":"COUNT"' not in call.body,
    )


def writes(stack: Stack, table: str) -> list[Call]:
    """The requests that changed items of the table, or tried to; those that no rule held back."""
    return stack.proxy.calls.select(table=table, writes_items=True, forwarded=True)


def put_items(calls: Iterable[Call], table: str) -> list[Item]:
    """The items of BatchWriteItem requests, as they stand on the wire."""
    return [
        each["PutRequest"]["Item"]
        for call in calls
        if call.operation == "BatchWriteItem"
        for each in json.loads(call.body)["RequestItems"].get(table, [])
        if "PutRequest" in each
    ]


def repeated_reads(scans: Iterable[Call]) -> list[int]:
    """How many pages were read again, for each time that a segment was taken up anew.

    A worker reads a segment's pages in order, so a page that was read before begins a new time.
    """
    found = []
    for calls in _by_segment(scans).values():
        places: dict[str | None, int] = {}
        order = [places.setdefault(call.start_key, len(places)) for call in calls]
        farthest = 0
        for before, place in pairwise(order):
            farthest = max(farthest, before)
            if place <= before:
                found.append(farthest - place + 1)
    return found


def _by_segment(scans: Iterable[Call]) -> dict[int | None, list[Call]]:
    found: dict[int | None, list[Call]] = defaultdict(list)
    for call in scans:
        found[call.segment].append(call)
    return found
