"""Connections that break, answers that are late or never come."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tableferry.local.faults import Fail, FaultProxy, Freeze, Latency, Reset, Slow
from tests.integration.faults.talking import item, names_in


def test_reset_before_the_write_loses_it(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.add(Reset(), operations="PutItem", first=1)
    with pytest.raises(ConnectionClosedError):
        client.put_item(TableName=table, Item=item("a"))
    assert names_in(engine, table) == set()
    (call,) = proxy.calls.select("PutItem")
    assert (call.status, call.error, call.forwarded) == (0, "reset", False)


def test_reset_after_the_write_loses_only_the_answer(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.add(Reset(after=True), operations="PutItem", first=1)
    with pytest.raises(ConnectionClosedError):
        client.put_item(TableName=table, Item=item("a"))
    assert names_in(engine, table) == {"a"}
    (call,) = proxy.calls.select("PutItem")
    assert (call.status, call.error, call.forwarded) == (0, "reset", True)


def test_server_fault_after_the_write_hides_that_it_happened(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    proxy.add(Fail(status=503, after=True), operations="PutItem")
    with pytest.raises(ClientError):
        client.put_item(TableName=table, Item=item("a"))
    assert names_in(engine, table) == {"a"}


def test_frozen_request_reaches_the_engine_only_when_it_is_let_go(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    rule = proxy.add(Freeze(), operations="PutItem")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.put_item, TableName=table, Item=item("a"))
        proxy.calls.wait_for("PutItem", ended=False)
        client.get_item(TableName=table, Key=item("a"))  # the others go on
        assert names_in(engine, table) == set()
        assert not held.done()
        proxy.remove(rule)
        held.result(timeout=10)
    assert names_in(engine, table) == {"a"}


def test_frozen_answer_leaves_the_write_done(
    client: Any, proxy: FaultProxy, engine: Any, table: str
) -> None:
    rule = proxy.add(Freeze(after=True), operations="PutItem")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.put_item, TableName=table, Item=item("a"))
        proxy.calls.wait_for("PutItem", ended=False)
        deadline = time.monotonic() + 10
        while names_in(engine, table) != {"a"}:  # asks the engine itself
            assert time.monotonic() < deadline
        assert not held.done()
        proxy.remove(rule)
        held.result(timeout=10)


def test_only_the_frozen_rules_first_calls_are_held(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    rule = proxy.add(Freeze(), operations="GetItem", first=1)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.get_item, TableName=table, Key=item("a"))
        proxy.calls.wait_for("GetItem", ended=False)
        client.get_item(TableName=table, Key=item("a"))
        assert not held.done()
        proxy.remove(rule)
        held.result(timeout=10)


@pytest.mark.parametrize("before", [False, True])
def test_slow_answer_takes_its_time(
    client: Any, proxy: FaultProxy, table: str, before: bool
) -> None:
    client.get_item(TableName=table, Key=item("a"))
    proxy.add(Slow(latency=Latency(median_seconds=0.2), before=before), operations="GetItem")
    started = time.monotonic()
    client.get_item(TableName=table, Key=item("a"))
    assert 0.2 <= time.monotonic() - started < 10.0


def test_slow_answers_do_not_wait_for_each_other(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    proxy.add(Slow(latency=Latency(median_seconds=0.3)), operations="GetItem")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.get_item(TableName=table, Key=item("a")), range(4)))
    first, second, *_ = proxy.calls.select("GetItem")
    assert second.at < first.ended


def test_other_connections_stay_open_when_one_is_reset(
    client: Any, proxy: FaultProxy, table: str
) -> None:
    client.get_item(TableName=table, Key=item("a"))
    proxy.add(Reset(), operations="PutItem")
    with pytest.raises(ConnectionClosedError):
        client.put_item(TableName=table, Item=item("a"))
    client.get_item(TableName=table, Key=item("a"))
