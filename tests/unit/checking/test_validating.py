from typing import Any

import pytest

from tableferry.addresses import Place
from tableferry.checking.validating import Validation, validate_migration
from tableferry.errors import (
    CollisionError,
    InvalidSpecError,
    PermissionMissingError,
    Problem,
    TableferryError,
    TableNotFoundError,
)
from tableferry.spec import MigrationSpec
from tests.fake_tables import ACCOUNT, REGION, FakeAccount, FakeTable, keys

LEDGER = Place(ACCOUNT, REGION, "tableferry-ledger")
OTHER = "210987654321"


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"id": {"S": f"i{number}"}, **more}


class Case:
    """Two tables and a spec."""

    def __init__(self) -> None:
        self.world = FakeAccount()
        self.old = self.world.add(FakeTable("Old", keys("id"), items=[item(1), item(2)]))
        self.new = self.world.add(FakeTable("New", keys("id")))

    def validate(self, run: str = "m1", **fields: Any) -> Validation:
        document = {
            "migrationId": "m1",
            "source": {"tableName": "Old"},
            "destination": {"tableName": "New"},
            **fields,
        }
        return validate_migration(MigrationSpec.parse(document), run, self.world, LEDGER)

    def refused(
        self, expected: type[TableferryError] = InvalidSpecError, **fields: Any
    ) -> list[Problem]:
        with pytest.raises(TableferryError) as caught:
            self.validate(**fields)
        assert type(caught.value) is expected
        assert self.world.changes == []
        return list(caught.value.problems)


def test_two_good_tables_pass_and_nothing_is_changed() -> None:
    case = Case()
    found = case.validate()
    assert found.source is not None
    assert found.destination is not None
    assert found.planned is not None
    assert found.sample is not None
    assert (found.source.key_names, found.planned.rules.primary) == (("id",), ("id",))
    assert (found.is_destination_empty, found.warnings, len(found.sample.items)) == (True, (), 2)
    assert case.world.changes == []


def test_tables_that_are_not_there_are_named_together() -> None:
    case = Case()
    case.world.tables.clear()
    found = case.refused(TableNotFoundError)
    assert [problem.path for problem in found] == ["source.tableName", "destination.tableName"]
    assert f"account {ACCOUNT}, Region {REGION}" in found[0].rule


def test_a_missing_table_is_listed_with_what_else_is_wrong() -> None:
    case = Case()
    del case.world.tables[Place(ACCOUNT, REGION, "Old")]
    case.new.status = "DELETING"
    assert [problem.path for problem in case.refused()] == [
        "source.tableName",
        "destination.tableName",
    ]


@pytest.mark.parametrize("status", ["CREATING", "DELETING", "ARCHIVED"])
def test_a_table_that_can_not_be_used_is_refused(status: str) -> None:
    case = Case()
    case.old.status = status
    (problem,) = case.refused()
    assert (problem.path, status in problem.rule) == ("source.tableName", True)


def test_the_same_table_by_name_and_by_arn_is_one_table() -> None:
    case = Case()
    (problem,) = case.refused(destination={"tableName": case.old.arn})
    assert problem.path == "destination.tableName"


def test_the_ledger_is_no_table_to_move() -> None:
    case = Case()
    case.world.add(FakeTable(LEDGER.name, keys("pk", "sk")))
    (problem,) = case.refused(source={"tableName": LEDGER.name, "region": REGION})
    assert "ledger" in problem.rule
    (problem,) = case.refused(mode="clean", destination={"tableName": LEDGER.name})
    assert problem.path == "destination.tableName"


def test_another_accounts_arn_needs_a_role() -> None:
    case = Case()
    table = case.world.add(FakeTable("Far", keys("id"), account=OTHER))
    (problem,) = case.refused(source={"tableName": table.arn})
    assert (problem.path, problem.value) == ("source.roleArn", None)
    role = f"arn:aws:iam::{OTHER}:role/Mover"
    assert case.validate(source={"tableName": table.arn, "roleArn": role})


def test_our_own_accounts_arn_needs_no_role() -> None:
    case = Case()
    assert case.validate(source={"tableName": case.old.arn})


def test_every_look_that_is_refused_comes_in_one_error() -> None:
    case = Case()
    case.world.denied = {"source:Scan", "destination:DescribeTable"}
    with pytest.raises(PermissionMissingError) as caught:
        case.validate()
    assert "dynamodb:DescribeTable on table New" in caught.value.cause
    assert "dynamodb:Scan on table Old" in caught.value.cause
    assert caught.value.exit_status == 3


def test_a_refusal_does_not_hide_the_problems() -> None:
    case = Case()
    case.world.denied = {"source:Scan"}
    case.new.status = "DELETING"
    problems = case.refused(PermissionMissingError)
    assert [problem.path for problem in problems] == ["destination.tableName"]


def test_keys_that_do_not_fit_after_the_transform_are_found_by_sampling() -> None:
    case = Case()
    case.new.parameters = keys("uid", types=["N"])
    (problem,) = case.refused(transform=[{"rename": {"from": "id", "to": "uid"}}])
    assert problem.path == "transform"
    assert "'uid' must be of type N, it is S" in problem.rule
    (problem,) = case.refused()
    assert problem.path == "destination.tableName"


def test_one_bad_item_is_left_for_the_copy_to_name() -> None:
    case = Case()
    case.new.parameters = keys("name")
    case.old.items = [item(1, name={"S": "a"}), item(2)]
    (warning,) = case.validate().warnings
    assert '{"id":{"S":"i2"}}' in warning


