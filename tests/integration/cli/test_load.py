"""`local load` into an engine of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tableferry.local.engine import REGION, Engine
from tests.integration.cli.conftest import ROOT, CommandLine, plain_environment


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory that looks like a clone, with a running engine."""
    folder = tmp_path_factory.mktemp("clone")
    folder.joinpath("template.yaml").touch()
    engine = Engine.of_project(folder)
    engine.start(outlives_caller=False)
    yield folder
    engine.stop()


@pytest.fixture
def tableferry(project: Path) -> CommandLine:
    elsewhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_PROFILE": "production"}
    return CommandLine(
        {**plain_environment(), **elsewhere, "PYTHONPATH": str(ROOT / "src")}, project
    )


def test_loads_all_and_again_into_the_same_table(tableferry: CommandLine, project: Path) -> None:
    rows = [{"userId": f"u{n}", "n": n, "big": 10**37 + n} for n in range(2_003)]
    path = project / "prefs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    first = tableferry("local", "load", "Prefs", "prefs.jsonl", "--json")
    assert first.status == 0, first.stdout + first.stderr
    assert first.document["items"] == 2_003
    assert first.document["created"] is True
    assert first.document["keysAre"] == "guessed"
    again = tableferry("local", "load", "Prefs", "prefs.jsonl")
    assert again.status == 0, again.stderr
    assert "keys: userId (S), the table's own" in again.stderr
    client = boto3.client(
        "dynamodb",
        endpoint_url=Engine.of_project(project).running().endpoint_url,
        region_name=REGION,
    )
    pages = client.get_paginator("scan").paginate(TableName="Prefs")
    found = {item["userId"]["S"]: item for page in pages for item in page["Items"]}
    assert len(found) == 2_003
    assert found["u7"]["big"] == {"N": str(10**37 + 7)}


def test_mistake_loads_nothing(tableferry: CommandLine, project: Path) -> None:
    project.joinpath("bad.csv").write_text("id,n\na,1\nb\n")
    refused = tableferry("local", "load", "Bad", "bad.csv", "--key", "id", "--json")
    assert refused.status == 2
    (problem,) = refused.document["error"]["problems"]
    assert problem["path"] == "bad.csv:3"
    client = boto3.client(
        "dynamodb",
        endpoint_url=Engine.of_project(project).running().endpoint_url,
        region_name=REGION,
    )
    assert "Bad" not in client.list_tables()["TableNames"]


def test_keys_that_contradict_are_refused(tableferry: CommandLine, project: Path) -> None:
    project.joinpath("one.csv").write_text("id,n\na,1\n")
    assert tableferry("local", "load", "One", "one.csv", "--key", "id").status == 0
    refused = tableferry("local", "load", "One", "one.csv", "--key", "n", "--json")
    assert refused.status == 2
    assert "id (S)" in refused.document["error"]["problems"][0]["rule"]
    for words in (["--sort-key", "n"], ["--key", "n", "--sort-key", "n"]):
        assert tableferry("local", "load", "One", "one.csv", *words).status == 2
    assert tableferry("local", "load", "x", "one.csv").status == 2
    assert tableferry("local", "load", "One", "nothing.csv").status == 2
