import json
from typing import Any

import pytest

from tableferry.errors import InvalidSpecError, Problem
from tableferry.spec import MAX_SPEC_BYTES, MigrationSpec, percent_of


def document(**fields: Any) -> dict[str, Any]:
    return {
        "migrationId": "prefs-v2",
        "source": {"tableName": "UserPreferences"},
        "destination": {"tableName": "UserPreferencesV2"},
        **fields,
    }


def problems(found: object) -> list[Problem]:
    with pytest.raises(InvalidSpecError) as caught:
        MigrationSpec.parse(found)
    return list(caught.value.problems)


def paths(found: object) -> list[str]:
    return [problem.path for problem in problems(found)]


def test_defaults_are_those_of_the_contract() -> None:
    spec = MigrationSpec.parse(document()).to_json()
    assert spec == {
        "migrationId": "prefs-v2",
        "mode": "migrate",
        "source": {"tableName": "UserPreferences", "roleArn": None, "region": None},
        "destination": {
            "tableName": "UserPreferencesV2",
            "roleArn": None,
            "region": None,
            "create": None,
            "keySchema": None,
        },
        "strategy": "copy",
        "transform": [],
        "onExisting": "overwrite",
        "cleanDestination": False,
        "cleanWhere": None,
        "undo": "backup",
        "onItemError": "fail",
        "segments": "auto",
        "limits": {
            "maxConcurrency": 40,
            "readUnitsPerSecond": None,
            "writeUnitsPerSecond": None,
            "nice": False,
        },
        # "content" once it is there
        "verify": "content",
        "repair": False,
        "deleteExtras": False,
        "snapshot": "backup",
        "strayWrites": "report",
        "resume": False,
        "approval": False,
    }


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"mode": "plan", "segments": 7, "verify": "none"}, id="plain-fields"),
        pytest.param({"transform": [{"remove": ["a"]}]}, id="transform"),
        pytest.param(
            {"mode": "clean", "source": None, "cleanWhere": "{% n > 1 %}"},
            id="clean-with-condition",
        ),
        pytest.param(
            {
                "destination": {
                    "tableName": "arn:aws:dynamodb:eu-west-1:123456789012:table/New",
                    "roleArn": "arn:aws:iam::123456789012:role/service/Mover",
                    "create": "likeSource",
                    "keySchema": [{"AttributeName": "id", "KeyType": "HASH", "AttributeType": "S"}],
                }
            },
            id="destination-with-everything",
        ),
    ],
)
def test_a_spec_written_out_is_read_as_itself(fields: dict[str, Any]) -> None:
    spec = MigrationSpec.parse(document(**fields))
    assert MigrationSpec.parse(json.loads(json.dumps(spec.to_json()))) == spec


def test_parse_does_not_change_what_it_was_given() -> None:
    given = document(limits={"maxConcurrency": 1})
    MigrationSpec.parse(given)
    assert given == document(limits={"maxConcurrency": 1})


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("clean_destination", "cleanDestination"),
        ("CleanDestination", "cleanDestination"),
        ("onexisting", "onExisting"),
        ("snapshots", "snapshot"),
        ("migration_id", "migrationId"),
    ],
)
def test_an_unknown_field_gets_the_nearest_name(field: str, meant: str) -> None:
    (problem,) = problems(document(**{field: True}))
    assert (problem.path, problem.remedy) == (field, f"did you mean {meant}?")


def test_an_unknown_field_like_no_other_gets_the_list() -> None:
    (problem,) = problems(document(zzzzz=1))
    assert "migrationId, mode, source" in problem.remedy


def test_unknown_inner_fields_are_named_by_path() -> None:
    found = problems(
        document(
            source={"tableName": "UserPreferences", "rolearn": "x"}, limits={"maxConcurency": 1}
        )
    )
    assert [(problem.path, problem.remedy) for problem in found] == [
        ("source.rolearn", "did you mean roleArn?"),
        ("limits.maxConcurency", "did you mean maxConcurrency?"),
    ]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("segments", {"segments": "1"}),
        ("segments", {"segments": 5.0}),
        ("segments", {"segments": True}),
        ("segments", {"segments": 0}),
        ("segments", {"segments": 100_001}),
        ("segments", {"segments": None}),
        ("cleanDestination", {"cleanDestination": 1}),
        ("cleanDestination", {"cleanDestination": "true"}),
        ("approval", {"approval": None}),
        ("undo", {"undo": None}),
        ("undo", {"undo": False}),
        ("mode", {"mode": "Migrate"}),
        ("migrationId", {"migrationId": 5}),
        ("transform", {"transform": {"rename": {}}}),
        ("source", {"source": "UserPreferences"}),
        ("destination", {"destination": []}),
        ("limits", {"limits": None}),
        ("limits.maxConcurrency", {"limits": {"maxConcurrency": "40"}}),
        ("limits.maxConcurrency", {"limits": {"maxConcurrency": 0}}),
        ("limits.maxConcurrency", {"limits": {"maxConcurrency": 10_001}}),
        ("limits.maxConcurrency", {"limits": {"maxConcurrency": 40.0}}),
        ("limits.nice", {"limits": {"nice": 0}}),
        ("limits.readUnitsPerSecond", {"limits": {"readUnitsPerSecond": "fast"}}),
        ("limits.readUnitsPerSecond", {"limits": {"readUnitsPerSecond": 0}}),
        ("limits.writeUnitsPerSecond", {"limits": {"writeUnitsPerSecond": "101%"}}),
        ("limits.writeUnitsPerSecond", {"limits": {"writeUnitsPerSecond": True}}),
        ("destination.create", {"destination": {"tableName": "New", "create": "likesource"}}),
        ("destination.create", {"destination": {"tableName": "New", "create": True}}),
        ("cleanWhere", {"mode": "clean", "cleanWhere": True}),
    ],
)
def test_wrong_types_and_values_are_never_coerced(path: str, fields: dict[str, Any]) -> None:
    (problem,) = problems(document(**fields))
    assert problem.path == path
    assert problem.rule
    assert problem.remedy


