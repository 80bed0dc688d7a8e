"""`verify`: what is started, what is printed, and what a repair would do."""

import json
from pathlib import Path
from typing import Any

import pytest

from tableferry.errors import PermissionMissingError, VerificationFailedError
from tableferry.model import Control, Counts, Phase, Work
from tableferry.verification.content_comparing import Seen
from tableferry.verification.differences import Difference, Kind, to_lines
from tests.unit.cli.fake_stack import DESTINATION, EXECUTIONS, World, lambda_failure

DETAILS = "s3://artifacts/outcomes/prefs-v2.verify.differences.jsonl"
KINDS = [Kind.MISSING, Kind.DIFFERENT, Kind.EXTRA, Kind.EXTRA, Kind.COLLISION]
FORGOTTEN = f"{EXECUTIONS}:forgotten"


def difference(number: int, kind: Kind) -> Difference:
    key = {"id": {"S": f"item-{number}"}}
    return Difference(bytes([number]) * 16, kind, key, (key,), Seen(b"a", b"b"))


def result(*, match: bool, level: str = "content") -> dict[str, Any]:
    return {
        "level": level,
        "match": match,
        "sourceItems": 9,
        "destinationItems": 9,
        "missing": 0 if match else 1,
        "extra": 0 if match else 2,
        "different": 0 if match else 1,
        "undecided": 0,
        "kept": 0,
        "sample": [] if match else [difference(1, Kind.MISSING).public()],
        "detailsUri": None if match else DETAILS,
    }


def outcome(arn: str, *, match: bool, status: str = "SUCCEEDED") -> dict[str, Any]:
    return {
        "mode": "verify",
        "migrationId": "prefs-v2",
        "status": status,
        "executionArn": arn,
        "seconds": 3.0,
        "copy": None,
        "verify": result(match=match),
        "error": None,
    }


def verified(world: World, *, match: bool, repaired: Counts | None = None) -> None:
    """Lets the next execution verify, and repair if it is asked to."""

    def run(arn: str, spec: dict[str, Any]) -> None:
        steps: dict[str, Any] = {"verification": {"result": result(match=match)}}
        name = f"{spec['migrationId']}.verify.{arn.rpartition(':')[2]}"
        if repaired is not None:
            steps["repairing"] = {"segments": {"repair": 1}}
            world.segment(0, work=Work.REPAIR, run=name, done=True, counts=repaired)
        record = {"mode": "verify", "spec": spec, "steps": steps}
        control = Control(name, arn, Phase.CLOSED, DESTINATION)
        world.ledger.create_run(control, record, writes=False, keep=False)
        if match:
            world.executions.end(arn, output=json.dumps(outcome(arn, match=True)))
        else:
            error = VerificationFailedError("the tables differ", hint="mend it")
            world.executions.end(arn, "FAILED", **lambda_failure(error))

    world.executions.on_start = run


def problems(world: World, *words: str) -> set[str]:
    found = world.run("verify", *words, "--json")
    assert found.exit_code == 2, found.stderr
    assert not world.executions.started
    return {each["path"] for each in json.loads(found.stdout)["error"]["problems"]}


def test_a_migration_is_compared_again_by_its_own_spec(world: World) -> None:
    world.migrate("SUCCEEDED")
    verified(world, match=True)
    found = world.run("verify", "prefs-v2", "--json")
    assert (found.exit_code, json.loads(found.stdout)["verify"]["match"]) == (0, True)
    (spec,) = world.executions.started
    assert (spec["mode"], spec["verify"], spec["repair"]) == ("verify", "content", False)
    assert spec["source"]["tableName"] == "Prefs"
    assert (spec["snapshot"], spec["destination"]["create"]) == ("none", None)
    assert world.tables.checked


def test_tables_that_do_not_match_are_status_1_and_lead_to_the_plan(world: World) -> None:
    world.migrate("SUCCEEDED")
    verified(world, match=False)
    found = world.run("verify", "prefs-v2")
    assert found.exit_code == 1
    assert "THEY DO NOT MATCH" in found.stdout
    assert "tableferry verify prefs-v2 --repair --plan" in found.stdout
    assert "redrive" not in found.stdout
    document = json.loads(world.run("verify", "prefs-v2", "--json").stdout)
    assert (document["mode"], document["status"]) == ("verify", "FAILED")
    assert document["error"]["name"] == "VerificationFailedError"


def test_a_repair_is_asked_for_and_told(world: World) -> None:
    world.migrate("SUCCEEDED")
    verified(world, match=True, repaired=Counts(written=2, deleted=1, skipped=3))
    found = world.run("verify", "prefs-v2", "--repair", "--delete-extras")
    assert found.exit_code == 0
    assert "2 items written, 1 deleted, 3 left as they are, in PrefsV2" in found.stdout
    (spec,) = world.executions.started
    assert (spec["repair"], spec["deleteExtras"]) == (True, True)


def test_a_repair_that_found_nothing_says_that_nothing_was_changed(world: World) -> None:
    world.migrate("SUCCEEDED")
    verified(world, match=True)
    found = world.run("verify", "prefs-v2", "--repair", "--json")
    assert "nothing was changed in PrefsV2" in found.stderr
    assert json.loads(found.stdout)["verify"]["match"]


def test_a_repair_that_may_not_write_changes_nothing_and_says_so(world: World) -> None:
    world.migrate("SUCCEEDED")
    refusal = PermissionMissingError("repair_partition lacks dynamodb:PutItem", hint="allow it")
    world.executions.on_start = lambda arn, _spec: world.executions.end(
        arn, "FAILED", **lambda_failure(refusal)
    )
    found = world.run("verify", "prefs-v2", "--repair")
    assert found.exit_code == 3
    assert "nothing was changed in PrefsV2" in found.stderr
    assert "dynamodb:PutItem" in found.stderr


