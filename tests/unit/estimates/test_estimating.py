from typing import Any

import pytest

from tableferry.addresses import Place
from tableferry.checking.validating import validate_migration
from tableferry.estimates.costing import StackFacts
from tableferry.estimates.estimating import estimate_migration
from tableferry.estimates.timing import Pace
from tableferry.spec import MigrationSpec
from tests.fake_tables import ACCOUNT, REGION, FakeAccount, FakeTable, keys

LEDGER = Place(ACCOUNT, REGION, "tableferry-ledger")
KILOBYTE = 1024


def item(number: int, size: int) -> dict[str, Any]:
    """An item of that many bytes: id 2 + 4 bytes, body 4 + the rest."""
    return {"id": {"S": f"{number:04}"}, "body": {"S": "x" * (size - 10)}}


class Case:
    """A large source of which a sample is seen, and a destination."""

    def __init__(self, *, count: int = 1_000_000, size: int = KILOBYTE) -> None:
        self.world = FakeAccount()
        items = [item(number, size) for number in range(1_100)]
        self.old = self.world.add(
            FakeTable("Old", keys("id"), items, counted_items=count, size_bytes=count * size)
        )
        self.new = self.world.add(FakeTable("New", keys("id")))

    def plan(self, pace: Pace | None = None, **fields: Any) -> dict[str, Any]:
        document = {
            "migrationId": "m1",
            "mode": "plan",
            "source": {"tableName": "Old"},
            "destination": {"tableName": "New"},
            **fields,
        }
        spec = MigrationSpec.parse(document)
        found = validate_migration(spec, "m1.plan.x", self.world, LEDGER)
        return estimate_migration(spec, found, StackFacts(pace=pace or Pace()))


def test_the_output_is_what_the_contract_says() -> None:
    case = Case()
    plan = case.plan()
    assert set(plan) == {"mode", "estimate", "bottleneck", "warnings", "sample", "details"}
    assert plan["mode"] == "plan"
    assert set(plan["estimate"]) == {"items", "readUnits", "writeUnits", "seconds", "usd"}
    assert plan["estimate"]["usd"] > 0
    assert len(plan["sample"]) == 3
    assert plan["sample"][0] == {"before": item(0, KILOBYTE), "after": item(0, KILOBYTE)}
    assert case.world.changes == []


def test_a_million_items_of_a_kilobyte() -> None:
    plan = Case().plan(verify="none", snapshot="none")
    # [DDB:read-write-operations] 1,024,000,000 bytes by 4 KB, and half a unit for each of 977 pages
    # of 1 MB; one write unit for each item; 250 s at 4,000 writes a second, and the states.
    assert plan["estimate"] == {
        "items": 1_000_000,
        "readUnits": 250_488,
        "writeUnits": 1_000_000,
        "seconds": 260,
        "usd": pytest.approx(0.625 + 0.031 + 0.14, abs=0.02),
    }
    assert plan["details"]["cost"]["writeUnits"] == 0.625
    assert plan["details"]["cost"]["readUnits"] == 0.0313


def test_counting_reads_both_tables_once_more() -> None:
    assert Case().plan(verify="count")["estimate"]["readUnits"] == 3 * 250_488 + 1


def test_an_item_over_a_kilobyte_costs_two_units() -> None:
    assert Case(size=KILOBYTE + 1).plan()["estimate"]["writeUnits"] == 2_000_000


def test_each_index_that_an_item_is_in_costs_as_much_again() -> None:
    case = Case(size=3 * KILOBYTE)
    case.new.parameters = {
        **keys("id"),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": name,
                "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": projection},
            }
            for name, key, projection in (
                ("whole", "body", "ALL"),
                ("key", "id", "KEYS_ONLY"),
                ("sparse", "absent", "ALL"),
            )
        ],
    }
    case.new.parameters["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": "S"} for name in ("id", "body", "absent")
    ]
    assert case.plan()["estimate"]["writeUnits"] == (3 + 3 + 1) * 1_000_000


def test_what_the_filter_drops_is_not_written() -> None:
    last_digit = "{% $substring(id, 3) in ['0', '5'] %}"
    plan = Case().plan(transform=[{"filter": last_digit}], verify="none")
    assert plan["estimate"]["items"] == 200_000
    assert plan["estimate"]["writeUnits"] == 200_000
    assert plan["estimate"]["readUnits"] == 250_488


