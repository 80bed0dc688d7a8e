"""Batches to a table, each durable when its call returns."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableferry.errors import (
    PermissionMissingError,
    RequestRefusedError,
    StalledError,
    TableNotFoundError,
)
from tableferry.items import encode, raw
from tableferry.segments.writing import BATCH_BYTES, Entry, batches
from tests.fakes import Faults, PartialFaults, Request, lost_answer, refusal
from tests.writer_bench import TABLE, Bench, entries

sizes = st.integers(1, 50) | st.integers(100_000, 390_000)


@given(st.lists(sizes, max_size=120))
def test_batches_hold_each_entry_once_in_order_within_25_and_the_bytes(sizes: list[int]) -> None:
    items = [Entry({}, {"pk": raw({"S": "x" * size})}) for size in sizes]
    cut = list(batches(items))
    assert [entry for batch in cut for entry in batch] == items
    for batch in cut:
        assert 1 <= len(batch) <= 25
        sent = sum(len(encode(entry.item)) for entry in batch)
        assert sent <= BATCH_BYTES or len(batch) == 1


def test_small_items_go_by_25() -> None:
    assert [len(batch) for batch in batches(entries(60))] == [25, 25, 10]


def test_a_put_replaces_what_is_there() -> None:
    bench = Bench()
    bench.table.put({"pk": {"S": "k3"}, "old": {"S": "gone"}})
    written = bench.writer.put(entries(25))
    assert (written.written, written.write_units) == (25, 25.0)
    assert "old" not in bench.table.items[(("S", "k3"),)]


@pytest.mark.parametrize("table", [TABLE, f"arn:aws:dynamodb:us-east-1:1:table/{TABLE}"])
def test_unprocessed_items_alone_are_sent_again_whatever_their_table_is_called(
    table: str,
) -> None:
    bench = Bench(table, PartialFaults(seed=3, rate=0.3, total=20))
    assert bench.writer.put(entries(25)).written == 25
    assert len(bench.table.items) == 25
    ((asked, first), *later) = [
        request["RequestItems"].popitem() for _, request in bench.dynamo.calls
    ]
    assert later
    sent = [len(first), *(len(requests) for _, requests in later)]
    assert sent == sorted(sent, reverse=True)
    assert {name for name, _ in later} == {asked} == {table}
    assert bench.progress.throttled == len(later)


def test_waits_grow_while_nothing_of_a_batch_is_processed() -> None:
    bench = Bench(faults=PartialFaults(rate=1.0))
    with pytest.raises(StalledError, match="UnprocessedItems"):
        bench.writer.put(entries(3))
    assert bench.dynamo.count("BatchWriteItem") < 1000, "1800 s in waits of 20 s at most"


def test_a_batch_is_put_one_by_one_when_one_item_refuses_the_whole() -> None:
    bench = Bench()
    batch = entries(25)
    batch[7].item["pk"] = raw({"N": "7"})
    batch[9].item["text"] = raw({"S": "x" * 410_000})
    written = bench.writer.put(batch)
    assert written.written == 23
    assert [refusal.entry for refusal in written.refused] == [batch[7], batch[9]]
    assert len(bench.table.items) == 23


def test_an_item_collection_that_is_full_refuses_its_item() -> None:
    bench = Bench()

    def full(operation: str, request: Request) -> None:
        if "k7" in json.dumps(request):
            raise refusal("ItemCollectionSizeLimitExceededException", "10 GB")

    bench.dynamo.arriving = full
    written = bench.writer.put(entries(25))
    assert (written.written, len(written.refused)) == (24, 1)


def test_an_answer_that_was_lost_is_asked_for_again() -> None:
    bench = Bench()
    bench.fail_once("BatchWriteItem", lost_answer(), after=True)
    assert bench.writer.put(entries(25)).written == 25
    assert bench.dynamo.count("BatchWriteItem") == 2


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", PermissionMissingError),
        ("ResourceNotFoundException", TableNotFoundError),
        ("SomethingNewException", RequestRefusedError),
    ],
)
def test_a_refusal_that_is_not_the_items_ends_the_work(
    code: str, expected: type[Exception]
) -> None:
    bench = Bench()
    bench.fail_once("BatchWriteItem", refusal(code))
    with pytest.raises(expected):
        bench.writer.put(entries(3))
    assert bench.dynamo.count("BatchWriteItem") == 0


@pytest.mark.parametrize("faults", [None, Faults(seed=5, rate=0.2, total=30)])
def test_a_delete_counts_its_keys_there_or_not(faults: Faults | None) -> None:
    bench = Bench(faults=faults)
    bench.table.load([{"pk": {"S": f"k{n}"}} for n in range(0, 25, 2)])
    keys = [{"pk": raw({"S": f"k{n}"})} for n in range(25)]
    assert bench.writer.delete(keys).written == 25
    assert bench.table.items == {}


def test_nothing_is_written_twice_in_one_request_by_a_batch_of_distinct_keys() -> None:
    bench = Bench()
    bench.writer.put(entries(25))
    (request,) = [request for _, request in bench.dynamo.calls]
    keys = [write["PutRequest"]["Item"]["pk"]["S"] for write in request["RequestItems"][TABLE]]
    assert len(keys) == len(set(keys)) == 25
