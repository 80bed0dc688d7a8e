"""Client CPU for each copied item: Tableferry's wire form against boto3's own bulk loop.

Answers come from memory (`before-send`), so signing, encoding, decoding and parsing are measured,
and no engine or network. Rounds alternate, and the best of each counts: the machine may be busy.
"""

import io
import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import msgspec
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from tableferry.aws.wire import BotocoreWireClient, ScanAnswer
from tableferry.items import WireItem
from tableferry.transform import Transform

PAGES = 20
ITEMS_PER_PAGE = 500
ROUNDS = 5
BATCH = 25  # BatchWriteItem's limit

RENAME = [{"rename": {"from": "prefType", "to": "preferenceType"}}]
EXPRESSION = [{"set": {"attribute": "sk", "value": "{% prefType & '#' & pk %}"}}]


class _Raw(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


class _Answers:
    """Answers Scan with a page of items and BatchWriteItem with success, without any network."""

    def __init__(self) -> None:
        items = [_item(number) for number in range(ITEMS_PER_PAGE)]
        page = {"Items": items, "Count": ITEMS_PER_PAGE, "ScannedCount": ITEMS_PER_PAGE}
        self._page = json.dumps({**page, "LastEvaluatedKey": {"pk": {"S": "x"}}}).encode()

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        is_scan = request.headers["X-Amz-Target"] == b"DynamoDB_20120810.Scan"
        body = self._page if is_scan else b'{"UnprocessedItems":{}}'
        headers: Any = {"Content-Type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, _Raw(body))


def _item(number: int) -> dict[str, Any]:
    """Some 260 bytes as DynamoDB counts and 450 in JSON."""
    return {
        "pk": {"S": f"customer-{number:010}"},
        "prefType": {"S": "newsletter"},
        "updated": {"N": "1700000000.123456789"},
        "payload": {"B": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="},
        "tags": {"SS": ["daily", "long", "plain"]},
        "history": {"L": [{"N": "1"}, {"N": "2"}, {"S": "three"}, {"BOOL": True}]},
        "address": {"M": {"street": {"S": "Example Street 12"}, "city": {"S": "Springfield"}}},
    }


def with_boto3_resource() -> None:
    """What AWS's own bulk tool does: `Table.scan` and `batch_writer`."""
    resource = _SESSION.resource("dynamodb")
    resource.meta.client.meta.events.register("before-send.dynamodb", _ANSWERS)
    source, destination = resource.Table("source"), resource.Table("destination")
    for _ in range(PAGES):
        items = source.scan()["Items"]
        with destination.batch_writer() as writer:
            for item in items:
                item["preferenceType"] = item.pop("prefType")
                writer.put_item(Item=item)


def with_boto3_client() -> None:
    """The lower interface: items stay in DynamoDB JSON, shapes are walked."""
    client = _SESSION.client("dynamodb")
    client.meta.events.register("before-send.dynamodb", _ANSWERS)
    for _ in range(PAGES):
        items = client.scan(TableName="source")["Items"]
        for item in items:
            item["preferenceType"] = item.pop("prefType")
        for start in range(0, len(items), BATCH):
            requests: Any = [{"PutRequest": {"Item": i}} for i in items[start : start + BATCH]]
            client.batch_write_item(RequestItems={"destination": requests})


def with_wire_form(steps: list[dict[str, Any]]) -> Callable[[], None]:
    """Tableferry: raw bytes through botocore's hooks, and a transform."""
    transform = Transform.compile(steps)
    pages = msgspec.json.Decoder(ScanAnswer)

    def run() -> None:
        client = _SESSION.client("dynamodb", config=Config(parameter_validation=False))
        client.meta.events.register("before-send.dynamodb", _ANSWERS)
        wire = BotocoreWireClient(client)
        for _ in range(PAGES):
            page = pages.decode(wire.call("Scan", {"TableName": "source"}))
            changed = [transform.apply(item) for item in page.items]
            for start in range(0, len(changed), BATCH):
                wire.call("BatchWriteItem", _batch(changed[start : start + BATCH]))

    return run


def _batch(items: list[WireItem | None]) -> dict[str, Any]:
    return {"RequestItems": {"destination": [{"PutRequest": {"Item": item}} for item in items]}}


CLIENTS: dict[str, Callable[[], None]] = {
    "boto3 Table, batch_writer: rename": with_boto3_resource,
    "boto3 client: rename": with_boto3_client,
    "tableferry: identity": with_wire_form([]),
    "tableferry: rename": with_wire_form(RENAME),
    "tableferry: JSONata expression": with_wire_form(EXPRESSION),
}


def measure() -> dict[str, float]:
    """Microseconds of CPU for each item, the best round of each client."""
    best = dict.fromkeys(CLIENTS, float("inf"))
    for _ in range(ROUNDS):
        for name, run in CLIENTS.items():
            start = time.process_time()
            run()
            seconds = time.process_time() - start
            best[name] = min(best[name], seconds * 1e6 / (PAGES * ITEMS_PER_PAGE))
    return best


def main() -> None:
    results = measure()
    base = results[next(iter(CLIENTS))]
    table = Table("client", "CPU, µs per item", "times as quick", title="Copying, client side only")
    for name, micros in results.items():
        table.add_row(name, f"{micros:.1f}", f"{base / micros:.1f}")
    Console().print(table)


_ANSWERS: Any = _Answers()
_SESSION = boto3.Session("bench", "bench", region_name="us-east-1")

if __name__ == "__main__":
    main()
