"""Tables of every kind, moved by the command that people type."""

import base64
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from tableferry.local.faults import Fail, Reset, Throttle, Unprocessed
from tableferry.local.faults.rules import Action
from tests.e2e.command_line import CommandLine
from tests.e2e.stack import COPY, Stack
from tests.support import table_data
from tests.support.independent_compare import Item, Transform, assert_moved, unchanged
from tests.support.table_data import Keys

SEED = 7
RESHAPE = [
    {"filter": "{% $not(dropped = true) %}"},
    {"rename": {"from": "a1", "to": "new 'name' \\ \"😀\""}},
    {"set": {"attribute": "schemaVersion", "value": 2}},
    {"set": {"attribute": "tags", "value": {"typed": {"NS": ["1", "2.50"]}}}},
    {"default": {"attribute": "a2", "value": {"typed": {"B": "AAE="}}}},
    {"remove": ["a3", "a4"]},
]
NEW_KEYS = [
    {"set": {"attribute": "pk", "value": "{% $uuid5('things', [pk, sk]) %}"}},
    {"cast": {"attribute": "sk", "to": "S"}},
]


def _reshaped(item: Item) -> Item | None:
    if item.get("dropped") == {"BOOL": True}:
        return None
    new = {name: value for name, value in item.items() if name not in {"a1", "a3", "a4"}}
    if "a1" in item:
        new["new 'name' \\ \"😀\""] = item["a1"]
    new["schemaVersion"] = {"N": "2"}
    new["tags"] = {"NS": ["1", "2.5"]}
    return {"a2": {"B": b"\x00\x01"}, **new}


def _with_new_keys(item: Item) -> Item:
    partition, sort = base64.b64encode(item["pk"]["B"]).decode(), item["sk"]["N"]
    # Every sort key of this table is a whole number or a half, which JSON and DynamoDB spell alike.
    name = f'["{partition}",{sort}]'
    new = uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, "things"), name)
    return {**item, "pk": {"S": str(new)}, "sk": {"S": sort}}


@dataclass(frozen=True, slots=True)
class Move:
    """A table, how it is cut, and what becomes of it: by the spec, and by plain Python."""

    keys: Keys
    items: int
    segments: int
    steps: list[Any] = field(default_factory=list)
    reshaped: Transform = unchanged
    new_keys: Keys | None = None

    def __str__(self) -> str:
        shape = f" to {self.new_keys}" if self.new_keys else ", reshaped" if self.steps else ""
        return f"{self.keys}{shape}, {self.items} items in {self.segments} segments"


@pytest.mark.parametrize(
    "move",
    [
        Move(Keys("S"), 300, 7, RESHAPE, _reshaped),
        Move(Keys("N"), 40, 64),
        Move(Keys("B"), 120, 1, RESHAPE, _reshaped),
        Move(Keys("S", "N"), 120, 1),
        Move(Keys("N", "B"), 300, 7, RESHAPE, _reshaped),
        Move(Keys("B", "N"), 120, 7, NEW_KEYS, _with_new_keys, Keys("S", "S")),
    ],
    ids=str,
)
def test_a_table_arrives_exactly(stack: Stack, tableferry: CommandLine, move: Move) -> None:
    source = table_data.create_table(stack.dynamodb, stack.new_name(), move.keys)
    new_keys = move.new_keys or move.keys
    destination = table_data.create_table(stack.dynamodb, stack.new_name(), new_keys)
    loaded = list(table_data.items(move.keys, move.items))
    for item in loaded[25:31]:
        item["dropped"] = {"BOOL": True}
    table_data.load(stack.dynamodb, source, loaded)
    dropped = sum(move.reshaped(item) is None for item in loaded)

    spec = stack.spec(source, destination, transform=move.steps, segments=move.segments)
    answer = tableferry.migrate(spec)

    assert answer.exit_status == 0, answer.output + answer.errors
    assert_moved(stack.dynamodb, source, destination, move.reshaped)
    document = answer.document
    _require_contract(document, spec["migrationId"], items=move.items, filtered=dropped)
    execution = document["executionArn"]
    assert document == stack.output(execution) == stack.outcome(spec["migrationId"])
    assert len(stack.children(execution, COPY)) == move.segments


@pytest.mark.parametrize("on_existing", ["overwrite", "keep"])
def test_a_table_arrives_exactly_through_every_passing_fault(
    stack: Stack, on_existing: str
) -> None:
    """Throttled, partly done, failed before and after the work, and answers that never came."""
    keys = Keys("S", "B")
    source, destination = (
        table_data.create_table(stack.dynamodb, stack.new_name(), keys) for _ in range(2)
    )
    items = 400
    table_data.load(stack.dynamodb, source, table_data.items(keys, items))
    faults: list[tuple[Action, float]] = [
        (Throttle(), 0.2),
        (Unprocessed(share=0.3), 0.5),
        (Fail(after=True), 0.1),
        (Fail(status=503), 0.1),
        (Reset(), 0.1),
        (Reset(after=True), 0.1),
    ]
    rules = [
        stack.proxy.add(fault, tables=(source, destination), rate=rate, seed=SEED)
        for fault, rate in faults
    ]
    spec = stack.spec(source, destination, onExisting=on_existing, segments=4)

    output = stack.output(stack.start(spec))

    assert all(stack.proxy.struck(rule) for rule in rules)
    stack.proxy.clear()
    assert_moved(stack.dynamodb, source, destination)
    assert output["copy"]["written"] == output["copy"]["read"] == items
    assert output["copy"]["skipped"] == 0


def _require_contract(document: dict[str, Any], name: str, *, items: int, filtered: int) -> None:
    """Every field of section 4.3, for a run that copied and counted and did nothing else."""
    kept = items - filtered
    execution, seconds = document["executionArn"], document["seconds"]
    read, written = document["consumed"]["readUnits"], document["consumed"]["writeUnits"]
    assert document["report"].endswith(f"/outcomes/{name}.html")
    assert ":execution:" in execution and seconds > 0 and read > 0 and written >= kept
    assert document == {
        "migrationId": name,
        "status": "SUCCEEDED",
        "executionArn": execution,
        "seconds": seconds,
        "copy": {
            "read": items,
            "written": kept,
            "skipped": 0,
            "filtered": filtered,
            "quarantined": 0,
        },
        "sync": None,
        "cleanup": None,
        "verify": {
            "level": "count",
            "match": True,
            "sourceItems": kept,
            "destinationItems": kept,
            "missing": None,
            "extra": None,
            "different": None,
            "undecided": None,
            "kept": None,
            "sample": [],
            "detailsUri": None,
        },
        "snapshot": None,
        "undo": None,
        "consumed": {"readUnits": read, "writeUnits": written},
        "report": document["report"],
        "error": None,
    }
