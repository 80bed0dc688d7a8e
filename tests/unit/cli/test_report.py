"""`report`: the page and the document on this machine and in the bucket."""

import json
from pathlib import Path
from typing import Any

import pytest

from tableferry.errors import PermissionMissingError
from tableferry.model import Work
from tests.unit.cli.fake_stack import World, entered, left, read

COPYING = {"copying": {"segments": {"copy": 2}}}


def moved(world: World, status: str = "SUCCEEDED") -> dict[str, Any]:
    """A migration that copied two segments and has that status; its outcome."""
    document = {
        "migrationId": "prefs-v2",
        "status": status,
        "executionArn": "arn",
        "seconds": 12.5,
        "copy": {"read": 60, "written": 60, "skipped": 0, "filtered": 0, "quarantined": 0},
        "verify": None,
        "snapshot": None,
        "undo": None,
        "consumed": {"readUnits": 1.0, "writeUnits": 60.0},
        "error": None,
    }
    arn = world.migrate(status, steps=COPYING, output=json.dumps(document))
    for number in range(2):
        world.segment(number, work=Work.COPY, done=True, counts=read(30))
    world.executions.events[arn] = [
        entered("CopySourceToDestination", 100.0, "Map"),
        left("CopySourceToDestination", 111.0, "Map"),
    ]
    return document


def test_page_and_document_are_written_here_and_the_page_into_the_bucket(
    world: World, tmp_path: Path
) -> None:
    document = moved(world)
    found = world.run("report", "prefs-v2")
    assert found.exit_code == 0
    assert "prefs-v2: SUCCEEDED after 12.5 s" in found.stdout
    page = (tmp_path / "prefs-v2.html").read_text()
    assert json.loads((tmp_path / "prefs-v2.json").read_text()) == document
    assert world.outcomes.pages == {"prefs-v2": page}
    assert page.startswith("<!DOCTYPE html>")
    for words in ("CopySourceToDestination", "11.0 s", "2 of 2", "SUCCEEDED"):
        assert words in page
    assert f"page: {(tmp_path / 'prefs-v2.html').as_uri()}" in found.stderr
    assert "also: s3://artifacts/outcomes/prefs-v2.html" in found.stderr


def test_json_is_the_contracts_document_alone_and_writes_nothing(
    world: World, tmp_path: Path
) -> None:
    document = moved(world)
    found = world.run("report", "prefs-v2", "--json")
    assert json.loads(found.stdout) == document
    assert (found.stderr, list(tmp_path.iterdir()), world.outcomes.pages) == ("", [], {})


def test_the_page_goes_where_it_is_wanted(world: World, tmp_path: Path) -> None:
    document = moved(world)
    folder = tmp_path / "reports"
    folder.mkdir()
    found = world.run("report", "prefs-v2", "--json", "--output", str(folder))
    assert json.loads(found.stdout) == document
    assert {path.name for path in folder.iterdir()} == {"prefs-v2.html", "prefs-v2.json"}


def test_a_directory_that_is_not_there_is_status_2(world: World, tmp_path: Path) -> None:
    moved(world)
    found = world.run("report", "prefs-v2", "--output", str(tmp_path / "nowhere"))
    assert found.exit_code == 2
    assert "--output" in found.stderr


@pytest.mark.parametrize(("status", "exit_status"), [("FAILED", 1), ("ABORTED", 1), ("RUNNING", 0)])
def test_the_exit_status_is_the_runs_and_a_run_writes_its_own_page(
    world: World, status: str, exit_status: int
) -> None:
    moved(world, status)
    assert world.run("report", "prefs-v2").exit_code == exit_status
    assert bool(world.outcomes.pages) == (status != "RUNNING")


def test_a_bucket_that_refuses_the_page_costs_neither_page_nor_outcome(
    world: World, tmp_path: Path
) -> None:
    moved(world)
    world.outcomes.refuses = PermissionMissingError("s3:PutObject was refused")
    found = world.run("report", "prefs-v2")
    assert found.exit_code == 0
    assert "not put into the artifacts bucket: s3:PutObject was refused" in found.stderr
    assert (tmp_path / "prefs-v2.html").exists()


def test_an_execution_that_is_forgotten_leaves_a_page_without_its_states(
    world: World, tmp_path: Path
) -> None:
    document = moved(world)
    world.outcomes.documents["prefs-v2"] = document
    world.executions.states.clear()
    assert world.run("report", "prefs-v2").exit_code == 0
    page = (tmp_path / "prefs-v2.html").read_text()
    assert "SUCCEEDED" in page
    assert "12.5 s" in page
    assert "Not shown" in page


def test_status_leads_to_the_report_of_a_run_that_has_ended(world: World) -> None:
    moved(world)
    assert "report: s3://artifacts/outcomes/prefs-v2.html" in world.run("status", "prefs-v2").stdout
    world.executions.end(next(iter(world.executions.states)), "RUNNING")
    assert "prefs-v2.html" not in world.run("status", "prefs-v2").stdout
