"""Verification by content over two tables in memory: what differs is named, and nothing else."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tableferry.errors import ItemError
from tableferry.model import Work
from tableferry.verification.content_verifying import READ, IncompleteError
from tableferry.verification.digest_format import QUARANTINED, SKIPPED
from tests.content_worlds import ContentWorld
from tests.memory_table import Item
from tests.worlds import RUN, numbered


def copied(items: list[Item], *changes: Any) -> list[Item]:
    """The same items but for those given: a dict replaces its namesake, a text removes it."""
    held = {item["pk"]["S"]: item for item in items}
    for change in changes:
        if isinstance(change, str):
            del held[change]
        else:
            held[change["pk"]["S"]] = change
    return list(held.values())


def item(name: str, **attributes: Any) -> Item:
    return {"pk": {"S": name}, **attributes}


def test_equal_tables_match_whatever_their_segments():
    made = ContentWorld(numbered(500), segments=3, destination_segments=5, partitions=4)
    result = made.verify()
    assert result["match"] is True
    assert (result["sourceItems"], result["destinationItems"]) == (500, 500)
    assert (result["sample"], made.differences()) == ([], [])


def test_empty_tables_match():
    assert ContentWorld().verify()["match"] is True


def test_order_of_attributes_and_sets_and_spelling_of_numbers_are_no_differences():
    source = item("a", n={"N": "1E2"}, s={"SS": ["x", "y"]}, ns={"NS": ["1.50", "2"]}, t={"S": "t"})
    held = item("a", t={"S": "t"}, ns={"NS": ["2", "1.5"]}, s={"SS": ["y", "x"]}, n={"N": "100.0"})
    made = ContentWorld(held=())
    # Not normalised, as an engine that keeps numbers as they came would hold them.
    made.source.items[made.source.identity(source)] = source
    made.destination.items[made.destination.identity(held)] = dict(reversed(held.items()))
    assert made.verify()["match"] is True


PLANTED = [
    (["item-0003"], {("missing", "item-0003")}),
    ([item("new", x={"S": "1"})], {("extra", "new")}),
    ([item("item-0004", n={"N": "5"})], {("different", "item-0004")}),
    ([item("item-0001", n={"S": "1"})], {("different", "item-0001")}),
    ([item("item-0002", n={"N": "2"}, more={"NULL": True})], {("different", "item-0002")}),
    (
        [item("item-0005", n={"N": "6"}), item("item-0006", n={"N": "5"})],
        {("different", "item-0005"), ("different", "item-0006")},
    ),
]


@pytest.mark.parametrize(("changes", "expected"), PLANTED)
def test_what_was_planted_is_named_and_nothing_else(changes, expected):
    items = numbered(300)
    made = ContentWorld(items, held=copied(items, *changes), destination_segments=2, partitions=3)
    result = made.verify()
    assert result["match"] is False
    assert made.named() == expected
    assert len(result["sample"]) == len(expected)
    for kind, _ in expected:
        assert result[kind] == sum(kind == each for each, _ in expected)
    for each in result["sample"]:
        assert each["sourceKeys"] == [each["key"]]


def test_both_directions_at_once_beyond_the_sample():
    items = numbered(400)
    held = [each for each in items if int(each["n"]["N"]) % 2]
    held += [item(f"more-{n}") for n in range(70)]
    made = ContentWorld(items, held=held, partitions=5)
    result = made.verify()
    assert (result["missing"], result["extra"], result["different"]) == (200, 70, 0)
    assert (result["sourceItems"], result["destinationItems"]) == (400, 270)
    assert (len(result["sample"]), len(made.differences())) == (100, 270)


def test_only_two_scans_are_read_when_nothing_differs():
    made = ContentWorld(numbered(500), segments=2)
    made.verify()
    assert {operation for operation, _ in made.dynamo.calls} == {"Scan"}
    assert all(request["ConsistentRead"] for _, request in made.dynamo.calls)
    pages = Counter(
        (request["TableName"], request["Segment"], str(request.get("ExclusiveStartKey")))
        for _, request in made.dynamo.calls
    )
    assert set(pages.values()) == {1}


def test_the_source_counts_as_the_transform_makes_it():
    steps: list[dict[str, Any]] = [
        {"rename": {"from": "pk", "to": "id"}},
        {"set": {"attribute": "version", "value": 2}},
        {"filter": "{% n < 90 %}"},
    ]
    items = numbered(100)
    held = [
        {"id": each["pk"], "n": each["n"], "version": {"N": "2"}}
        for each in items
        if int(each["n"]["N"]) < 90
    ]
    made = ContentWorld(items, held=held[1:], steps=steps, destination_keys={"id": "S"})
    result = made.verify()
    assert (result["sourceItems"], result["destinationItems"], result["missing"]) == (90, 89, 1)
    [sample] = result["sample"]
    assert sample == {
        "kind": "missing",
        "key": {"id": {"S": "item-0000"}},
        "sourceKeys": [{"pk": {"S": "item-0000"}}],
    }


def test_a_collision_names_every_source_key():
    items = [item(name, group={"S": group}) for name, group in zip("abcd", "xxyz", strict=True)]
    held = [{"group": each["group"], "pk": each["pk"]} for each in items[1:]]
    made = ContentWorld(items, held=held, destination_keys={"group": "S"})
    result = made.verify()
    assert (result["match"], result["missing"], result["different"]) == (False, 1, 0)
    [sample] = result["sample"]
    assert (sample["kind"], sample["key"]) == ("collision", {"group": {"S": "x"}})
    assert sorted(key["pk"]["S"] for key in sample["sourceKeys"]) == ["a", "b"]


def test_source_items_that_become_one_equal_item_are_a_collision_too():
    items = [item(name, group={"S": "x"}) for name in "ab"]
    steps = [{"remove": ["pk"]}]
    made = ContentWorld(
        items, held=[{"group": {"S": "x"}}], steps=steps, destination_keys={"group": "S"}
    )
    result = made.verify()
    assert (result["match"], result["sample"][0]["kind"]) == (False, "collision")


def test_an_item_that_can_not_be_migrated_any_more_is_named():
    made = ContentWorld(numbered(5), steps=[{"cast": {"attribute": "pk", "to": "N"}}], held=())
    with pytest.raises(ItemError, match=r"(item-000\d.*){5}"):
        made.verify()


# --- keep, quarantine, time to live ---


def test_keep_keeps_what_the_copy_skipped_and_extras_but_forgives_nothing_else():
    items = numbered(6)
    changes = [item("item-0001", n={"S": "was here"}), item("item-0002", n={"S": "broken"})]
    made = ContentWorld(items, held=copied(items, *changes, item("old"), "item-0003"), keep=True)
    made.marks = {b'[{"S":"item-0001"}]': SKIPPED}
    result = made.verify()
    assert (result["kept"], result["missing"], result["different"]) == (2, 1, 1)
    assert made.named() == {("missing", "item-0003"), ("different", "item-0002")}
    assert (result["extra"], result["match"]) == (0, False)


def test_without_keep_marks_of_the_copy_forgive_no_difference():
    items = numbered(3)
    made = ContentWorld(items, held=copied(items, item("item-0001", n={"S": "was here"})))
    made.marks = {b'[{"S":"item-0001"}]': SKIPPED}
    assert made.verify()["different"] == 1


def test_a_quarantined_item_is_not_missing_and_does_not_count():
    items = numbered(3)
    made = ContentWorld(items, held=copied(items, "item-0001"), is_quarantining=True)
    made.marks = {b'[{"S":"item-0001"}]': QUARANTINED}
    result = made.verify()
    assert (result["match"], result["sourceItems"], result["destinationItems"]) == (True, 2, 2)


@pytest.mark.parametrize(
    ("expires", "is_difference"),
    [("-10", False), ("10", True), ("-200000000", True), (None, True), ("text", True)],
    ids=["past", "future", "too long ago", "none", "not a number"],
)
@pytest.mark.parametrize("side", ["source", "destination"])
def test_what_only_waits_for_its_expiry_is_no_difference(side, expires, is_difference):
    made = ContentWorld(held=(), expiry="expires")
    lonely = item("a")
    if expires == "text":
        lonely["expires"] = {"S": str(made.clock.now() - 10)}
    elif expires is not None:
        lonely["expires"] = {"N": str(made.clock.now() + int(expires))}
    (made.source if side == "source" else made.destination).put(lonely)
    assert made.verify()["match"] is not is_difference


def test_an_expired_item_that_both_sides_show_must_be_equal():
    made = ContentWorld(held=(), expiry="expires")
    past = {"N": str(made.clock.now() - 10)}
    made.source.put(item("a", expires=past))
    made.destination.put(item("a", expires=past, more={"S": "x"}))
    assert made.named() == set()
    assert made.verify()["different"] == 1


# --- never a match that was not proven ---


def test_a_segment_that_was_not_read_is_no_match():
    made = ContentWorld(numbered(50), segments=2)
    made.read_both_tables()
    del made.ledger.segment_records[RUN, Work.DIGEST_SOURCE, 1]
    with pytest.raises(IncompleteError, match="1 of 2"):
        made.digests()


def test_a_reading_of_another_round_is_no_reading():
    made = ContentWorld(numbered(50))
    made.verify()
    made.standing = replace(made.standing, next=READ).begun()
    with pytest.raises(IncompleteError, match="0 of 1"):
        made.digests()


def test_a_partition_that_was_not_compared_is_no_match():
    made = ContentWorld(numbered(50), partitions=3)
    made.read_both_tables()
    for segment in made.planned()[1:]:
        made.compare(segment)
    with pytest.raises(IncompleteError, match="2 of 3"):
        made.verdict()


@pytest.mark.parametrize("damage", ["gone", "cut", "garbage", "another", "unsorted"])
def test_a_digest_that_can_not_be_read_is_no_match(damage):
    made = ContentWorld(numbered(300), segments=2, partitions=2)
    made.read_both_tables()
    digests = made.digests()
    one, other = digests.source[0].key, digests.source[1].key
    whole = made.objects.bodies.pop(one)
    damaged = {
        "cut": whole[: len(whole) // 2],
        "garbage": b"\xff" * len(whole),
        "another": made.objects.bodies[other],
        "unsorted": whole[:32] + whole[32:][::-1],
    }
    if damage in damaged:
        made.objects.bodies[one] = damaged[damage]
    made.compare_all()
    with pytest.raises(IncompleteError):
        made.verdict()


def test_fewer_objects_than_the_checkpoint_counted_are_no_match():
    made = ContentWorld(numbered(300))
    made.read_both_tables()
    made.ledger.segment_records[RUN, Work.DIGEST_DESTINATION, 0].objects.pop()
    with pytest.raises(IncompleteError, match="lack items"):
        made.digests()
