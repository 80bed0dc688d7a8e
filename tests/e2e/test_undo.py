"""A destination that holds items: the backup that the outcome names brings them back."""

from typing import Any

import pytest

from tests.e2e.call_log import writes
from tests.e2e.stack import Stack
from tests.support import table_data
from tests.support.independent_compare import assert_moved, differences
from tests.support.table_data import Keys

KEYS = Keys("S", "N")


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"cleanDestination": True}, id="clean"),
        pytest.param({"onExisting": "overwrite"}, id="overwrite"),
        pytest.param({"mode": "clean"}, id="mode clean"),
    ],
)
def test_the_backup_in_the_outcome_restores_the_destination(
    stack: Stack, fields: dict[str, Any]
) -> None:
    client = stack.dynamodb
    names = [stack.new_name() for _ in range(4)]
    source, destination, kept, restored = names
    for table in (source, destination, kept):
        table_data.create_table(client, table, KEYS)
    table_data.load(client, source, table_data.items(KEYS, 60, seed=1))
    table_data.load(client, destination, table_data.items(KEYS, 60, seed=2))
    table_data.load(client, kept, table_data.items(KEYS, 60, seed=2))
    assert not differences(client, kept, destination)
    spec = stack.spec(source, destination, segments=3, **fields)

    execution = stack.start(spec)
    output = stack.output(execution)

    if fields.get("mode") == "clean":
        assert (output["mode"], output["deleted"]) == ("clean", 60)
        assert not client.scan(TableName=destination)["Items"]
    else:
        assert_moved(client, source, destination)
    arn = output["undo"]["arn"]
    backup = client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]
    assert backup["BackupStatus"] == "AVAILABLE"
    first_write = min(call.at for call in writes(stack, destination))
    assert backup["BackupCreationDateTime"].timestamp() <= first_write
    client.restore_table_from_backup(TargetTableName=restored, BackupArn=arn)
    client.get_waiter("table_exists").wait(TableName=restored, WaiterConfig={"Delay": 1})
    assert_moved(client, kept, restored)
