"""The proxy as a process of its own, steered by another over HTTP."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tableferry.local.faults import Deny, FaultProxy, Freeze, Limits, RemoteFaultProxy, Throttle
from tableferry.local.faults.remote import started
from tests.integration.faults.talking import item, names_in
from tests.support.fixtures import dynamodb_client


@pytest.fixture
def remote(engine_url: str) -> Iterator[RemoteFaultProxy]:
    with started(engine_url) as running:
        yield running


def test_rules_are_set_listed_and_removed_from_another_process(
    remote: RemoteFaultProxy, engine: Any, table: str
) -> None:
    client = dynamodb_client(remote.endpoint_url)
    rule = remote.add(Deny(), operations="PutItem", tables=table, first=3)
    with pytest.raises(ClientError):
        client.put_item(TableName=table, Item=item("a"))
    assert remote.struck(rule) == 1
    (listed,) = remote.rules()
    assert (listed.id, listed.when.tables, listed.action) == (rule, (table,), Deny())
    remote.remove(rule)
    client.put_item(TableName=table, Item=item("a"))
    remote.add(Throttle(), id="kept under/its name")
    remote.add(Deny())
    remote.remove("kept under/its name")
    assert len(remote.rules()) == 1
    remote.clear()
    assert remote.rules() == []
    assert names_in(engine, table) == {"a"}


def test_log_is_asked_and_waited_for_from_another_process(
    remote: RemoteFaultProxy, table: str
) -> None:
    client = dynamodb_client(remote.endpoint_url)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(remote.calls.wait_for, "PutItem", table=table, at_least=2)
        client.put_item(TableName=table, Item=item("a"))
        client.put_item(TableName=table, Item=item("b"))
        first, second = waiting.result(timeout=10)
    assert (first.operation, first.tables, second.status) == ("PutItem", (table,), 200)
    assert remote.calls.count(writes_items=True) == 2
    assert remote.calls.count(["GetItem", "Scan"]) == 0
    assert remote.calls.count(writes_items=True, since=second.at) == 1
    remote.calls.clear()
    assert remote.calls.select() == []
    with pytest.raises(TimeoutError):
        remote.calls.wait_for("PutItem", timeout_seconds=0.01)


def test_frozen_request_is_let_go_from_another_process(
    remote: RemoteFaultProxy, engine: Any, table: str
) -> None:
    client = dynamodb_client(remote.endpoint_url)
    rule = remote.add(Freeze(), operations="PutItem")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.put_item, TableName=table, Item=item("a"))
        remote.calls.wait_for("PutItem", ended=False)
        assert names_in(engine, table) == set()
        remote.remove(rule)
        held.result(timeout=10)


def test_limits_are_set_and_use_is_asked_from_another_process(
    remote: RemoteFaultProxy, table: str
) -> None:
    remote.limit(table, Limits(write_units=100))
    dynamodb_client(remote.endpoint_url).put_item(TableName=table, Item=item("a"))
    assert remote.used(table) == (0.0, 1.0)
    remote.limit(table, None)
    with pytest.raises(KeyError):
        remote.used(table)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "rules", b'{"action": {"type": "Explode"}}'),
        ("POST", "rules", b'{"action": {"type": "Deny"}, "when": {"operation": "PutItem"}}'),
        ("GET", "calls?tabel=t", None),
        ("PUT", "limits/t", b'{"write_units": -1}'),
    ],
)
def test_control_refuses_what_it_does_not_know(
    fault_proxy: Any, method: str, path: str, body: bytes | None
) -> None:
    remote = RemoteFaultProxy(fault_proxy("http://127.0.0.1:1").endpoint_url)
    with pytest.raises(ValueError, match=r"\w"):
        remote.ask(method, path, body)


def test_control_refuses_a_web_page(fault_proxy: Any) -> None:
    proxy: FaultProxy = fault_proxy("http://127.0.0.1:1")
    request = urllib.request.Request(
        f"{proxy.endpoint_url}/_faults/rules",
        data=b'{"action": {"type": "Deny"}}',
        headers={"Origin": "http://example.org"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    refused.value.close()
    assert refused.value.code == 403
    assert proxy.rules() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_ends_on_a_signal_with_status_0(number: signal.Signals) -> None:
    with _process("--upstream", "http://127.0.0.1:1") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["endpoint"].startswith("http://127.0.0.1:")
        process.send_signal(number)
        assert process.wait(10) == 0


def test_process_ends_when_its_starter_is_gone() -> None:
    with _process("--upstream", "http://127.0.0.1:1", "--until-stdin-closes") as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(10) == 0


def test_process_says_what_is_wrong_with_its_input() -> None:
    with _process("--upstream", "https://dynamodb.us-east-1.amazonaws.com") as process:
        assert process.wait(10) == 2
        assert process.stderr is not None
        assert b"loopback" in process.stderr.read()


def _process(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tableferry.local.faults", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
