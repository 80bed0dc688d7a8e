"""A real botocore client under the wire form: what is sent, what comes back, what is not signed."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ChecksumError, ClientError

from tableferry.aws.wire import (
    BatchGetAnswer,
    BatchWriteAnswer,
    BotocoreWireClient,
    ScanAnswer,
    StatementsAnswer,
    units,
)
from tableferry.deadline import Deadline
from tableferry.errors import LeaseExpiredError
from tableferry.segments.working import Scan
from tests.bridge import Bridge
from tests.fakes import MemoryDynamo, refusal
from tests.memory_table import MemoryTable
from tests.worlds import World, numbered

PAGE = b'{"Count":1,"Items":[{"pk":{"S":"a"},"n" : {"N":"1.50"}}],"ScannedCount":1}'


def echo(operation: str, request: dict[str, Any]) -> bytes:
    return json.dumps({"operation": operation, **request}).encode()


def scan(**fields: Any) -> dict[str, Any]:
    return {"TableName": "Source", **fields}


def test_an_answer_comes_back_byte_for_byte() -> None:
    wire = BotocoreWireClient(Bridge(lambda operation, request: PAGE).client)
    answer = wire.call("Scan", scan())
    assert answer == PAGE
    decoded = msgspec.json.decode(answer, type=ScanAnswer)
    assert bytes(decoded.items[0]["n"]) == b'{"N":"1.50"}'


def test_a_body_is_sent_as_it_is_and_signed() -> None:
    bridge = Bridge(echo)
    body = scan(ExclusiveStartKey={"pk": msgspec.Raw(b'{"S" : "\xc3\xbc"}')})
    BotocoreWireClient(bridge.client).call("Scan", body)
    (request,) = bridge.sent
    assert request.body == b'{"TableName":"Source","ExclusiveStartKey":{"pk":{"S" : "\xc3\xbc"}}}'
    authorization: Any = request.headers["Authorization"]
    assert b"AWS4-HMAC-SHA256" in authorization
    assert request.headers["Content-Length"] == str(len(request.body))


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("Scan", scan()),
        ("PutItem", scan(Item={})),
        ("GetItem", scan(Key={})),
        ("BatchWriteItem", {"RequestItems": {"Source": [{"PutRequest": {}}]}}),
        ("BatchGetItem", {"RequestItems": {"Source": {"Keys": []}}}),
        ("BatchExecuteStatement", {"Statements": [{"Statement": "INSERT", "Parameters": []}]}),
    ],
)
def test_every_operation_of_the_copy_path_passes(operation: str, body: dict[str, Any]) -> None:
    answer = BotocoreWireClient(Bridge(echo).client).call(operation, body)
    assert json.loads(answer) == {"operation": operation, **body}


def test_two_tables_may_share_a_client() -> None:
    client = Bridge(lambda operation, request: PAGE).client
    first, second = BotocoreWireClient(client), BotocoreWireClient(client)
    assert first.call("Scan", scan()) == second.call("Scan", scan()) == PAGE


def test_threads_get_their_own_answers() -> None:
    wire = BotocoreWireClient(Bridge(echo).client)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: wire.call("Scan", scan(Segment=n)), range(200)))
    assert [json.loads(answer)["Segment"] for answer in answers] == list(range(200))


def test_an_error_is_parsed_and_not_tried_again() -> None:
    def refuse(operation: str, request: dict[str, Any]) -> bytes:
        raise refusal("InternalServerError", "try again", status=500)

    bridge = Bridge(refuse)
    with pytest.raises(ClientError, match="try again"):
        BotocoreWireClient(bridge.client).call("Scan", scan())
    assert len(bridge.sent) == 1


def test_a_damaged_answer_is_no_answer() -> None:
    bridge = Bridge(lambda operation, request: PAGE)
    bridge.damage = lambda body: body.replace(b"1.50", b"1.51")
    with pytest.raises(ChecksumError):
        BotocoreWireClient(bridge.client).call("Scan", scan())


def test_nothing_is_signed_or_sent_after_the_lease() -> None:
    time = [0.0]
    bridge = Bridge(lambda operation, request: PAGE)
    deadline = Deadline(hand_back_at=10, lease_ends_at=14, now=lambda: time[0])
    wire = BotocoreWireClient(bridge.client, deadline.check_lease)
    time[0] = 13.9
    wire.call("Scan", scan())
    time[0] = 14.0
    with pytest.raises(LeaseExpiredError):
        wire.call("Scan", scan())
    assert len(bridge.sent) == 1


@pytest.mark.parametrize("signature", [1, 2, 5, 9])
def test_a_worker_that_was_frozen_before_a_signature_sends_nothing_more(signature: int) -> None:
    world = World(numbered(200))
    world.dynamo.page_bytes = 450
    bridge = Bridge(world.dynamo.call)
    deadline = Deadline.after(900, world.clock.now)
    signatures = 0

    def before_sign() -> None:
        nonlocal signatures
        signatures += 1
        if signatures == signature:
            world.clock.sleep(3600)
        deadline.check_lease()

    wire = BotocoreWireClient(bridge.client, before_sign)
    world.dynamo, memory = wire, world.dynamo  # type: ignore[assignment]
    assert world.copy(seconds=900) is False
    assert len(bridge.sent) < signature + 16, "what others had signed before may still be sent"
    sent = len(bridge.sent)
    assert world.copy(seconds=900) is False, "the guard still knows the old deadline only"
    assert len(bridge.sent) == sent
    world.dynamo = memory
    world.copy_everything()
    assert world.is_equal()
    assert world.counts().written == 200


def test_a_copy_over_botocore_ends_equal() -> None:
    for keep in (False, True):
        world = World(numbered(100), keep=keep)
        world.dynamo = BotocoreWireClient(Bridge(world.dynamo.call).client)  # type: ignore[assignment]
        assert world.copy() is True
        assert world.is_equal()


@pytest.mark.parametrize("kind", [ScanAnswer, BatchWriteAnswer, StatementsAnswer, BatchGetAnswer])
def test_an_answer_without_what_it_must_hold_is_an_error(kind: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b"{}", type=kind)


@pytest.mark.parametrize("said", ["", ',"ConsumedCapacity":null', ',"ConsumedCapacity":[]'])
def test_units_that_are_not_said_are_none(said: str) -> None:
    text = f'{{"UnprocessedItems":{{}}{said}}}'
    assert units(msgspec.json.decode(text, type=BatchWriteAnswer).consumed_capacity) == 0


def test_units_are_added_up_over_tables() -> None:
    text = '{"UnprocessedItems":{},"ConsumedCapacity":[{"CapacityUnits":2},{"CapacityUnits":0.5}]}'
    assert units(msgspec.json.decode(text, type=BatchWriteAnswer).consumed_capacity) == 2.5


def test_a_page_of_the_fake_is_one_that_the_decoder_takes() -> None:
    dynamo = MemoryDynamo(MemoryTable("Source", {"pk": "S"}))
    request = Scan(dynamo, "Source", {}).request | scan(Segment=0, TotalSegments=1)
    assert msgspec.json.decode(dynamo.call("Scan", request), type=ScanAnswer).count == 0
