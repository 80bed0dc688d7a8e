"""Gap: a page of a Scan costs what the page holds.

Stock: each page sorts and hashes every key of the table, so that a scan in pages is quadratic, on
the one thread that serves all of DynamoDB. Here the keys are kept in order, by segment, once a
table has been scanned. Order, segments and page ends are MiniStack's own.
"""

import bisect
import hashlib
from collections.abc import Iterator
from typing import Any

from ministack.services import dynamodb

from tableferry.local.launcher import patching

ORDER = "_tableferry_scan_order"

Table = dict[str, Any]
Key = tuple[str, str]

STOCK_CANDIDATES = """    all_items = []
    for pk in sorted(table["items"].keys()):
        for sk in sorted(table["items"][pk].keys()):
            all_items.append(table["items"][pk][sk])
"""
CANDIDATES = """    if index_name:
        all_items = [table["items"][pk][sk] for pk in sorted(table["items"])
                     for sk in sorted(table["items"][pk])]
    else:
        all_items = _tableferry_candidates(table, data)
"""
STOCK_SEGMENT = "        all_items = [it for it in all_items if _seg_match(it)]\n"
SEGMENT = """        if index_name:
            all_items = [it for it in all_items if _seg_match(it)]
"""
STOCK_START = "            all_items = _apply_exclusive_start_key_scan(all_items, esk, table)\n"
START = "            pass\n"


class ScanOrder:
    """A table's keys in the order of a scan, for each number of segments that was asked for."""

    def __init__(self, items: dict[str, dict[str, Any]]) -> None:
        self.items = items
        self._segments: dict[int, list[list[Key]]] = {}

    def after(self, start: Key | None, segment: int, total: int) -> list[Key]:
        """The segment's keys, beyond `start`."""
        keys = self._of_total(total)[segment]
        return keys[bisect.bisect_right(keys, start) if start else 0 :]

    def add(self, key: Key) -> None:
        for total, segments in self._segments.items():
            bisect.insort(segments[_segment(key[0], total)], key)

    def remove(self, key: Key) -> None:
        for total, segments in self._segments.items():
            keys = segments[_segment(key[0], total)]
            index = bisect.bisect_left(keys, key)
            if index < len(keys) and keys[index] == key:
                del keys[index]

    def _of_total(self, total: int) -> list[list[Key]]:
        if total not in self._segments:
            segments: list[list[Key]] = [[] for _ in range(total)]
            for partition in sorted(self.items):
                keys = segments[_segment(partition, total)]
                keys.extend((partition, sort) for sort in sorted(self.items[partition]))
            self._segments[total] = segments
        return self._segments[total]


def close() -> None:
    stock_set = dynamodb._set_item
    stock_remove = dynamodb._remove_item

    def set_item(table: Table, partition: str, sort: str, item: Any) -> Any:
        old = stock_set(table, partition, sort, item)
        if old is None and ORDER in table:
            table[ORDER].add((partition, sort))
        return old

    def remove_item(table: Table, partition: str, sort: str) -> Any:
        old = stock_remove(table, partition, sort)
        if old is not None and ORDER in table:
            table[ORDER].remove((partition, sort))
        return old

    patching.replace(dynamodb, "_set_item", set_item, digest="4e78ad492132")
    patching.replace(dynamodb, "_remove_item", remove_item, digest="5cce50c99688")
    dynamodb._tableferry_candidates = candidates
    changes = {STOCK_CANDIDATES: CANDIDATES, STOCK_SEGMENT: SEGMENT, STOCK_START: START}
    patching.substitute(dynamodb, "_scan", changes)


def candidates(table: Table, request: dict[str, Any]) -> Iterator[Any]:
    """The items that a Scan may return, in order, from its start key on."""
    order = table.get(ORDER)
    if order is None or order.items is not table["items"]:
        order = table[ORDER] = ScanOrder(table["items"])
    start = _start_key(table, request.get("ExclusiveStartKey"))
    segment, total = int(request.get("Segment") or 0), int(request.get("TotalSegments") or 1)
    for partition, sort in order.after(start, segment, total):
        item = table["items"].get(partition, {}).get(sort)
        if item is not None:
            yield item


def _start_key(table: Table, key: dict[str, Any] | None) -> Key | None:
    if not key or table["pk_name"] not in key:
        return None
    partition = dynamodb._extract_key_val(key[table["pk_name"]])
    sort_name = table["sk_name"]
    sort = dynamodb._extract_key_val(key.get(sort_name, {})) if sort_name else "__no_sort__"
    return str(partition), str(sort)


def _segment(partition: str, total: int) -> int:
    digest = hashlib.sha1(str(partition).encode()).digest()
    return int.from_bytes(digest[:4], "big") % total
