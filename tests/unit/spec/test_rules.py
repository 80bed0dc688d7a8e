from typing import Any

import botocore.session
import pytest

from tableferry.errors import InvalidSpecError, Problem
from tableferry.spec import MigrationSpec
from tableferry.spec.creating import CREATE_TABLE_PARAMETERS
from tableferry.spec.not_yet import NOT_YET

KEYS = [{"AttributeName": "id", "KeyType": "HASH"}]
DEFINITIONS = [{"AttributeName": "id", "AttributeType": "S"}]
TABLE = {"KeySchema": KEYS, "AttributeDefinitions": DEFINITIONS}
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}


def document(**fields: Any) -> dict[str, Any]:
    return {
        "migrationId": "prefs-v2",
        "source": {"tableName": "UserPreferences"},
        "destination": {"tableName": "UserPreferencesV2"},
        **fields,
    }


def problems(**fields: Any) -> list[Problem]:
    with pytest.raises(InvalidSpecError) as caught:
        MigrationSpec.parse(document(**fields))
    return list(caught.value.problems)


def paths(**fields: Any) -> list[str]:
    return [problem.path for problem in problems(**fields)]


def creating(create: object, **fields: Any) -> dict[str, Any]:
    return {"destination": {"tableName": "New", "create": create, **fields}}


@pytest.mark.parametrize("mode", ["migrate", "plan", "count"])
def test_a_source_is_needed_but_for_cleaning(mode: str) -> None:
    assert paths(mode=mode, source=None) == ["source"]


def test_cleaning_needs_no_source() -> None:
    assert MigrationSpec.parse(document(mode="clean", source=None)).source is None


ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/Users"


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        pytest.param({"tableName": "Users"}, {"tableName": "Users"}, id="names"),
        pytest.param({"tableName": ARN}, {"tableName": ARN}, id="arns"),
        pytest.param(
            {"tableName": ARN},
            {
                "tableName": "Users",
                "region": "eu-west-1",
                "roleArn": "arn:aws:iam::123456789012:role/Mover",
            },
            id="arn-and-name-with-role-and-region",
        ),
    ],
)
def test_a_table_is_not_moved_into_itself(source: Any, destination: Any) -> None:
    assert paths(source=source, destination=destination) == ["destination.tableName"]


@pytest.mark.parametrize(
    "destination",
    [
        pytest.param({"tableName": "Users", "region": "us-east-1"}, id="other-region"),
        pytest.param({"tableName": ARN.replace("123456789012", "210987654321")}, id="account"),
        pytest.param({"tableName": "users"}, id="names-mind-their-case"),
    ],
)
def test_tables_of_one_name_in_two_places_are_two(destination: Any) -> None:
    assert MigrationSpec.parse(document(source={"tableName": ARN}, destination=destination))


def test_a_region_that_contradicts_the_arn_is_refused() -> None:
    assert paths(source={"tableName": ARN, "region": "us-east-1"}) == ["source.region"]


def test_a_region_that_repeats_the_arn_is_taken() -> None:
    assert MigrationSpec.parse(document(source={"tableName": ARN, "region": "eu-west-1"}))


@pytest.mark.parametrize("mode", ["migrate", "plan", "count"])
def test_clean_where_belongs_to_cleaning(mode: str) -> None:
    assert paths(mode=mode, cleanWhere="{% n > 1 %}") == ["cleanWhere"]


def test_the_condition_of_a_cleaning_is_checked() -> None:
    (problem,) = problems(mode="clean", cleanWhere="{% $now() > 1 %}")
    assert problem.path == "cleanWhere"


def test_problems_of_the_transform_come_with_the_others() -> None:
    found = paths(transform=[{"rename": {"from": "a"}}, {"renam": {}}], segments=0)
    assert found[0] == "segments"
    assert any(path.startswith("transform[0].rename") for path in found)
    assert any(path.startswith("transform[1]") for path in found)


@pytest.mark.parametrize("strategy", ["live", "hot"])
def test_cleaning_is_refused_while_applications_write(strategy: str) -> None:
    assert "cleanDestination" in paths(strategy=strategy, cleanDestination=True)


def test_cleaning_leaves_nothing_to_keep() -> None:
    assert paths(cleanDestination=True, onExisting="keep") == ["onExisting"]


def test_resume_is_for_migrations() -> None:
    assert paths(mode="count", resume=True) == ["resume"]
    assert MigrationSpec.parse(document(mode="plan", resume=True)).resume


def test_undo_none_must_be_said() -> None:
    assert MigrationSpec.parse(document()).undo == "backup"
    assert MigrationSpec.parse(document(undo="none")).undo == "none"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("strategy", {"strategy": "hot"}),
        ("strayWrites", {"strayWrites": "forward"}),
    ],
)
def test_what_is_not_there_yet_says_so_and_what_to_use(path: str, fields: Any) -> None:
    (problem,) = problems(**fields)
    assert (problem.path, problem.rule) == (path, "is not there yet")
    assert problem.remedy


def test_repair_is_for_contents_and_deleting_for_repair() -> None:
    assert paths(repair=True, verify="count") == ["repair"]
    assert paths(deleteExtras=True) == ["deleteExtras"]
    assert paths(repair=True, deleteExtras=True, onExisting="keep") == ["deleteExtras"]
    assert MigrationSpec.parse(document(repair=True, deleteExtras=True)).delete_extras


