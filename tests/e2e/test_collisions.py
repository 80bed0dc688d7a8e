"""Two source items that map to one destination key: refused, found in a page, found by counting."""

from typing import Any

from tests.e2e.call_log import writes
from tests.e2e.command_line import CommandLine
from tests.e2e.stack import Stack, rows

NEW_KEY = [{"set": {"attribute": "id", "value": "{% 'new-' & owner %}"}}]
SHARED = "shared"


def _items(count: int, colliding: tuple[str, ...]) -> list[dict[str, Any]]:
    """Items with an owner of their own, but for those."""
    found = rows(count)
    for item in found:
        name = item["id"]["S"]
        item["owner"] = {"S": SHARED if name in colliding else name}
    return found


def test_a_collision_within_a_page_fails_with_both_keys(
    stack: Stack, tableferry: CommandLine
) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, _items(300, ("item-00007", "item-00100")))
    spec = stack.spec(source, destination, transform=NEW_KEY, segments=1, verify="none")

    answer = tableferry.migrate(spec)

    assert answer.exit_status == 1
    document = answer.document
    assert document["status"] == "FAILED"
    error = document["error"]
    assert error["name"] == "CollisionError"
    for words in ("item-00007", "item-00100", "new-shared"):
        assert words in error["cause"]
    assert "migrationId" in error["hint"]
    assert "CollisionError" in stack.last_words(document["executionArn"])
    assert stack.outcome(spec["migrationId"])["error"] == error
    assert not writes(stack, destination)


def test_a_collision_far_apart_fails_verification_with_the_counts(
    stack: Stack, tableferry: CommandLine
) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(300))
    far_apart = tuple(_first_of_segment(stack, source, segment) for segment in (0, 6))
    stack.load(source, _items(300, far_apart))
    spec = stack.spec(source, destination, transform=NEW_KEY, segments=7)

    answer = tableferry.migrate(spec)

    assert answer.exit_status == 1
    assert answer.document["status"] == "FAILED"
    error, verify = answer.document["error"], answer.document["verify"]
    assert error["name"] == "VerificationFailedError"
    assert "300" in error["cause"] and "299" in error["cause"]
    assert verify["match"] is False
    assert (verify["sourceItems"], verify["destinationItems"]) == (300, 299)
    assert answer.document["copy"]["written"] == 300
    assert stack.outcome(spec["migrationId"]) == answer.document


def test_a_transform_that_maps_everything_to_one_key_is_refused_first(
    stack: Stack, tableferry: CommandLine
) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(40, owner={"S": SHARED}))
    spec = stack.spec(source, destination, transform=NEW_KEY)
    before = stack.executions()

    answer = tableferry.migrate(spec)

    assert answer.exit_status == 1
    assert answer.error["name"] == "CollisionError"
    assert answer.error["cause"].count("item-") == 2
    assert stack.executions() == before
    words = stack.failure(stack.start(spec))
    assert words.startswith("CollisionError ") and words.count("item-") == 2
    assert not stack.ledger(spec["migrationId"])
    assert not writes(stack, destination)


def _first_of_segment(stack: Stack, table: str, segment: int) -> str:
    answer = stack.dynamodb.scan(TableName=table, Segment=segment, TotalSegments=7)
    found: str = answer["Items"][0]["id"]["S"]
    return found