def test_cleaning_reads_and_deletes_what_is_there() -> None:
    case = Case()
    case.new.items = [item(1, KILOBYTE)]
    case.new.counted_items, case.new.size_bytes = 4_000, 4_000 * KILOBYTE
    plan = case.plan(cleanDestination=True, verify="none")
    assert plan["estimate"]["readUnits"] == 250_488 + 1_002
    assert plan["estimate"]["writeUnits"] == 1_004_000


def test_a_small_table_is_known_by_its_items_whatever_aws_says() -> None:
    case = Case(count=0)
    case.old.items = case.old.items[:10]
    plan = case.plan()
    assert plan["estimate"]["items"] == 10
    assert plan["warnings"] == []


def test_a_size_that_is_not_known_yet_is_said() -> None:
    (warning,) = Case(count=0, size=200).plan()["warnings"]
    assert "0 items" in warning


def provisioned(reads: int, writes: int) -> dict[str, Any]:
    units = {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}
    return {**keys("id"), "ProvisionedThroughput": units}


def test_the_bottleneck_is_named_with_its_number() -> None:
    case = Case()
    assert case.plan()["bottleneck"] == "writing the destination, 4,000 write units a second"
    case.new.parameters = provisioned(5, 100_000)
    case.old.parameters = provisioned(50, 5)
    plan = case.plan(verify="none")
    assert plan["bottleneck"] == "reading the source, 50 read units a second"
    assert plan["estimate"]["seconds"] == round(250_488 / 50) + 72
    case.old.parameters = provisioned(100_000, 5)
    assert case.plan()["bottleneck"] == "reading the destination, 5 read units a second"
    assert case.plan(segments=2, verify="none")["bottleneck"] == "2 workers at once"


def test_the_capacity_of_a_table_that_is_yet_to_be_made_counts() -> None:
    case = Case()
    create = provisioned(5, 25)
    plan = case.plan(destination={"tableName": "Fresh", "create": create})
    assert plan["bottleneck"] == "writing the destination, 25 write units a second"
    case.old.parameters = provisioned(100_000, 12)
    plan = case.plan(destination={"tableName": "Fresh", "create": "likeSource"})
    assert plan["bottleneck"] == "writing the destination, 12 write units a second"


def test_an_empty_source_costs_a_look_at_each_segment() -> None:
    case = Case(count=0)
    case.old.items = []
    estimate = case.plan()["estimate"]
    assert (estimate["items"], estimate["readUnits"], estimate["writeUnits"]) == (0, 120, 0)


def test_a_size_that_can_not_be_is_told_from_the_sample() -> None:
    case = Case()
    right = case.plan(verify="none")["estimate"]["readUnits"]
    case.old.size_bytes //= 7
    assert case.plan(verify="none")["estimate"]["readUnits"] == pytest.approx(right, rel=0.001)
    case.old.size_bytes = round(1_000_000 * KILOBYTE * 1.4)
    assert case.plan(verify="none")["estimate"]["readUnits"] == pytest.approx(1.4 * right, rel=0.01)


def test_where_one_machine_does_everything_it_is_the_bound() -> None:
    pace = Pace(state_seconds=0.5, backup_seconds=0.0, machine_items=2_000)
    plan = Case().plan(pace)
    assert plan["bottleneck"] == "this machine, 2,000 items read or written a second"
    phases = plan["details"]["time"]["phases"]
    # A million items are read and written, then both tables are read.
    assert phases == {
        "copy": pytest.approx(1_000, rel=0.01),
        "verify": pytest.approx(1_000, rel=0.01),
    }
    slow = Case().plan(Pace(state_seconds=0.5, backup_seconds=7.0, machine_items=2_000))
    assert slow["estimate"]["seconds"] - plan["estimate"]["seconds"] == 7
    assert plan["details"]["time"]["beside"] < Case().plan()["details"]["time"]["beside"]


def test_a_table_that_takes_less_than_the_machine_is_the_bound_all_the_same() -> None:
    plan = Case().plan(Pace(machine_items=100_000), verify="none")
    assert plan["bottleneck"].startswith("writing the destination")