@pytest.mark.parametrize(
    "migration_id", ["", "-a", "_a", "a.b", "a b", "é", "a\n", "a" * 64, "a/b", "a#b"]
)
def test_migration_ids_follow_the_rule(migration_id: str) -> None:
    assert paths(document(migrationId=migration_id)) == ["migrationId"]


@pytest.mark.parametrize("migration_id", ["a", "0", "A-b_c", "a" * 63])
def test_good_migration_ids_are_taken(migration_id: str) -> None:
    assert MigrationSpec.parse(document(migrationId=migration_id)).migration_id == migration_id


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 256,
        "a b c",
        "table\n",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Users/index/byAge",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Users/stream/2026-01-01T00:00:00.000",
        "arn:aws:dynamodb:eu-west-1:12345:table/Users",
        "arn:aws:s3:::bucket",
    ],
)
def test_what_is_no_table_name_is_refused(name: str) -> None:
    assert paths(document(source={"tableName": name})) == ["source.tableName"]


def test_an_arn_gives_name_account_and_region() -> None:
    arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/Users.v1"
    table = MigrationSpec.parse(document(source={"tableName": arn})).source
    assert table is not None
    assert (table.name, table.arn_account, table.effective_region) == (
        "Users.v1",
        "123456789012",
        "us-gov-west-1",
    )


def test_a_name_takes_account_from_the_role_and_region_from_the_field() -> None:
    table = MigrationSpec.parse(
        document(
            source={
                "tableName": "Users",
                "roleArn": "arn:aws:iam::210987654321:role/Mover",
                "region": "ap-southeast-2",
            }
        )
    ).source
    assert table is not None
    assert (table.name, table.arn_account, table.account, table.effective_region) == (
        "Users",
        None,
        "210987654321",
        "ap-southeast-2",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("roleArn", "Mover"),
        ("roleArn", "arn:aws:iam::123456789012:user/me"),
        ("region", "Ireland"),
        ("region", "eu-west"),
    ],
)
def test_roles_and_regions_have_a_form(field: str, value: str) -> None:
    assert paths(document(source={"tableName": "Users", field: value})) == [f"source.{field}"]


def test_what_is_missing_is_named() -> None:
    assert sorted(paths({})) == ["destination", "migrationId", "source"]


@pytest.mark.parametrize("found", [None, [], "spec", 1])
def test_only_an_object_is_a_spec(found: object) -> None:
    assert paths(found) == ["$"]


def test_a_spec_that_would_not_fit_between_states_is_refused() -> None:
    steps = [{"remove": ["a" * 1000]}] * (MAX_SPEC_BYTES // 1000)
    (problem,) = problems(document(transform=steps))
    assert (problem.path, "100,000 bytes" in problem.rule) == ("$", True)


def test_numbers_that_json_tools_would_change_are_refused() -> None:
    steps = [{"set": {"attribute": "a", "value": {"deep": [1, 2**53 + 1]}}}]
    (problem,) = problems(document(transform=steps))
    assert problem.path == "transform[0].set.value.deep[1]"
    assert problem.value == "9007199254740993"


def test_a_long_value_is_shortened_in_its_problem() -> None:
    (problem,) = problems(document(source={"tableName": "x" * 5000}))
    assert len(problem.value) < 400


def test_all_problems_come_at_once() -> None:
    found = paths(
        {
            "migrationId": "-a",
            "mode": "count",
            "source": {"tabelName": "Users"},
            "destination": {"tableName": "Users2", "keySchema": []},
            "clean_destination": True,
            "segments": 1.0,
            "limits": {"maxConcurrency": True, "nice": 1},
            "strategy": "hot",
            "transform": [17],
            "cleanDestination": True,
            "onExisting": "keep",
            "cleanWhere": "{% a %}",
            "resume": True,
        }
    )
    assert set(found) == {
        "migrationId",
        "source.tableName",
        "source.tabelName",
        "destination.keySchema",
        "clean_destination",
        "segments",
        "limits.maxConcurrency",
        "limits.nice",
        "strategy",
        "transform[0]",
        "cleanDestination",
        "onExisting",
        "cleanWhere",
        "resume",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [("50%", 50.0), ("0.5%", 0.5), ("100%", 100.0), ("0%", None), ("100.1%", None), ("50", None)],
)
def test_a_share_is_a_percentage(value: str, expected: float | None) -> None:
    assert percent_of(value) == expected
