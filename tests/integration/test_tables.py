"""Calls on tables against the embedded engine."""

import gzip
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tableferry.addresses import TableAddress
from tableferry.aws.connections import TableConnection
from tableferry.aws.session import Sessions
from tableferry.aws.snapshots import TableSnapshots
from tableferry.aws.table_options import TableOptions
from tableferry.aws.tables import Table
from tableferry.errors import RequestRefusedError, TableNotFoundError
from tableferry.local.engine import Engine
from tableferry.table_facts import IndexFacts, KeyAttribute, Recovery

REGION = "us-east-1"


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    engine = Engine(tmp_path_factory.mktemp("engine"))
    running = engine.start()
    try:
        yield Sessions(region=REGION, endpoint_url=running.endpoint_url)
    finally:
        engine.stop()


@pytest.fixture
def connection(sessions: Sessions) -> TableConnection:
    return TableConnection(sessions, TableAddress(f"t-{uuid.uuid4().hex[:12]}"), "source")


PARAMETERS: dict[str, Any] = {
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "age", "AttributeType": "N"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "byAge",
            "KeySchema": [{"AttributeName": "age", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["name"]},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "localAge",
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "age", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "Tags": [{"Key": "tableferry:run", "Value": "prefs-v2"}],
}


def put(connection: TableConnection, *items: dict[str, Any]) -> None:
    for item in items:
        connection.client.put_item(TableName=connection.name, Item=item)


def test_a_table_is_created_once_and_described(connection: TableConnection) -> None:
    table = Table(connection)
    assert table.create(PARAMETERS)
    assert not table.create(PARAMETERS)
    facts = table.describe()
    assert facts.place == table.place == connection.place
    assert facts.arn == connection.arn
    assert facts.is_ready
    assert facts.is_on_demand
    assert facts.keys == (KeyAttribute("pk", "S", "HASH"), KeyAttribute("sk", "N", "RANGE"))
    assert facts.attribute_types == {"pk": "S", "sk": "N", "age": "N"}
    assert facts.indexes == (
        IndexFacts("localAge", True, ("pk", "age"), "KEYS_ONLY"),
        IndexFacts("byAge", False, ("age",), "INCLUDE", ("name",)),
    )
    assert table.tags() == {"tableferry:run": "prefs-v2"}


def test_a_table_that_is_not_there_is_said_to_be_so(connection: TableConnection) -> None:
    with pytest.raises(TableNotFoundError, match=connection.name):
        Table(connection).describe()


def test_parameters_that_the_api_does_not_know_are_found_without_a_request(
    connection: TableConnection,
) -> None:
    table = Table(connection)
    assert table.creation_faults(PARAMETERS) == []
    faults = table.creation_faults({**PARAMETERS, "BillingMode": 1, "Tags": [{"Key": "a"}]})
    assert len(faults) == 2
    (fault,) = table.creation_faults({**PARAMETERS, "BillingMode": "ON_DEMAND"})
    assert fault.startswith("BillingMode is 'ON_DEMAND', which is none of ")
    index = {
        "IndexName": "byN",
        "KeySchema": PARAMETERS["KeySchema"],
        "Projection": {"ProjectionType": "SOME"},
    }
    (fault,) = table.creation_faults({**PARAMETERS, "GlobalSecondaryIndexes": [index]})
    assert fault.startswith("GlobalSecondaryIndexes[0].Projection.ProjectionType is 'SOME'")
    with pytest.raises(TableNotFoundError):
        table.describe()


def test_a_sample_is_in_wire_form_and_says_whether_it_is_all(connection: TableConnection) -> None:
    table = Table(connection)
    table.create(PARAMETERS)
    assert table.is_empty()
    assert table.sample(10) == ([], True)
    put(
        connection,
        *({"pk": {"S": f"k{n}"}, "sk": {"N": "1"}, "b": {"B": b"\xff"}} for n in range(5)),
    )
    items, is_all = table.sample(10)
    assert is_all
    assert sorted(bytes(item["pk"]).decode() for item in items) == [
        f'{{"S":"k{n}"}}' for n in range(5)
    ]
    assert {bytes(item["b"]) for item in items} == {b'{"B":"/w=="}'}
    items, is_all = table.sample(2)
    assert (len(items), is_all, table.is_empty()) == (2, False, False)


def test_options_are_read_and_set(connection: TableConnection) -> None:
    table, options = Table(connection), TableOptions(connection)
    table.create(PARAMETERS)
    before = options.read(table.describe())
    assert before.unread == ()
    assert (before.ttl_attribute, before.recovery.is_on, before.insights) == (None, False, {})
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    options.turn_on_ttl("expires")
    options.turn_on_ttl("expires")
    options.set_recovery(Recovery(is_on=True, days=7))
    options.turn_on_insights("", "")
    options.turn_on_insights("byAge", "")
    options.put_policy(policy)
    after = options.read(table.describe())
    assert after.ttl_attribute == "expires"
    assert after.recovery.is_on
    assert set(after.insights) == {"", "byAge"}
    assert after.policy == policy
    assert after.kinesis_streams == ()
    options.set_recovery(Recovery(is_on=False))
    assert options.recovery() == Recovery(is_on=False)


def test_a_backup_becomes_available_and_one_that_is_gone_is_deleted(
    connection: TableConnection,
) -> None:
    Table(connection).create(PARAMETERS)
    snapshots = TableSnapshots(connection)
    arn = snapshots.start_backup("tableferry-undo-prefs-v2-1")
    assert snapshots.backup_status(arn) == "AVAILABLE"
    connection.client.delete_backup(BackupArn=arn)
    assert snapshots.backup_status(arn) == "DELETED"


def test_a_backup_of_no_table_says_that_it_is_not_there(connection: TableConnection) -> None:
    with pytest.raises(TableNotFoundError):
        TableSnapshots(connection).start_backup("tableferry-undo-prefs-v2-1")


def test_an_export_leaves_the_items_in_the_bucket(
    sessions: Sessions, connection: TableConnection
) -> None:
    Table(connection).create(PARAMETERS)
    put(connection, {"pk": {"S": "a"}, "sk": {"N": "1"}})
    TableOptions(connection).set_recovery(Recovery(is_on=True))
    s3 = sessions.client("s3")
    bucket = f"artifacts-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    snapshots = TableSnapshots(connection)
    arn = snapshots.start_export(bucket, "snapshots/prefs-v2", uuid.uuid4().hex)
    state = snapshots.export_state(arn)
    assert state.status in {"IN_PROGRESS", "COMPLETED"}
    while snapshots.export_state(arn).status == "IN_PROGRESS":
        pass
    found = s3.list_objects_v2(Bucket=bucket, Prefix="snapshots/prefs-v2")["Contents"]
    # One file for each partition, empty ones too, as AWS writes them.
    files = [each["Key"] for each in found if each["Key"].endswith(".json.gz")]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in files]
    lines = b"".join(gzip.decompress(body) for body in bodies).splitlines()
    assert [json.loads(line) for line in lines] == [{"Item": {"pk": {"S": "a"}, "sk": {"N": "1"}}}]


def test_creating_nonsense_is_refused_with_the_services_own_code(
    connection: TableConnection,
) -> None:
    definitions = [{"AttributeName": "other", "AttributeType": "S"}]
    with pytest.raises(RequestRefusedError) as caught:
        Table(connection).create({**PARAMETERS, "AttributeDefinitions": definitions})
    assert caught.value.code == "ValidationException"
