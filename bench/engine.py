"""An engine that acknowledges: endless tables to read from, and writes that are thrown away.

    python -m bench.engine --items 250000 [--latency 0.5]

What a real engine costs is more than what is measured here, so it would hide it. Scan answers with
pages made beforehand, `--items` of them for each segment; a write is answered and forgotten. It
says what each request consumed, as AWS does. One line of JSON tells where it listens; it ends with
standard input.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tableferry.local.faults.messages import Message, read_request, response

PAGE_BYTES = 1024 * 1024
ITEM_BYTES = 261
ITEM_UNITS_PER_4KB = 4096
_BUFFER_BYTES = 1024 * 1024
_KEY_DIGITS = 12
_JSON = {b"content-type": b"application/x-amz-json-1.0"}
TABLE = {
    "TableName": "table",
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}


def item(number: int) -> dict[str, Any]:
    """261 bytes as DynamoDB counts and some 450 in JSON."""
    return {
        "pk": {"S": f"customer-{number:0{_KEY_DIGITS}}"},
        "prefType": {"S": "newsletter"},
        "updated": {"N": "1700000000.123456789"},
        "payload": {"B": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="},
        "tags": {"SS": ["daily", "long", "plain"]},
        "history": {"L": [{"N": "1"}, {"N": "2"}, {"S": "three"}, {"BOOL": True}]},
        "address": {"M": {"street": {"S": "Example Street 12"}, "city": {"S": "Springfield"}}},
    }


class _Asked(msgspec.Struct, rename="pascal"):
    limit: int = 0
    exclusive_start_key: dict[str, Any] | None = None
    select: str = ""


@dataclass
class Pages:
    """Scan's answers: each page holds the same items under keys of its own."""

    items: int
    padding: int = 0
    _texts: dict[int, bytes] = field(default_factory=dict)

    @property
    def item_bytes(self) -> int:
        return ITEM_BYTES + (len("padding") + self.padding if self.padding else 0)

    @property
    def largest(self) -> int:
        return PAGE_BYTES // self.item_bytes

    def answer(self, body: bytes) -> bytes:
        asked = msgspec.json.decode(body, type=_Asked)
        start = (
            int(asked.exclusive_start_key["pk"]["S"][-_KEY_DIGITS:]) + 1
            if (asked.exclusive_start_key)
            else 0
        )
        count = min(asked.limit or self.largest, self.largest, self.items - start)
        units = -(-count * self.item_bytes // ITEM_UNITS_PER_4KB)
        head = f'{{"Count":{count},"ScannedCount":{count},'.encode()
        head += b'"ConsumedCapacity":{"TableName":"source","CapacityUnits":%d}' % units
        if start + count < self.items:
            last = json.dumps({"pk": item(start + count - 1)["pk"]}).encode()
            head += b',"LastEvaluatedKey":' + last
        if asked.select == "COUNT":
            return head + b"}"
        return head + b',"Items":[' + self._text(count) + b"]}"

    def _text(self, count: int) -> bytes:
        """Made once for each size of page: the engine's own time must not be the bottleneck."""
        if count not in self._texts:
            self._texts[count] = b",".join(msgspec.json.encode(self._item(n)) for n in range(count))
        return self._texts[count]

    def _item(self, number: int) -> dict[str, Any]:
        more = {"padding": {"S": "x" * self.padding}} if self.padding else {}
        return item(number) | more


class Engine:
    """Answers on loopback."""

    def __init__(self, pages: Pages, write_seconds: float = 0.0) -> None:
        self._pages = pages
        self._write_seconds = write_seconds

    def answer(self, request: Message) -> bytes:
        operation = request.header(b"x-amz-target").rpartition(".")[2]
        if operation == "Scan":
            return self._pages.answer(request.body)
        if operation == "BatchWriteItem":
            count = request.body.count(b'"PutRequest"') + request.body.count(b'"DeleteRequest"')
            return b'{"UnprocessedItems":{},' + _consumed(count) + b"}"
        if operation == "BatchExecuteStatement":
            count = request.body.count(b'"Statement"')
            responses = b",".join([b'{"TableName":"table"}'] * count)
            return b'{"Responses":[' + responses + b"]," + _consumed(count) + b"}"
        if operation == "DescribeTable":
            return json.dumps({"Table": TABLE}).encode()
        return b"{}"

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_request(reader, writer)) is not None:
                if self._write_seconds and b"Scan" not in request.head:
                    await asyncio.sleep(self._write_seconds)
                answer = response(200, _JSON, self.answer(request))
                writer.write(answer.head + answer.body)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def _consumed(units: int) -> bytes:
    return b'"ConsumedCapacity":[{"TableName":"table","CapacityUnits":%d}]' % units


async def _serve(engine: Engine) -> None:
    server = await asyncio.start_server(
        engine.connection, "127.0.0.1", 0, limit=_BUFFER_BYTES, backlog=1024
    )
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"endpoint": f"http://127.0.0.1:{port}"}), flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--items", type=int, default=250_000, help="items of each segment")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of each write")
    parser.add_argument("--padding", type=int, default=0, help="more bytes of each item")
    options = parser.parse_args()
    asyncio.run(_serve(Engine(Pages(options.items, options.padding), options.latency)))


if __name__ == "__main__":
    main()