def test_extras_that_keep_kept_are_never_deleted(world: World) -> None:
    world.migrate("SUCCEEDED")
    world.ledger.records["prefs-v2"]["spec"]["onExisting"] = "keep"
    assert problems(world, "prefs-v2", "--repair", "--delete-extras") == {"deleteExtras"}


def test_an_unknown_id_is_status_2(world: World) -> None:
    assert world.run("verify", "nothing").exit_code == 2
    assert world.run("verify", "nothing", "--plan").exit_code == 2


# --- any two tables ---


def test_any_two_tables_are_compared_after_the_transform(world: World, tmp_path: Path) -> None:
    steps = [{"rename": {"from": "n", "to": "number"}}]
    file = tmp_path / "steps.json"
    verified(world, match=True)
    for text in (json.dumps(steps), json.dumps({"migrationId": "x", "transform": steps})):
        file.write_text(text)
        words = ["--source", "Old", "--destination", "New.Table", "--transform", str(file)]
        assert world.run("verify", *words, "--json").exit_code == 0
    first, second = world.executions.started
    assert first == second
    assert first["transform"] == steps
    assert (first["mode"], first["repair"]) == ("verify", False)
    assert first["migrationId"].startswith("compare-Old-New-Table-")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[{]", "$"),
        ("[" * 100_000, "$"),
        ("{}", "--transform"),
        ('[{"rename": 1}]', "transform[0].rename"),
    ],
)
def test_a_wrong_transform_is_refused(world: World, tmp_path: Path, text: str, path: str) -> None:
    file = tmp_path / "steps.json"
    file.write_text(text)
    words = ["--source", "Old", "--destination", "New", "--transform", str(file)]
    assert problems(world, *words) == {path}


def test_a_transform_that_is_not_there_is_status_2(world: World) -> None:
    words = ["--source", "Old", "--destination", "New", "--transform", "/nowhere.json"]
    result = world.run("verify", *words)
    assert result.exit_code == 2
    assert "error: /nowhere.json can not be read: No such file or directory\n" in result.stderr


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ([], {"ID"}),
        (["prefs-v2", "--source", "Old"], {"--source"}),
        (["--source", "Old"], {"--destination"}),
        (["--transform", "x"], {"--source", "--destination"}),
        (["--source", "Old", "--destination", "New", "--repair"], {"--repair"}),
        (["--source", "Old", "--destination", "New", "--plan"], {"--plan"}),
        (["prefs-v2", "--delete-extras"], {"--delete-extras"}),
        (["--source", "a b", "--destination", "New"], {"source.tableName"}),
    ],
)
def test_what_does_not_go_together_is_refused(
    world: World, words: list[str], paths: set[str]
) -> None:
    assert problems(world, *words) == paths


# --- what a repair would do ---


def compared(world: World, arn: str, ended_at: float, *, match: bool) -> None:
    """An outcome of mode verify in the bucket, of an execution that ended then."""
    world.executions.end(arn, "FAILED", ended_at=ended_at)
    world.outcomes.documents["prefs-v2.verify"] = outcome(arn, match=match)
    world.outcomes.objects[DETAILS] = to_lines([difference(n, k) for n, k in enumerate(KINDS)])


@pytest.mark.parametrize(("extra", "deleted", "left"), [([], 0, 3), (["--delete-extras"], 2, 1)])
def test_the_plan_says_what_a_repair_would_do_and_starts_nothing(
    world: World, extra: list[str], deleted: int, left: int
) -> None:
    world.migrate("SUCCEEDED", output=json.dumps({"verify": None}))
    compared(world, f"{EXECUTIONS}:two", 200.0, match=False)
    found = world.run("verify", "prefs-v2", "--repair", "--plan", *extra, "--json")
    assert found.exit_code == 0
    document = json.loads(found.stdout)
    assert document["actions"] == {"put": 1, "change": 1, "delete": deleted, "leave": left}
    assert [each["action"] for each in document["sample"]][:2] == ["put", "change"]
    assert document["detailsUri"] == DETAILS
    text = world.run("verify", "prefs-v2", "--plan").stdout
    assert "1 items would be written, since they are missing" in text
    assert 'change  different: {"id": {"S": "item-1"}}' in text
    assert not world.executions.started


def migrated(world: World, ended_at: float, *, match: bool) -> None:
    arn = f"{EXECUTIONS}:one"
    document = {"verify": result(match=match), "executionArn": arn}
    world.migrate("SUCCEEDED", ended_at=ended_at, output=json.dumps(document))


@pytest.mark.parametrize(("migration_ended", "puts"), [(100.0, 1), (300.0, 0)])
def test_the_plan_goes_by_the_newest_verification(
    world: World, migration_ended: float, puts: int
) -> None:
    migrated(world, migration_ended, match=True)
    compared(world, f"{EXECUTIONS}:two", 200.0, match=False)
    document = json.loads(world.run("verify", "prefs-v2", "--plan", "--json").stdout)
    assert document["actions"]["put"] == puts


def test_any_execution_is_newer_than_one_that_is_forgotten(world: World) -> None:
    migrated(world, 100.0, match=True)
    world.outcomes.documents["prefs-v2.verify"] = outcome(FORGOTTEN, match=False)
    assert "there is nothing to repair" in world.run("verify", "prefs-v2", "--plan").stdout


def test_without_a_verification_by_content_there_is_no_plan(world: World) -> None:
    document = {"verify": result(match=False, level="count"), "executionArn": "arn"}
    world.migrate("SUCCEEDED", output=json.dumps(document))
    found = world.run("verify", "prefs-v2", "--plan")
    assert found.exit_code == 2
    assert "hint: tableferry verify prefs-v2" in found.stderr
