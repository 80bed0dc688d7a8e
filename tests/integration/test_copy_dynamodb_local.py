"""The copy path against AWS's DynamoDB Local, over a real botocore client."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tableferry.addresses import TableAddress
from tableferry.aws.session import Sessions
from tableferry.aws.wire import BotocoreWireClient
from tableferry.model import Phase, Work
from tableferry.segments.cleaning import clean_scan, clean_segment
from tableferry.segments.counting import count_scan, count_segment
from tests.dynamo_rules import Bench, DynamoRules
from tests.memory_table import Item, plain
from tests.support.fixtures import EngineUnderTest
from tests.worlds import DESTINATION, SOURCE, World


@dataclass(frozen=True, slots=True)
class Engine:
    """DynamoDB Local: its wire client, and tables of one's own in it."""

    client: Any
    wire: BotocoreWireClient

    def make(self, keys: dict[str, str], index_keys: dict[str, str]) -> str:
        name = f"t-{uuid.uuid4().hex}"
        request: dict[str, Any] = {}
        if index_keys:
            request["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": f"by-{key}",
                    "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for key in index_keys
            ]
        self.client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": kind}
                for key, kind in {**keys, **index_keys}.items()
            ],
            **request,
        )
        return name

    def items(self, table: str) -> list[Item]:
        pages = self.client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def load(self, table: str, items: list[Item]) -> None:
        for start in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            assert not self.client.batch_write_item(RequestItems={table: puts})["UnprocessedItems"]


@pytest.fixture(scope="module")
def engine(dynamodb_local: EngineUnderTest) -> Engine:
    sessions = Sessions(region="us-east-1", endpoint_url=dynamodb_local.endpoint_url)
    client = sessions.data_client(TableAddress("any"), 20)
    return Engine(dynamodb_local.client, BotocoreWireClient(client))


class TestDynamoDBLocal(DynamoRules):
    @pytest.fixture
    def dynamo(self, engine: Engine) -> Bench:
        return Bench(engine.wire, engine.make)


class LocalWorld(World):
    """A run whose tables lie in DynamoDB Local; its ledger stays in memory."""

    def on(self, engine: Engine) -> "LocalWorld":
        self.engine = engine
        self.source_name = engine.make(self.source_keys, {})
        self.destination_name = engine.make(self.destination_keys, self.index_keys)
        self.dynamo = _Renamed(engine.wire, self.source_name, self.destination_name)  # type: ignore[assignment]
        return self

    def is_equal(self) -> bool:
        """Whether both tables hold the same items, and there are any."""
        source = self._content(self.source_name)
        return bool(source) and source == self._content(self.destination_name)

    def _content(self, table: str) -> set[Any]:
        return {plain({"M": item}) for item in self.engine.items(table)}


@dataclass(frozen=True, slots=True)
class _Renamed:
    """A world's fixed table names, as the engine knows them."""

    wire: BotocoreWireClient
    source: str
    destination: str

    def call(self, operation: str, body: dict[str, Any]) -> bytes:
        names = {SOURCE: self.source, DESTINATION: self.destination}
        if "TableName" in body:
            body = {**body, "TableName": names[body["TableName"]]}
        if "RequestItems" in body:
            requests = {names[table]: each for table, each in body["RequestItems"].items()}
            body = {**body, "RequestItems": requests}
        if "Statements" in body:
            body = {**body, "Statements": [self._renamed(each) for each in body["Statements"]]}
        return self.wire.call(operation, body)

    def _renamed(self, statement: dict[str, Any]) -> dict[str, Any]:
        text = statement["Statement"].replace(f'"{DESTINATION}"', f'"{self.destination}"', 1)
        return {**statement, "Statement": text}


HARD_NAMES = ["it's", "''", '"', "a\\b", "line\nbreak", "nul\0", "🛳️", "select", "?", "--", ".", " "]


def deep(levels: int) -> Item:
    value: Item = {"S": "bottom"}
    for level in range(levels):
        value = {"M": {"down": value}} if level % 2 else {"L": [value]}
    return value


def hard_items(keys: dict[str, str]) -> list[Item]:
    samples = {"S": "k{}", "N": "{}.5", "B": "{:04}AAAA"}
    values: list[Item] = [
        {"N": "0.12345678901234567890123456789012345678"},
        {"N": "-9.9999999999999999999999999999999999999E+125"},
        {"B": "AAEC/w=="},
        {"S": ""},
        {"NULL": True},
        {"BOOL": False},
        {"NS": ["1", "2.5", "-3"]},
        {"BS": ["AA==", "AQ=="]},
        {"SS": ["", "b"]},
        {"L": []},
        {"M": {name: {"S": name} for name in HARD_NAMES}},
        deep(30),
        {"S": "x" * (390 * 1024)},
    ]
    items: list[Item] = []
    for number in range(200):
        item = {name: {kind: samples[kind].format(number)} for name, kind in keys.items()}
        item[HARD_NAMES[number % len(HARD_NAMES)]] = values[number % len(values)]
        # A few of the largest are enough.
        if number % len(values) == len(values) - 1 and number > 40:
            item = {name: item[name] for name in keys}
        items.append(item)
    return items


