"""Without rules every byte passes, in both directions."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tableferry.errors import InvalidSpecError, UnreachableError
from tableferry.local.faults import Call, Deny, FaultProxy, Freeze
from tests.integration.faults.recorder import exchange, recorder
from tests.integration.faults.talking import item, names_in
from tests.support.fixtures import dynamodb_client

PROXY = Callable[..., FaultProxy]
BODY = b'{"TableName": "t", "Key": {"id": {"S": "\xc3\xa4 \\u0000"}}}'
REQUEST = (
    b"POST / HTTP/1.1\r\nHost: dynamodb.us-east-1.amazonaws.com\r\nX-Amz-Target: "
    b"DynamoDB_20120810.GetItem\r\nx-Odd_Case:  two  blanks \r\nContent-Length: %d\r\n\r\n%b"
    % (len(BODY), BODY)
)
ANSWER = b"HTTP/1.1 200 OK\r\nX-Amz-Crc32: 2745614147\r\nConTent-Length: 2\r\n\r\n{}"


def test_bytes_pass_unchanged_in_both_directions(fault_proxy: PROXY) -> None:
    with recorder(ANSWER, ANSWER) as upstream:
        proxy = fault_proxy(upstream.url)
        assert exchange(proxy.endpoint_url, REQUEST, REQUEST) == [ANSWER, ANSWER]
        assert upstream.received == [REQUEST, REQUEST]
        assert upstream.connections == 1, "the connection to the engine is kept"


def test_chunked_answer_arrives_whole_with_its_length(fault_proxy: PROXY) -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n{  \r\n1\r\n}\r\n0\r\n\r\n"
    )
    with recorder(chunked) as upstream:
        answer = exchange(fault_proxy(upstream.url).endpoint_url, REQUEST)[0]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"{  }"
    assert b"content-length: 4" in head.lower()
    assert b"chunked" not in head.lower()


def test_engine_that_breaks_off_costs_the_client_its_answer_and_is_not_asked_twice(
    fault_proxy: PROXY,
) -> None:
    with recorder(b"", ANSWER) as upstream:
        proxy = fault_proxy(upstream.url)
        with pytest.raises(ConnectionResetError):
            exchange(proxy.endpoint_url, REQUEST)
        assert len(upstream.received) == 1
        (call,) = proxy.calls.select("GetItem")
        assert (call.status, call.forwarded) == (0, True)
        assert call.error.startswith("no answer")


def test_engine_that_is_not_there_is_a_503_with_its_name_in_the_log(fault_proxy: PROXY) -> None:
    with recorder() as gone:
        url = gone.url
    proxy = fault_proxy(url)
    assert exchange(proxy.endpoint_url, REQUEST)[0].startswith(b"HTTP/1.1 503 ")
    (call,) = proxy.calls.select()
    assert not call.forwarded
    assert url in call.error


@pytest.mark.parametrize(
    "url", ["http://dynamodb.us-east-1.amazonaws.com:80", "https://127.0.0.1:1", "http://127.0.0.1"]
)
def test_only_an_engine_on_loopback_is_stood_before(url: str) -> None:
    with pytest.raises(InvalidSpecError):
        FaultProxy(url)


def test_taken_port_is_said(fault_proxy: PROXY) -> None:
    first = fault_proxy("http://127.0.0.1:1")
    port = int(first.endpoint_url.rsplit(":", 1)[1])
    with pytest.raises(UnreachableError, match=str(port)):
        fault_proxy("http://127.0.0.1:1", port=port)


def test_garbage_ends_its_own_connection_only(fault_proxy: PROXY) -> None:
    with recorder(ANSWER) as upstream:
        proxy = fault_proxy(upstream.url)
        assert exchange(proxy.endpoint_url, b"\x16\x03\x01\r\n\r\n") == [b""]
        assert exchange(proxy.endpoint_url, REQUEST) == [ANSWER]


def test_many_clients_at_once_get_their_own_answers(client: Any, engine: Any, table: str) -> None:
    names = [f"n{number}" for number in range(200)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: client.put_item(TableName=table, Item=item(name)), names))

        def name_of(name: str) -> str:
            found = client.get_item(TableName=table, Key=item(name), ConsistentRead=True)
            return str(found["Item"]["id"]["S"])

        assert list(pool.map(name_of, names)) == names
    assert names_in(engine, table) == set(names)


def test_item_of_390_kb_and_a_page_of_a_megabyte_pass(client: Any, table: str) -> None:
    for name in "abc":
        client.put_item(TableName=table, Item=item(name, blob={"B": bytes(390 * 1024)}))
    pages = [page["Items"] for page in client.get_paginator("scan").paginate(TableName=table)]
    found = [each for page in pages for each in page]
    assert sorted(each["id"]["S"] for each in found) == ["a", "b", "c"]
    assert all(each["blob"]["B"] == bytes(390 * 1024) for each in found)


def test_closing_drops_what_is_under_way(fault_proxy: PROXY) -> None:
    """A request that was held never reaches the engine later."""

    async def hang(url: str) -> bytes:
        port = int(url.rsplit(":", 1)[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        await asyncio.to_thread(proxy.calls.wait_for, ended=False)
        await asyncio.to_thread(proxy.close)
        writer.close()
        return await reader.read()

    with recorder(ANSWER) as upstream:
        proxy = fault_proxy(upstream.url)
        proxy.add(Freeze())
        assert asyncio.run(hang(proxy.endpoint_url)) == b""
        assert upstream.received == []


def test_failure_of_the_proxy_itself_is_no_fault_that_passes_unseen(
    table: str, engine_url: str
) -> None:
    def broken(call: Call, body: bytes) -> bool:
        raise ZeroDivisionError

    proxy = FaultProxy(engine_url).start()
    proxy.add(Deny(), predicate=broken)
    with pytest.raises(ConnectionClosedError):
        dynamodb_client(proxy.endpoint_url).get_item(TableName=table, Key=item("a"))
    with pytest.raises(RuntimeError, match="itself failed") as failure:
        proxy.close()
    assert isinstance(failure.value.__cause__, ZeroDivisionError)
