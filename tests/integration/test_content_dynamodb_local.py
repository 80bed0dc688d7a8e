"""Verification and repair over AWS's DynamoDB Local, which reports real read units."""

import random
from typing import Any

import pytest

from tableferry.aws.wire import BotocoreWireClient
from tableferry.model import Work
from tableferry.verification.digesting import GroupLimits
from tests.content_worlds import ContentWorld
from tests.integration.test_copy_dynamodb_local import Engine, _Renamed, engine
from tests.memory_table import Item, plain
from tests.worlds import DESTINATION, SOURCE

__all__ = ["engine"]

ITEMS = 1_500
SEGMENTS = {SOURCE: 3, DESTINATION: 4}


def items(count: int = ITEMS) -> list[Item]:
    luck = random.Random(1)
    return [
        {
            "pk": {"S": f"item-{number:05}"},
            "n": {"N": str(luck.randint(-(10**30), 10**30))},
            "s": {"SS": luck.sample(["a", "b", "c", "d"], 3)},
            "m": {"M": {"l": {"L": [{"B": "AAEC"}, {"NULL": True}]}}},
            "x": {"S": "x" * luck.randint(1, 900)},
        }
        for number in range(count)
    ]


class LocalWorld(ContentWorld):
    """Two tables in DynamoDB Local; the ledger and the bucket stay in memory."""

    def on(self, engine: Engine, source: list[Item], destination: list[Item]) -> "LocalWorld":
        self.engine = engine
        self.names = {
            SOURCE: engine.make(self.source_keys, {}),
            DESTINATION: engine.make(self.destination_keys, {}),
        }
        engine.load(self.names[SOURCE], source)
        engine.load(self.names[DESTINATION], destination)
        self.dynamo = Counting(  # type: ignore[assignment]
            engine.wire, self.names[SOURCE], self.names[DESTINATION]
        )
        return self

    def content(self, table: str) -> set[Any]:
        return {plain({"M": item}) for item in self.engine.items(self.names[table])}

    def plain_scan_units(self) -> float:
        """What the same segments of both tables cost a plain boto3 scan."""
        total = 0.0
        for table, segments in SEGMENTS.items():
            for segment in range(segments):
                request: dict[str, Any] = {"Segment": segment, "TotalSegments": segments}
                pages = self.engine.client.get_paginator("scan").paginate(
                    TableName=self.names[table],
                    ConsistentRead=True,
                    ReturnConsumedCapacity="TOTAL",
                    **request,
                )
                total += sum(page["ConsumedCapacity"]["CapacityUnits"] for page in pages)
        return total


class Counting(_Renamed):
    """Remembers the operations that were asked for."""

    def __init__(self, wire: BotocoreWireClient, source: str, destination: str) -> None:
        super().__init__(wire, source, destination)
        object.__setattr__(self, "operations", [])

    def call(self, operation: str, body: dict[str, Any]) -> bytes:
        self.operations.append(operation)  # type: ignore[attr-defined]
        return super().call(operation, body)


def world(engine: Engine, source: list[Item], destination: list[Item]) -> LocalWorld:
    made = LocalWorld(
        segments=SEGMENTS[SOURCE],
        destination_segments=SEGMENTS[DESTINATION],
        partitions=3,
        limits=GroupLimits(),
    )
    return made.on(engine, source, destination)


@pytest.mark.usefixtures("engine")
class TestDynamoDBLocal:
    def test_the_units_are_those_of_both_scans_and_nothing_else(self, engine: Engine) -> None:
        made = world(engine, items(), items())
        assert made.verify()["match"] is True
        digested = sum(
            record.counts.read_units
            for work in (Work.DIGEST_SOURCE, Work.DIGEST_DESTINATION)
            for record in made.ledger.segments("prefs-v2", work, 4)
        )
        compared = sum(record.counts.read_units for record in made.compared())
        assert digested == pytest.approx(made.plain_scan_units())
        assert digested > 2 * ITEMS * 500 / 4096
        assert compared == 0
        assert set(made.dynamo.operations) == {"Scan"}  # type: ignore[attr-defined]

    def test_what_differs_is_named_repaired_and_gone(self, engine: Engine) -> None:
        source = items(200)
        destination = [*source[:50], *source[51:], {"pk": {"S": "extra"}, "n": {"N": "1"}}]
        destination[70] = {**destination[70], "n": {"S": destination[70]["n"]["N"]}}
        destination[80] = {**destination[80], "s": {"SS": ["q"]}, "more": {"BOOL": True}}
        made = world(engine, source, destination)
        result = made.verify()
        assert (result["missing"], result["extra"], result["different"]) == (1, 1, 2)
        counts = made.repair(delete_extras=True)
        assert (counts.written, counts.deleted, counts.skipped) == (3, 1, 0)
        assert made.content(SOURCE) == made.content(DESTINATION)
        assert made.look_again()["match"] is True
