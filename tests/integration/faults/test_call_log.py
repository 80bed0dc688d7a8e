"""The call log: who asked for what, when, and what became of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tableferry.local.faults import Deny, FaultProxy, Freeze
from tests.integration.faults.recorder import exchange
from tests.integration.faults.talking import inserts, item, puts
from tests.support.fixtures import dynamodb_client


def test_call_tells_who_did_what_to_which_table(client: Any, proxy: FaultProxy, table: str) -> None:
    before = time.time()
    client.batch_write_item(**puts(table, "abc"))
    (call,) = proxy.calls.select()
    assert before <= call.at <= call.ended <= time.time()
    assert (call.operation, call.tables, call.keys) == ("BatchWriteItem", (table,), 3)
    assert (call.status, call.error, call.forwarded) == (200, "", True)
    assert call.mutating and call.writes_items
    assert call.access_key == "test"
    assert "Botocore" in call.agent
    assert call.body == b"", "bodies are kept only when asked for"


def test_nothing_secret_is_kept(client: Any, proxy: FaultProxy, table: str) -> None:
    client.get_item(TableName=table, Key=item("a"))
    (call,) = proxy.calls.select()
    assert "Signature" not in repr(call)


def test_partiql_writes_count_as_writes_and_selects_do_not(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    client.batch_execute_statement(**inserts(table, "ab"))
    client.execute_statement(Statement=f'SELECT * FROM "{table}"')
    insert, select = proxy.calls.select(table=table)
    assert (insert.mutating, insert.writes_items, insert.keys) == (True, True, 2)
    assert (select.mutating, select.writes_items) == (False, False)


def test_settings_of_a_table_are_mutating_but_no_writes_of_items(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    client.describe_table(TableName=table)
    client.list_tables(Limit=1)
    client.delete_table(TableName=table)
    (call,) = proxy.calls.select(mutating=True)
    assert (call.operation, call.tables, call.writes_items) == ("DeleteTable", (table,), False)


def test_question_for_no_write_after_a_moment(client: Any, proxy: FaultProxy, table: str) -> None:
    client.put_item(TableName=table, Item=item("a"))
    stopped = time.time()
    client.get_item(TableName=table, Key=item("a"))
    assert proxy.calls.count(table=table, writes_items=True) == 1
    assert proxy.calls.count(table=table, writes_items=True, since=stopped) == 0
    client.delete_item(TableName=table, Key=item("a"))
    late = proxy.calls.select(table=table, writes_items=True, since=stopped)
    assert [call.operation for call in late] == ["DeleteItem"]


def test_table_that_could_not_be_read_is_in_every_tables_log(proxy: FaultProxy) -> None:
    """So 'no write to this table' is never true only because a request was not understood."""
    exchange(
        proxy.endpoint_url,
        b"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Length: 9\r\n\r\n"
        b'{"Table":',
    )
    assert proxy.calls.count("PutItem", table="any", mutating=True) == 1


def test_scan_tells_its_segment_and_where_it_starts(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    client.put_item(TableName=table, Item=item("a"))
    client.put_item(TableName=table, Item=item("b"))
    pages = client.get_paginator("scan").paginate(
        TableName=table, TotalSegments=1, Segment=0, PaginationConfig={"PageSize": 1}
    )
    assert sum(page["Count"] for page in pages) == 2
    first, second, *_ = proxy.calls.select("Scan")
    assert (first.segment, first.total_segments, first.start_key) == (0, 1, None)
    assert second.start_key in ('{"id": {"S": "a"}}', '{"id": {"S": "b"}}')


def test_log_names_the_rules_that_struck(client: Any, proxy: FaultProxy, table: str) -> None:
    proxy.add(Deny(), id="no-puts", operations="PutItem")
    with pytest.raises(client.exceptions.ClientError):
        client.put_item(TableName=table, Item=item("a"))
    (call,) = proxy.calls.select(where=lambda call: "no-puts" in call.rules)
    assert (call.status, call.error, call.forwarded) == (400, "AccessDeniedException", False)


def test_bodies_are_kept_when_asked_for(fault_proxy: Any, engine_url: str, table: str) -> None:
    proxy = fault_proxy(engine_url, keep_bodies=True)
    dynamodb_client(proxy.endpoint_url).put_item(TableName=table, Item=item("a"))
    assert b'"id"' in proxy.calls.select("PutItem")[0].body


def test_waiting_for_what_never_comes_ends_with_an_error(proxy: FaultProxy) -> None:
    with pytest.raises(TimeoutError, match="0 of 1 calls"):
        proxy.calls.wait_for("PutItem", timeout_seconds=0.01)


def test_wait_counts_what_was_there_and_what_comes_while_another_call_is_held(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    client.get_item(TableName=table, Key=item("a"))
    rule = proxy.add(Freeze(), operations="PutItem")
    with ThreadPoolExecutor(2) as pool:
        held = pool.submit(client.put_item, TableName=table, Item=item("a"))
        proxy.calls.wait_for("PutItem", ended=False)
        waiting = pool.submit(proxy.calls.wait_for, ["GetItem", "PutItem"], at_least=3)
        client.get_item(TableName=table, Key=item("b"))
        proxy.remove(rule)
        operations = [call.operation for call in waiting.result(timeout=10)]
        held.result(timeout=10)
    assert operations == ["GetItem", "PutItem", "GetItem"]


def test_wait_ends_when_the_proxy_does(proxy: FaultProxy) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(proxy.calls.wait_for, "PutItem", timeout_seconds=60)
        proxy.close()
        with pytest.raises(TimeoutError):
            waiting.result(timeout=10)


def test_cleared_log_starts_anew_while_numbers_go_on(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    client.get_item(TableName=table, Key=item("a"))
    proxy.calls.clear()
    client.get_item(TableName=table, Key=item("b"))
    (call,) = proxy.calls.select()
    assert call.number == 1
