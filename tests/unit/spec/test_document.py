"""docs/spec.md says of every field what the model says, and events/ holds specs that are good."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tableferry.addresses import Place
from tableferry.checking.validating import validate_migration
from tableferry.errors import InvalidSpecError
from tableferry.estimates.estimating import estimate_migration
from tableferry.spec import DestinationRef, Limits, MigrationSpec, parse_text
from tableferry.spec.not_yet import ANY, NOT_YET
from tests.fake_tables import ACCOUNT, REGION, FakeAccount, FakeTable, keys

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "spec.md").read_text()
EVENTS = sorted((ROOT / "events").glob("*.json"))
LEDGER = Place(ACCOUNT, REGION, "tableferry-ledger")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table after a text, without its head."""
    after = DOCUMENT.partition(heading)[2]
    table = re.search(r"\n(\|.*\n)+", after)
    assert table, heading
    lines = table[0].strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def default_of(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.default_factory() if field.default is PydanticUndefined else field.default
    return f"`{json.dumps({} if isinstance(value, BaseModel) else value)}`"


def described(model: type[BaseModel], prefix: str = "") -> list[tuple[str, str, str]]:
    found = []
    for field in model.model_fields.values():
        name = f"`{prefix}{field.alias}`"
        found.append((name, default_of(field), field.description or ""))
        if field.alias == "limits":
            found += described(Limits, "limits.")
    return found


def test_every_field_is_documented_as_it_is() -> None:
    documented = [(name, default, meaning) for name, _, default, meaning in rows("## Fields")]
    assert documented == described(MigrationSpec)
    tables = [(name, default, meaning) for name, _, default, meaning in rows("A table:")]
    assert tables == described(DestinationRef)


def test_what_is_not_there_yet_is_documented() -> None:
    documented = {tuple(row) for row in rows("## Not there yet")}
    assert documented == {
        (
            f"`{line.path}`",
            "any" if line.value is ANY else f"`{json.dumps(line.value)}`",
            line.remedy,
        )
        for line in NOT_YET
    }


def test_the_example_is_a_good_spec() -> None:
    example = re.search(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    assert example
    assert MigrationSpec.parse(parse_text(example[1]))


def world() -> FakeAccount:
    """The tables that the inputs in events/ speak of."""
    found = FakeAccount()
    preference: dict[str, Any] = {
        "userId": {"S": "u1"},
        "prefType": {"S": "theme"},
        "lastUpdated": {"S": "2020-01-01"},
        "legacy": {"BOOL": True},
    }
    order = {"orderId": {"S": "o1"}, "orderedAt": {"S": "2016-05-05"}}
    flight = {"origin": {"S": "JFK"}, "id": {"S": "UA1545"}}
    found.add(FakeTable("UserPreferences", keys("userId"), [preference]))
    found.add(FakeTable("Orders", keys("orderId"), [order]))
    found.add(FakeTable("Orders-restored", keys("orderId"), [order]))
    found.add(FakeTable("Flights", keys("origin", "id"), [flight]))
    return found


def test_there_is_an_input_for_each_job() -> None:
    assert [path.stem for path in EVENTS] == [
        "change_the_keys",
        "change_the_shape",
        "clean_with_a_condition",
        "count_both_tables",
        "keep_what_is_there",
        "plan_a_move",
        "restore_into_production",
        "resume_with_other_limits",
        "verify_two_tables",
    ]


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_an_input_is_a_spec_that_runs_as_it_is(path: Path) -> None:
    spec = MigrationSpec.parse(parse_text(path.read_text()))
    tables = world()
    if path.stem in {"count_both_tables", "verify_two_tables"}:
        tables.add(FakeTable("UserPreferencesV2", keys("userId")))
    found = validate_migration(spec, spec.migration_id, tables, LEDGER)
    assert tables.changes == []
    if spec.mode in {"migrate", "plan"}:
        assert estimate_migration(spec, found)["estimate"]["items"] == 1
        (shown,) = estimate_migration(spec, found)["sample"]
        assert shown["after"] is not None


def test_an_input_with_a_mistake_is_refused_here_too() -> None:
    document = parse_text(EVENTS[0].read_text())
    document["destination"]["keySchema"] = []
    with pytest.raises(InvalidSpecError):
        MigrationSpec.parse(document)
