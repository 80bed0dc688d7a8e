"""Items that stay as they are in the destination, and items that can not be migrated at all."""

import json
from typing import Any

from tests.e2e.command_line import CommandLine
from tests.e2e.stack import Stack, rows
from tests.support import table_data
from tests.support.independent_compare import differences, read_table
from tests.support.table_data import Keys

KEYS = Keys("S", "N")


def test_keep_leaves_what_was_there_and_counts_what_is_equal(stack: Stack) -> None:
    """Inserts go as PartiQL statements, so every hard name and value goes through one here."""
    client = stack.dynamodb
    source, destination = (
        table_data.create_table(client, stack.new_name(), KEYS) for _ in range(2)
    )
    items = list(table_data.items(KEYS, 80))
    table_data.load(client, source, items)
    equal, other = items[2:6], [{**item, "theirs": {"BOOL": True}} for item in items[10:17]]
    alone = [{"pk": {"S": "theirs alone"}, "sk": {"N": "1"}}]
    table_data.load(client, destination, [*equal, *other, *alone])

    spec = stack.spec(source, destination, onExisting="keep", segments=3)
    output = stack.output(stack.start(spec))

    assert output["copy"] == {
        "read": 80,
        "written": 80 - len(other),
        "skipped": len(other),
        "filtered": 0,
        "quarantined": 0,
    }
    assert output["verify"]["match"] is True
    assert (output["verify"]["sourceItems"], output["verify"]["destinationItems"]) == (80, 81)
    assert output["undo"] is None
    found = differences(client, source, destination)
    assert len(found) == len(other) + len(alone)
    assert all(each.expected is None for each in found), found
    assert {each.path for each in found} == {".'theirs'", ""}


def test_quarantine_takes_what_can_not_be_migrated_with_reasons(
    stack: Stack, tableferry: CommandLine
) -> None:
    client = stack.dynamodb
    source, destination = stack.create_table(), stack.create_table(key="owner")
    good = [{**item, "owner": item["id"]} for item in rows(90)]
    one: dict[str, Any] = {"owner": {"S": "x"}, "n": {"N": "1"}}
    large = {"S": "x" * 395_000}
    bad: dict[str, tuple[str, dict[str, Any]]] = {
        "no key": ("not in the item", {"n": one["n"]}),
        "wrong key": ("must be of type S, it is N", {**one, "owner": {"N": "1"}}),
        "empty key": ("is empty", {**one, "owner": {"S": ""}}),
        "no number": ("transform[0]", {**one, "n": {"M": {}}}),
        "too large": ("size", {**one, "text": large}),
    }
    stack.load(source, [*good, *({**item, "id": {"S": n}} for n, (_, item) in bad.items())])
    steps = [
        {"cast": {"attribute": "n", "to": "S"}},
        {"set": {"attribute": "remark", "value": "y" * 20_000}},
    ]
    spec = stack.spec(source, destination, transform=steps, onItemError="quarantine", segments=2)

    answer = tableferry("start", tableferry.spec_file(spec), "--wait")

    assert answer.exit_status == 0, answer.output + answer.errors
    assert "5 put into quarantine" in answer.output
    outcome = stack.outcome(spec["migrationId"])
    assert outcome["status"] == "SUCCEEDED"
    copied = {"read": 95, "written": 90, "skipped": 0, "filtered": 0, "quarantined": 5}
    assert outcome["copy"] == copied
    assert (outcome["verify"]["sourceItems"], outcome["verify"]["match"]) == (90, True)
    assert len(read_table(client, destination)) == 90
    stored = _quarantined(stack, spec["migrationId"])
    assert stored.keys() == bad.keys()
    for name, (words, _) in bad.items():
        assert words in stored[name]["reason"], stored[name]["reason"]
    assert stored["too large"]["item"]["text"] == large


def _quarantined(stack: Stack, name: str) -> dict[str, Any]:
    """What lies in the quarantine, by the `id` of its source key."""
    lines = [
        json.loads(line)
        for key in stack.objects(f"quarantine/{name}/copy/")
        for line in stack.read(key).decode().splitlines()
    ]
    return {line["sourceKey"]["id"]["S"]: line for line in lines}
