"""Preparing a destination, its undo and the source's snapshot against the embedded engine."""

import gzip
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tableferry.addresses import Place
from tableferry.aws.session import Sessions
from tableferry.aws.table_access import TableAccess
from tableferry.checking.validating import validate_migration
from tableferry.destination.preparing import finish_destination, prepare_destination
from tableferry.errors import InvalidSpecError
from tableferry.local.engine import Engine
from tableferry.runs.run_spec import RunSpec
from tableferry.snapshots.snapshotting import snapshot_source
from tableferry.snapshots.undo import back_up_destination
from tableferry.spec import MigrationSpec
from tests.fake_tables import FakeSteps

LEDGER = Place("000000000000", "us-east-1", "tableferry-ledger")
LOOKS = 100


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TableAccess]:
    engine = Engine(tmp_path_factory.mktemp("engine"))
    running = engine.start()
    try:
        yield TableAccess(Sessions(region="us-east-1", endpoint_url=running.endpoint_url))
    finally:
        engine.stop()


class Case:
    """A source with everything that a table can have here, and a run that moves it."""

    def __init__(self, access: TableAccess) -> None:
        self.access = access
        self.client = access.sessions.client("dynamodb")
        self.steps = FakeSteps()
        self.run = f"flights-{uuid.uuid4().hex[:8]}"
        self.old, self.new = f"{self.run}-old", f"{self.run}-new"
        self.client.create_table(
            TableName=self.old,
            KeySchema=[
                {"AttributeName": "origin", "KeyType": "HASH"},
                {"AttributeName": "id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "origin", "AttributeType": "S"},
                {"AttributeName": "id", "AttributeType": "N"},
                {"AttributeName": "carrier", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "byCarrier",
                    "KeySchema": [{"AttributeName": "carrier", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            LocalSecondaryIndexes=[
                {
                    "IndexName": "localCarrier",
                    "KeySchema": [
                        {"AttributeName": "origin", "KeyType": "HASH"},
                        {"AttributeName": "carrier", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            Tags=[{"Key": "team", "Value": "air"}],
        )
        self.client.update_time_to_live(
            TableName=self.old,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
        )
        self.client.update_continuous_backups(
            TableName=self.old,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
        self.client.update_contributor_insights(
            TableName=self.old, ContributorInsightsAction="ENABLE"
        )
        for number in range(3):
            self.put(self.old, number)

    def put(self, table: str, number: int, **more: Any) -> None:
        key = {"origin": {"S": "JFK"}, "id": {"N": str(number)}, "carrier": {"S": "UA"}}
        self.client.put_item(TableName=table, Item={**key, **more})

    def document(self, **fields: Any) -> dict[str, Any]:
        return {
            "migrationId": self.run,
            "source": {"tableName": self.old},
            "destination": {"tableName": self.new, "create": "likeSource"},
            **fields,
        }

    def spec(self, **fields: Any) -> RunSpec:
        return RunSpec.from_json(MigrationSpec.parse(self.document(**fields)).to_json())

    def prepare(self, spec: RunSpec) -> list[str]:
        for _ in range(LOOKS):
            prepared = prepare_destination(self.steps, self.run, spec, self.access)
            if prepared.ready:
                return list(prepared.notes)
        raise AssertionError("the destination never became ready")


@pytest.fixture
def case(access: TableAccess) -> Case:
    return Case(access)


def test_a_destination_like_the_source_carries_what_is_not_in_create_table(case: Case) -> None:
    spec = case.spec()
    notes = case.prepare(spec)
    old, new = (
        case.client.describe_table(TableName=name)["Table"] for name in (case.old, case.new)
    )
    for name in ("KeySchema", "BillingModeSummary", "StreamSpecification"):
        assert new[name] == old[name]
    assert [index["IndexName"] for index in new["GlobalSecondaryIndexes"]] == ["byCarrier"]
    assert [index["IndexName"] for index in new["LocalSecondaryIndexes"]] == ["localCarrier"]
    tags = case.client.list_tags_of_resource(ResourceArn=new["TableArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "team": "air",
        "tableferry:run": case.run,
    }
    options = case.access.options(spec.destination, "destination")
    assert options.recovery().is_on
    assert options.insights() is not None
    assert options.ttl_attribute() is None
    assert any("time to live" in note for note in notes)
    finish_destination(case.steps, case.run, options)
    assert options.ttl_attribute() == "expires"


def test_a_destination_with_other_keys_keeps_the_rest(case: Case) -> None:
    spec = case.spec(
        destination={
            "tableName": case.new,
            "create": "likeSource",
            "keySchema": [{"AttributeName": "uid", "KeyType": "HASH"}],
        },
        transform=[
            {"set": {"attribute": "uid", "value": "{% $uuid5('flights', [origin, id]) %}"}},
            {"rename": {"from": "carrier", "to": "airline"}},
        ],
    )
    notes = case.prepare(spec)
    table = case.client.describe_table(TableName=case.new)["Table"]
    assert table["KeySchema"] == [{"AttributeName": "uid", "KeyType": "HASH"}]
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["KeySchema"] == [{"AttributeName": "airline", "KeyType": "HASH"}]
    assert not table.get("LocalSecondaryIndexes")
    assert any("local index localCarrier is left out" in note for note in notes)


def test_a_run_that_lost_its_memory_knows_its_table_and_another_run_does_not(case: Case) -> None:
    spec = case.spec()
    case.prepare(spec)
    case.steps.values.clear()
    case.prepare(spec)
    with pytest.raises(InvalidSpecError):
        prepare_destination(FakeSteps(), "another-run", spec, case.access)


def test_validation_sees_the_real_tables(case: Case) -> None:
    found = validate_migration(MigrationSpec.parse(case.document()), case.run, case.access, LEDGER)
    assert found.source is not None
    assert found.sample is not None
    assert found.source.items == len(found.sample.items) == 3
    assert found.destination is None
    with pytest.raises(InvalidSpecError) as caught:
        validate_migration(
            MigrationSpec.parse(case.document(destination={"tableName": case.old})),
            case.run,
            case.access,
            LEDGER,
        )
    assert caught.value.problems


def test_the_undo_restores_what_was_there(case: Case) -> None:
    spec = case.spec()
    case.prepare(spec)
    case.put(case.new, 7, note={"S": "from before"})
    table = case.access.table(spec.destination, "destination")
    snapshots = case.access.snapshots(spec.destination, "destination")
    for _ in range(LOOKS):
        undo = back_up_destination(case.steps, case.run, spec, table=table, snapshots=snapshots)
        if undo["done"]:
            break
    case.put(case.new, 7, note={"S": "overwritten"})
    restored = f"{case.new}-restored"
    case.client.restore_table_from_backup(TargetTableName=restored, BackupArn=undo["arn"])
    (item,) = case.client.scan(TableName=restored)["Items"]
    assert item["note"] == {"S": "from before"}


def test_an_export_turns_recovery_on_for_as_long_as_it_takes(case: Case) -> None:
    spec = case.spec(snapshot="export")
    options = case.access.options(spec.source, "source")
    case.client.update_continuous_backups(
        TableName=case.old,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
    )
    s3 = case.access.sessions.client("s3")
    bucket = f"artifacts-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    for _ in range(LOOKS):
        snapshot = snapshot_source(
            case.steps,
            case.run,
            spec,
            options=options,
            snapshots=case.access.snapshots(spec.source, "source"),
            bucket=bucket,
        )
        if snapshot["done"]:
            break
    assert snapshot["done"]
    assert snapshot["arn"].startswith("arn:aws:dynamodb:")
    assert not options.recovery().is_on
    prefix = f"snapshots/{case.run}/"
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    files = [each["Key"] for each in found if each["Key"].endswith(".json.gz")]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in files]
    lines = b"".join(gzip.decompress(body) for body in bodies).splitlines()
    assert sorted(json.loads(line)["Item"]["id"]["N"] for line in lines) == ["0", "1", "2"]
