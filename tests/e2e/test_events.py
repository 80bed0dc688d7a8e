"""Every input of events/, run as it is but for the names of its tables."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tableferry.local.faults import Deny
from tests.e2e.stack import Stack
from tests.support import table_data
from tests.support.independent_compare import assert_moved, read_table

EVENTS = Path(__file__).parents[2] / "events"
Spec = dict[str, Any]
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """An event whose tables were renamed; what those hold, and what became of them."""

    stack: Stack
    spec: Spec

    @property
    def source(self) -> str:
        return str(self.spec["source"]["tableName"])

    @property
    def destination(self) -> str:
        return str(self.spec["destination"]["tableName"])

    def table(self, name: str, items: list[Item], *keys: str) -> None:
        """A table keyed by those attributes of type S, with those items."""
        roles = zip(keys, ("HASH", "RANGE"), strict=False)
        self.stack.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": role} for key, role in roles],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        table_data.load(self.stack.dynamodb, name, items)

    def run(self) -> Item:
        return self.stack.output(self.stack.start(self.spec))

    def moved(self, transform: Callable[[Item], Item | None]) -> None:
        assert_moved(self.stack.dynamodb, self.source, self.destination, transform)


def preferences() -> list[Item]:
    """Some older than 2017, some without a language."""
    found: list[Item] = [
        {
            "userId": {"S": f"user-{number % 10}"},
            "device": {"S": f"device-{number}"},
            "prefType": {"S": "theme"},
            "lastUpdated": {"S": f"20{10 + number % 10}-06-01"},
            "legacy": {"BOOL": True},
            **({"language": {"S": "fr"}} if number % 3 == 0 else {}),
        }
        for number in range(40)
    ]
    return found


def orders(count: int, **attributes: Any) -> list[Item]:
    return [
        {
            "orderId": {"S": f"order-{number:04d}"},
            "orderedAt": {"S": f"20{10 + number % 10}-01-15"},
            **attributes,
        }
        for number in range(count)
    ]


def change_the_keys(scene: Scene) -> None:
    flights = [
        {"origin": {"S": origin}, "id": {"S": f"{number}"}, "delay": {"N": f"{number}"}}
        for origin in ("EWR", "JFK", "LGA")
        for number in range(30)
    ]
    scene.table(scene.source, flights, "origin", "id")
    output = scene.run()

    def keyed(item: Item) -> Item:
        name = json.dumps([item["origin"]["S"], item["id"]["S"]], separators=(",", ":"))
        new = uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, "flights"), name)
        return {**item, "flightId": {"S": str(new)}}

    scene.moved(keyed)
    assert output["verify"]["match"] is True
    assert output["snapshot"]["type"] == "backup"
    details = scene.stack.dynamodb.describe_backup(BackupArn=output["snapshot"]["arn"])
    assert details["BackupDescription"]["SourceTableDetails"]["TableName"] == scene.source


def change_the_shape(scene: Scene) -> None:
    scene.table(scene.source, preferences(), "userId", "device")
    output = scene.run()

    def reshaped(item: Item) -> Item | None:
        if item["lastUpdated"]["S"] < "2017":
            return None
        kept = {k: v for k, v in item.items() if k not in {"legacy", "prefType"}}
        return {
            "language": {"S": "en"},
            **kept,
            "preferenceType": item["prefType"],
            "schemaVersion": {"N": "2"},
        }

    scene.moved(reshaped)
    assert (output["copy"]["filtered"], output["copy"]["written"]) == (28, 12)


def clean_with_a_condition(scene: Scene) -> None:
    scene.table(scene.destination, orders(40), "orderId")
    output = scene.run()
    assert (output["mode"], output["deleted"]) == ("clean", 28)
    left = read_table(scene.stack.dynamodb, scene.destination)
    assert len(left) == 12
    assert all(item["orderedAt"]["S"] >= "2017" for item in left)
    assert "/backup/" in output["undo"]["arn"]


def count_both_tables(scene: Scene) -> None:
    scene.table(scene.source, preferences(), "userId", "device")
    scene.table(scene.destination, preferences()[:5], "userId", "device")
    assert scene.run() == {"mode": "count", "sourceItems": 12, "destinationItems": 5}


def keep_what_is_there(scene: Scene) -> None:
    scene.table(scene.source, orders(30, restored={"BOOL": True}), "orderId")
    scene.table(scene.destination, orders(10), "orderId")
    output = scene.run()
    assert (output["copy"]["written"], output["copy"]["skipped"]) == (20, 10)
    restored = scene.stack.items(scene.destination, "orderId").values()
    assert sum("restored" in item for item in restored) == 20


def plan_a_move(scene: Scene) -> None:
    scene.table(scene.source, preferences(), "userId", "device")
    output = scene.run()
    assert (output["mode"], output["estimate"]["items"]) == ("plan", 12)
    assert len(output["sample"]) == 3
    assert scene.destination not in scene.stack.dynamodb.list_tables()["TableNames"]


def restore_into_production(scene: Scene) -> None:
    scene.table(scene.source, orders(30, restored={"BOOL": True}), "orderId")
    scene.table(scene.destination, orders(45), "orderId")
    output = scene.run()
    scene.moved(lambda item: item)
    assert output["verify"]["match"] is True
    assert "/backup/" in output["undo"]["arn"]


def resume_with_other_limits(scene: Scene) -> None:
    scene.table(scene.source, orders(30, restored={"BOOL": True}), "orderId")
    scene.table(scene.destination, orders(45), "orderId")
    first = {key: scene.spec[key] for key in scene.spec if key not in {"resume", "limits"}}
    rule = scene.stack.proxy.add(Deny(), operations="BatchWriteItem", tables=scene.destination)
    assert "PermissionMissingError" in scene.stack.failure(scene.stack.start(first))
    scene.stack.proxy.remove(rule)
    output = scene.run()
    scene.moved(lambda item: item)
    assert (output["status"], output["copy"]["written"]) == ("SUCCEEDED", 30)


def verify_two_tables(scene: Scene) -> None:
    scene.table(scene.source, preferences(), "userId", "device")
    kept = [item for item in preferences() if item["lastUpdated"]["S"] >= "2017"]
    moved = [
        {"preferenceType": item["prefType"], **{k: v for k, v in item.items() if k != "prefType"}}
        for item in kept
    ]
    scene.table(scene.destination, moved, "userId", "device")
    output = scene.run()
    found = output["verify"]
    assert (found["match"], found["sourceItems"], found["destinationItems"]) == (True, 12, 12)


JOBS = (
    change_the_keys,
    change_the_shape,
    clean_with_a_condition,
    count_both_tables,
    keep_what_is_there,
    plan_a_move,
    restore_into_production,
    resume_with_other_limits,
    verify_two_tables,
)


def test_each_event_is_run_here() -> None:
    assert sorted(path.stem for path in EVENTS.glob("*.json")) == [job.__name__ for job in JOBS]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_the_event_does_its_job(stack: Stack, job: Callable[[Scene], None]) -> None:
    spec = json.loads((EVENTS / f"{job.__name__}.json").read_text())
    spec["migrationId"] = f"{spec['migrationId']}-{uuid.uuid4().hex[:8]}"
    for side in ("source", "destination"):
        if side in spec:
            spec[side]["tableName"] = stack.new_name()
    job(Scene(stack, spec))