def test_a_collision_stands_in_the_way_of_cleaning_only() -> None:
    case = Case()
    case.new.parameters = keys("name")
    case.old.items = [item(number, name={"S": "same"}) for number in range(2)]
    (warning,) = case.validate().warnings
    assert "share a destination key" in warning
    with pytest.raises(CollisionError, match="i0.*i1"):
        case.validate(cleanDestination=True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "backed up first"),
        ({"undo": "none"}, "not backed up"),
        ({"onExisting": "keep"}, "they are kept"),
        ({"cleanDestination": True}, "all of them are deleted"),
    ],
)
def test_the_fate_of_items_that_are_there_is_said(fields: dict[str, Any], expected: str) -> None:
    case = Case()
    case.new.items = [item(1)]
    found = case.validate(**fields)
    assert not found.is_destination_empty
    assert any(expected in warning for warning in found.warnings)


def test_counting_and_cleaning_need_no_sample() -> None:
    case = Case()
    case.old.items = [{"id": {"S": ""}}]
    assert case.validate(mode="count").sample is None
    del case.world.tables[Place(ACCOUNT, REGION, "Old")]
    assert case.validate(mode="clean").source is None
    assert "Scan" not in case.world.calls


# -- a destination that is yet to be made --------------------------------------------------------


def test_a_destination_like_the_source_is_planned_with_what_is_not_carried() -> None:
    case = Case()
    case.old.more = {"Replicas": [{"RegionName": "us-east-1"}]}
    found = case.validate(destination={"tableName": "Fresh", "create": "likeSource"})
    assert found.destination is None
    assert found.planned is not None
    assert found.planned.clone.parameters["KeySchema"] == case.old.parameters["KeySchema"]
    assert any("us-east-1" in warning for warning in found.warnings)
    assert found.is_destination_empty


def fresh(*schema: dict[str, str]) -> dict[str, Any]:
    keys_of_fresh = {"keySchema": list(schema)} if schema else {}
    return {"tableName": "Fresh", "create": "likeSource", **keys_of_fresh}


def test_a_key_that_the_transform_takes_away_is_found() -> None:
    case = Case()
    (problem,) = case.refused(
        destination=fresh(), transform=[{"rename": {"from": "id", "to": "uid"}}]
    )
    assert (problem.path, problem.value) == ("destination.create", "id")
    assert problem.rule == "no item has the key attribute id: transform[0] renames it to uid"
    assert problem.remedy == 'give "keySchema" beside "likeSource" with uid in place of id'


def test_a_key_schema_that_names_what_the_transform_takes_away_is_told_the_step() -> None:
    case = Case()
    case.old.items.clear()
    steps = [{"set": {"attribute": "n", "value": 1}}, {"remove": ["n", "id"]}]
    old_key = {"AttributeName": "id", "KeyType": "HASH"}
    (problem,) = case.refused(destination=fresh(old_key), transform=steps)
    assert problem.path == "destination.keySchema[0]"
    assert problem.rule == "no item has the key attribute id: transform[1] removes it"


def test_the_type_of_a_new_key_comes_from_the_steps_or_the_sample() -> None:
    case = Case()
    new_key = {"AttributeName": "uid", "KeyType": "HASH"}
    for step, kind in (
        ({"rename": {"from": "id", "to": "uid"}}, "S"),
        ({"set": {"attribute": "uid", "value": "{% $number($substring(id, 1)) %}"}}, "N"),
    ):
        found = case.validate(destination=fresh(new_key), transform=[step])
        assert found.planned is not None
        assert found.planned.types == {"uid": kind}


def test_a_new_key_whose_type_nothing_tells_is_asked_for() -> None:
    case = Case()
    case.old.items.clear()
    new_key = {"AttributeName": "uid", "KeyType": "HASH"}
    (problem,) = case.refused(
        destination=fresh(new_key),
        transform=[{"set": {"attribute": "uid", "value": "{% $uuid5('x', id) %}"}}],
    )
    assert problem.path == "destination.keySchema[0]"
    assert "AttributeType" in problem.remedy


def test_a_table_of_that_name_that_is_not_ours_is_refused() -> None:
    case = Case()
    (problem,) = case.refused(destination={"tableName": "New", "create": "likeSource"})
    assert problem.path == "destination.create"


def test_a_table_that_an_earlier_try_of_this_run_made_is_ours() -> None:
    case = Case()
    case.new.parameters["Tags"] = [{"Key": "tableferry:run", "Value": "m1"}]
    case.new.looks_until_ready = 1
    found = case.validate(destination={"tableName": "New", "create": "likeSource"})
    assert found.destination is not None


def test_parameters_that_the_api_does_not_know_are_refused() -> None:
    case = Case()
    parameters = {**keys("id"), "BillingMode": "PAY_PER_REQUEST"}
    assert case.validate(destination={"tableName": "Fresh", "create": parameters}).planned

    def faults(*_: object) -> list[str]:
        return ["Invalid type for parameter BillingMode"]

    case.world.table = lambda *a: _with(FakeAccount.table(case.world, *a), faults)  # type: ignore[method-assign]
    (problem,) = case.refused(destination={"tableName": "Fresh", "create": parameters})
    assert (problem.path, problem.value) == (
        "destination.create",
        "Invalid type for parameter BillingMode",
    )


def _with(table: Any, faults: Any) -> Any:
    table.creation_faults = faults
    return table