KEYS = [{"pk": "S"}, {"pk": "N"}, {"pk": "B"}, {"pk": "S", "sk": "N"}, {"pk": "N", "sk": "B"}]


@pytest.mark.parametrize("keep", [False, True], ids=["overwrite", "keep"])
@pytest.mark.parametrize("keys", KEYS, ids=lambda keys: "".join(keys.values()))
def test_items_of_every_type_under_every_kind_of_key_arrive(
    engine: Engine, keys: dict[str, str], keep: bool
) -> None:
    world = LocalWorld(source_keys=keys, destination_keys=keys, keep=keep, segments=3).on(engine)
    engine.load(world.source_name, hard_items(keys))
    world.copy_everything()
    assert world.is_equal()
    assert world.counts().written == 200


@pytest.mark.parametrize("segments", [1, 7, 64])
def test_segments_more_than_items_copy_each_item_once(engine: Engine, segments: int) -> None:
    world = LocalWorld(segments=segments).on(engine)
    engine.load(world.source_name, [{"pk": {"S": f"k{n}"}} for n in range(50)])
    world.copy_everything()
    assert world.is_equal()
    assert world.counts().read == world.counts().written == 50


def test_a_second_copy_that_keeps_writes_nothing_and_counts_all(engine: Engine) -> None:
    world = LocalWorld(keep=True).on(engine)
    engine.load(world.source_name, [{"pk": {"S": f"k{n}"}, "n": {"N": "1.0"}} for n in range(60)])
    engine.load(world.destination_name, [{"pk": {"S": "k7"}, "mine": {"S": "stays"}}])
    world.copy(round_number=1)
    first = engine.items(world.destination_name)
    world.copy(round_number=2)
    assert engine.items(world.destination_name) == first
    assert (world.counts().written, world.counts().skipped) == (59, 1)


@pytest.mark.parametrize("keep", [False, True], ids=["overwrite", "keep"])
def test_what_dynamodb_refuses_is_quarantined_with_its_reason(engine: Engine, keep: bool) -> None:
    steps = [{"set": {"attribute": "more", "value": "x" * 2000}}]
    world = LocalWorld(steps=steps, keep=keep, is_quarantining=True).on(engine)
    large = {"pk": {"S": "large"}, "text": {"S": "x" * 409_000}}
    long_key = {"pk": {"S": "k" * 2048}}
    engine.load(world.source_name, [*({"pk": {"S": f"k{n}"}} for n in range(40)), large, long_key])
    world.copy()
    ((entry,),) = world.quarantine.pages.values()
    assert entry["sourceKey"] == {"pk": {"S": "large"}}
    assert "size" in entry["reason"]
    assert (world.counts().written, world.counts().quarantined) == (41, 1)


def test_a_wide_item_goes_as_a_put(engine: Engine) -> None:
    world = LocalWorld(keep=True).on(engine)
    wide = {"pk": {"S": "wide"}, **{f"attribute-{n}": {"N": str(n)} for n in range(700)}}
    engine.load(world.source_name, [wide, {"pk": {"S": "narrow"}}])
    world.copy()
    assert world.is_equal()


def test_a_table_is_cleaned_and_counted_by_segments(engine: Engine) -> None:
    world = LocalWorld(phase=Phase.CLEANING, segments=4).on(engine)
    engine.load(world.destination_name, [{"pk": {"S": f"k{n}"}} for n in range(90)])
    counted = count_scan(world.dynamo, DESTINATION, False, consistent=True)
    cleaned = clean_scan(world.dynamo, DESTINATION, ("pk",), None)
    for segment in range(4):
        counting = world.worker(segment, work=Work.COUNT_DESTINATION)
        assert count_segment(counting, counted, None, ("pk",), lenient=False)
        assert clean_segment(world.worker(segment, work=Work.CLEAN), cleaned, ("pk",), None)
    assert world.counts(Work.COUNT_DESTINATION).read == 90
    assert world.counts(Work.CLEAN).deleted == 90
    assert engine.items(world.destination_name) == []


def test_real_units_are_counted(engine: Engine) -> None:
    world = LocalWorld().on(engine)
    engine.load(world.source_name, [{"pk": {"S": f"k{n}"}} for n in range(50)])
    world.copy()
    assert world.counts().read_units >= 1
    assert world.counts().write_units == 50
