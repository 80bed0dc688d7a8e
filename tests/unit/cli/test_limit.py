"""`limit`: what workers may use while they run, and who changed it."""

import json
from typing import Any

import pytest

from tableferry.aws.executions import MapRun
from tableferry.limits import RunLimits
from tests.unit.cli.fake_stack import OPERATOR, World


def limited(world: World, *words: str) -> dict[str, Any]:
    result = world.run("limit", "prefs-v2", *words, "--json")
    assert result.exit_code == 0, result.stdout
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def holding(world: World) -> RunLimits:
    found = world.ledger.controls["prefs-v2"].limits
    assert found is not None
    return found


def test_limit_writes_what_workers_look_at_and_who_set_it_why(world: World) -> None:
    world.migrate()
    document = limited(world, "--write-units-per-second", "2500", "--why", "sale")
    found = holding(world)
    assert (found.write_units, found.read_units, found.max_concurrency) == (2500, None, 40)
    assert (found.by, found.why) == (OPERATOR, "sale")
    assert document["limits"]["writeUnitsPerSecond"] == 2500
    assert document["limits"]["setBy"]["by"] == OPERATOR


def test_a_run_can_be_made_nice_and_eager_again_while_it_runs(world: World) -> None:
    world.migrate()
    limited(world, "--nice")
    assert holding(world).nice
    limited(world, "--max-concurrency", "7")
    assert holding(world).nice
    limited(world, "--not-nice")
    assert not holding(world).nice


def test_what_is_not_named_stays_and_none_lifts(world: World) -> None:
    world.migrate()
    limited(world, "--write-units-per-second", "2500.5")
    limited(world, "--read-units-per-second", "50%")
    assert (holding(world).write_units, holding(world).read_units) == (2500.5, "50%")
    limited(world, "--write-units-per-second", "none")
    assert (holding(world).write_units, holding(world).read_units) == (None, "50%")


def test_concurrency_changes_the_map_that_runs_and_no_other(world: World) -> None:
    world.migrate()
    world.executions.runs = [
        MapRun("arn:over", "CleanDestination", is_over=True),
        MapRun("arn:now", "CopySourceToDestination"),
    ]
    document = limited(world, "--max-concurrency", "7")
    assert world.executions.concurrency == {"arn:now": 7}
    assert document["mapRuns"] == ["arn:now"]


def test_between_two_maps_only_the_limits_are_written(world: World) -> None:
    world.migrate()
    world.executions.runs = [MapRun("arn:over", "CleanDestination", is_over=True)]
    assert limited(world, "--max-concurrency", "7")["mapRuns"] == []
    assert world.executions.concurrency == {}
    assert holding(world).max_concurrency == 7


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--max-concurrency", "0"],
        ["--write-units-per-second", "0"],
        ["--write-units-per-second", "-5"],
        ["--write-units-per-second", "101%"],
        ["--read-units-per-second", "fast"],
        ["--read-units-per-second", "inf"],
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(world: World, words: list[str]) -> None:
    world.migrate()
    assert world.run("limit", "prefs-v2", *words).exit_code == 2
    assert world.ledger.controls["prefs-v2"].limits is None


def test_status_shows_the_limits_with_who_and_why(world: World) -> None:
    world.migrate()
    limited(world, "--write-units-per-second", "2500", "--why", "sale until six")
    shown = world.run("status", "prefs-v2").stdout
    assert "writes 2,500 units a second" in " ".join(shown.split())
    assert "sale until six" in " ".join(shown.split())
    document = json.loads(world.run("status", "prefs-v2", "--json").stdout)
    assert document["limits"]["setBy"]["why"] == "sale until six"


def test_an_unknown_migration_can_not_be_limited(world: World) -> None:
    assert world.run("limit", "nobody", "--max-concurrency", "3").exit_code == 2