def test_mode_verify_compares_something() -> None:
    assert paths(mode="verify", verify="none") == ["verify"]
    assert MigrationSpec.parse(document(mode="verify", verify="count")).verify == "count"


def test_everything_not_there_yet_names_a_field_of_the_spec() -> None:
    spec = MigrationSpec.parse(document()).to_json()
    for line in NOT_YET:
        inner: Any = spec
        for name in line.path.split("."):
            inner = inner[name]
        assert not line.matches(inner), f"{line.path} refuses its own default"


# -- destination.create ------------------------------------------------------------------------


def test_the_parameters_of_create_table_are_those_of_the_api() -> None:
    model = botocore.session.Session().get_service_model("dynamodb")
    shape = model.operation_model("CreateTable").input_shape
    assert shape is not None
    assert set(shape.members) == set(CREATE_TABLE_PARAMETERS)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(creating("likeSource"), id="like-source"),
        pytest.param(creating("likeSource", keySchema=KEYS), id="other-keys"),
        pytest.param(
            creating({"KeySchema": KEYS, "AttributeDefinitions": DEFINITIONS}), id="parameters"
        ),
        pytest.param(
            creating(
                {
                    "TableName": "New",
                    "KeySchema": KEYS,
                    "AttributeDefinitions": [
                        *DEFINITIONS,
                        {"AttributeName": "age", "AttributeType": "N"},
                    ],
                    "GlobalSecondaryIndexes": [
                        {
                            "IndexName": "byAge",
                            "KeySchema": [{"AttributeName": "age", "KeyType": "HASH"}],
                            "Projection": {"ProjectionType": "ALL"},
                        }
                    ],
                }
            ),
            id="parameters-with-an-index",
        ),
    ],
)
def test_a_destination_can_be_made(fields: Any) -> None:
    assert MigrationSpec.parse(document(**fields)).destination.create


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("keySchema", creating(None, keySchema=KEYS)),
        ("keySchema", creating("likeSource", keySchema=[])),
        ("keySchema", creating("likeSource", keySchema=[*KEYS, *KEYS])),
        (
            "keySchema",
            creating("likeSource", keySchema=[{"AttributeName": "a", "KeyType": "RANGE"}]),
        ),
        (
            "keySchema",
            creating("likeSource", keySchema=[*KEYS, {"AttributeName": "id", "KeyType": "RANGE"}]),
        ),
        ("keySchema[0]", creating("likeSource", keySchema=[{"attributeName": "a"}])),
        ("keySchema[0]", creating("likeSource", keySchema=["id"])),
        (
            "keySchema[0].AttributeType",
            creating("likeSource", keySchema=[{**KEYS[0], "AttributeType": "BOOL"}]),
        ),
        ("create.KeySchema", creating({"AttributeDefinitions": DEFINITIONS})),
        ("create.KeySchema[0]", creating({"KeySchema": [{**KEYS[0], "AttributeType": "S"}]})),
        ("create.AttributeDefinitions", creating({"KeySchema": KEYS})),
        (
            "create.AttributeDefinitions",
            creating({"KeySchema": KEYS, "AttributeDefinitions": [{"AttributeName": "id"}]}),
        ),
        (
            "create.AttributeDefinitions",
            creating({"KeySchema": KEYS, "AttributeDefinitions": DEFINITIONS * 2}),
        ),
        (
            "create.TableName",
            creating(
                {"TableName": "Other", "KeySchema": KEYS, "AttributeDefinitions": DEFINITIONS}
            ),
        ),
        ("create.TableName", creating({**TABLE, "TableName": ["New"]})),
        ("create.ProvisionedThroughput", creating({**TABLE, "BillingMode": "PROVISIONED"})),
        (
            "create.ProvisionedThroughput",
            creating({**TABLE, "BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": UNITS}),
        ),
    ],
)
def test_a_table_that_aws_would_refuse_is_refused(path: str, fields: Any) -> None:
    assert paths(**fields) == [f"destination.{path}"]


@pytest.mark.parametrize("indexes", [5, True, "x", [5], [{"KeySchema": 5}], [{"KeySchema": [5]}]])
@pytest.mark.parametrize("name", ["LocalSecondaryIndexes", "GlobalSecondaryIndexes"])
def test_types_inside_indexes_are_left_to_the_api_s_own_model(name: str, indexes: object) -> None:
    assert MigrationSpec.parse(document(**creating({**TABLE, name: indexes}))).destination.create


@pytest.mark.parametrize("name", [["id"], {}, None])
def test_a_name_of_another_type_is_refused(name: object) -> None:
    found = paths(**creating({**TABLE, "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}]}))
    assert found == ["destination.create.KeySchema[0].AttributeName"]
    entry = {"IndexName": "g", "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}]}
    assert MigrationSpec.parse(document(**creating({**TABLE, "GlobalSecondaryIndexes": [entry]})))


def test_definitions_match_the_keys_both_ways() -> None:
    found = problems(
        **creating(
            {
                "KeySchema": KEYS,
                "AttributeDefinitions": [{"AttributeName": "other", "AttributeType": "S"}],
            }
        )
    )
    assert [problem.value for problem in found] == ["id", "other"]


def test_an_unknown_parameter_gets_the_nearest_name() -> None:
    (problem,) = problems(
        **creating(
            {"KeySchema": KEYS, "AttributeDefinitions": DEFINITIONS, "billingMode": "PROVISIONED"}
        )
    )
    assert problem.path == "destination.create.billingMode"
    assert problem.remedy == "did you mean BillingMode?"
