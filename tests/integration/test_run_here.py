"""`tableferry run`: a table moved by this machine alone, killed and continued."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tableferry.local.engine import Engine
from tests.support.fixtures import dynamodb_client

ITEMS, BATCH = 1_500, 25


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = Engine(tmp_path_factory.mktemp("engine"))
    try:
        yield engine.start().endpoint_url
    finally:
        engine.stop()


@pytest.fixture(scope="module")
def client(endpoint: str) -> Any:
    made = dynamodb_client(endpoint)
    made.create_table(
        TableName="Prefs",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    for start in range(0, ITEMS, BATCH):
        puts = [
            {"PutRequest": {"Item": {"pk": {"S": f"p{n:05}"}, "kind": {"S": "letter"}}}}
            for n in range(start, start + BATCH)
        ]
        made.batch_write_item(RequestItems={"Prefs": puts})
    return made


def spec(migration_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "migrationId": migration_id,
        "source": {"tableName": "Prefs"},
        "destination": {"tableName": f"To-{migration_id}", "create": "likeSource"},
        "transform": [{"rename": {"from": "kind", "to": "type"}}],
        "segments": 4,
        "snapshot": "none",
        **fields,
    }


def begun(folder: Path, endpoint: str, document: dict[str, Any]) -> "subprocess.Popen[str]":
    (folder / "spec.json").write_text(json.dumps(document))
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", "from tableferry.cli.main import main; main()"]
        + ["run", "spec.json", "--json"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ran(folder: Path, endpoint: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    with begun(folder, endpoint, document) as running:
        output, said = running.communicate(timeout=240)
    assert output, said
    return running.returncode, json.loads(output)


def types_in(client: Any, table: str) -> set[str]:
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = [item for page in pages for item in page["Items"]]
    assert len(items) == ITEMS
    return {item["type"]["S"] for item in items}


def test_a_table_is_moved_verified_and_told_as_with_a_stack(
    tmp_path: Path, endpoint: str, client: Any
) -> None:
    status, outcome = ran(tmp_path, endpoint, spec("whole"))
    assert (status, outcome["status"]) == (0, "SUCCEEDED")
    assert outcome["copy"]["written"] == ITEMS
    assert (outcome["verify"]["level"], outcome["verify"]["match"]) == ("content", True)
    assert types_in(client, "To-whole") == {"letter"}
    again = spec("whole", transform=[])
    status, refused = ran(tmp_path, endpoint, again)
    assert status == 2
    assert [each["path"] for each in refused["error"]["problems"]] == ["transform"]


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, endpoint: str, client: Any) -> None:
    document = spec("killed", limits={"writeUnitsPerSecond": 150}, verify="count")
    with begun(tmp_path, endpoint, document) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "copy: 4" in line:
                break
        waiter = client.get_waiter("table_exists")
        waiter.wait(TableName="To-killed")
        while not client.scan(TableName="To-killed", Limit=1)["Count"]:
            assert running.poll() is None
        os.killpg(running.pid, signal.SIGKILL)
    assert client.scan(TableName="To-killed", Select="COUNT")["Count"] < ITEMS
    document["limits"] = {}
    status, outcome = ran(tmp_path, endpoint, document)
    assert (status, outcome["status"]) == (0, "SUCCEEDED")
    assert outcome["copy"]["read"] == outcome["copy"]["written"] == ITEMS
    assert types_in(client, "To-killed") == {"letter"}


def test_what_needs_the_stack_is_refused_at_once(tmp_path: Path, endpoint: str) -> None:
    document = spec("stacked", approval=True, snapshot="export", repair=True)
    status, refused = ran(tmp_path, endpoint, document)
    assert status == 2
    paths = {each["path"] for each in refused["error"]["problems"]}
    assert paths == {"approval", "snapshot", "repair"}
    assert not (tmp_path / ".tableferry-run").exists()
