"""What a copied page does to the destination, and what it counts."""

from typing import Any

import pytest

from tableferry.errors import CollisionError, ItemError
from tableferry.items import from_typed, raw
from tableferry.segments.copying import CopyRules, KeyRules, transform_page
from tableferry.transform import Transform
from tests.memory_table import Item
from tests.worlds import World, numbered

NAMES = ["it's", '"', "a\\b", "line\nbreak", "nul\0", "🛳️", "select", "?", "--", "a.b", "{}", " "]
EVERY_TYPE: Item = {
    "pk": {"S": "every-type"},
    "digits": {"N": "0.12345678901234567890123456789012345678"},
    "large": {"N": "99999999999999999999999999999999999999" + "0" * 80},
    "binary": {"B": "AAECAwQ="},
    "empty": {"S": ""},
    "nothing": {"NULL": True},
    "truth": {"BOOL": False},
    "numbers": {"NS": ["1", "2.5", "-3"]},
    "binaries": {"BS": ["AA==", "AQ=="]},
    "strings": {"SS": ["", "b"]},
    "list": {"L": [{"M": {"": {"L": []}}}, {"N": "-0.5"}]},
    "map": {"M": {name: {"S": name} for name in NAMES}},
    **{name: {"S": name} for name in NAMES},
}


def large(characters: int) -> Item:
    return {"pk": {"S": "large"}, "text": {"S": "x" * characters}}


modes = pytest.mark.parametrize("keep", [False, True], ids=["overwrite", "keep"])


@modes
def test_every_type_and_name_arrives(keep: bool) -> None:
    world = World([EVERY_TYPE, large(390 * 1024), *numbered(30)], keep=keep)
    world.copy()
    assert world.is_equal()
    assert world.counts().written == 32


def test_what_no_step_touches_is_not_even_decoded() -> None:
    item = {"pk": raw({"S": "a"}), "n": type(raw({"N": "1"}))(b'{"N" : "1.50e+2"}')}
    rename = Transform.compile([{"rename": {"from": "n", "to": "m"}}])
    rules = CopyRules(rename, ("pk",), KeyRules(("pk",), {"pk": "S"}), False, None)
    (entry,) = transform_page(rules, [item]).entries
    assert bytes(entry.item["m"]) == b'{"N" : "1.50e+2"}'


@modes
def test_items_are_counted_by_what_became_of_them(keep: bool) -> None:
    steps: list[Any] = [{"filter": "{% n < 150 %}"}, {"cast": {"attribute": "code", "to": "N"}}]
    items = [{**item, "code": {"S": "7"}} for item in numbered(200)]
    items[5]["code"] = items[6]["code"] = {"S": "seven"}
    world = World(items, steps=steps, keep=keep, is_quarantining=True)
    world.destination.put({"pk": {"S": "item-0000"}, "other": {"S": "there before"}})
    world.copy()
    counts = world.counts()
    kept = 1 if keep else 0
    assert (counts.read, counts.filtered, counts.quarantined) == (200, 50, 2)
    assert (counts.written, counts.skipped) == (148 - kept, kept)
    assert len(world.destination.items) == 148


@modes
def test_all_bad_items_of_a_page_are_named_and_nothing_of_it_is_written(keep: bool) -> None:
    items = numbered(60)
    for bad in (3, 17, 59):
        items[bad]["n"] = {"S": f"bad {bad}"}
    world = World(items, steps=[{"set": {"attribute": "m", "value": "{% n + 1 %}"}}], keep=keep)
    with pytest.raises(ItemError) as caught:
        world.copy()
    for bad in (3, 17, 59):
        assert f"item-{bad:04}" in caught.value.cause
    assert "3 items of page 0" in caught.value.cause
    assert world.destination.items == {}


def test_of_very_many_bad_items_the_first_are_named_and_the_rest_counted() -> None:
    world = World(numbered(300), steps=[{"cast": {"attribute": "pk", "to": "N"}}])
    with pytest.raises(ItemError, match="300 items of page 0.*250 more") as caught:
        world.copy()
    assert len(str(caught.value)) < 32_000


def test_long_keys_do_not_make_the_message_longer_than_step_functions_takes() -> None:
    items: list[Item] = [{"pk": {"S": f"{n:04}{'k' * 2000}"}} for n in range(60)]
    world = World(items, steps=[{"cast": {"attribute": "pk", "to": "N"}}])
    with pytest.raises(ItemError, match=r"60 items of page 0.*\(and \d+ more\)") as caught:
        world.copy()
    assert len(str(caught.value)) < 32_768


@modes
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        pytest.param({"N": "1"}, "must be of type S, it is N", id="another-type"),
        pytest.param({"S": ""}, "is empty", id="empty"),
    ],
)
def test_an_index_key_that_the_destination_refuses_is_named_before_anything_is_written(
    key: Item, reason: str, keep: bool
) -> None:
    items = [*numbered(10), {"pk": {"S": "bad"}, "origin": key}]
    world = World(items, index_keys={"origin": "S"}, keep=keep)
    with pytest.raises(ItemError, match=reason):
        world.copy()
    assert world.destination.items == {}


def test_a_missing_destination_key_is_named() -> None:
    world = World(numbered(3), destination_keys={"id": "S"})
    with pytest.raises(ItemError, match="key attribute 'id' is not in the item"):
        world.copy()


@modes
def test_an_item_that_the_transform_made_too_large_is_named(keep: bool) -> None:
    world = World([*numbered(40), large(409_500)], steps=[_lengthened()], keep=keep)
    with pytest.raises(ItemError, match=r"1 item of page 0.*large.*maximum allowed size"):
        world.copy()
    assert world.record().pages == 0


@modes
def test_quarantine_takes_what_dynamodb_refuses_and_the_rest_flows(keep: bool) -> None:
    items = [*numbered(40), large(409_500)]
    world = World(items, steps=[_lengthened()], keep=keep, is_quarantining=True)
    world.copy()
    ((entry,),) = world.quarantine.pages.values()
    assert entry["sourceKey"] == {"pk": {"S": "large"}}
    assert "maximum allowed size" in entry["reason"]
    assert entry["item"]["pk"] == {"S": "large"}
    assert len(world.destination.items) == 40
    assert (world.counts().written, world.counts().quarantined) == (40, 1)


@modes
@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"N": "1" * 39}, id="39-digits"),
        pytest.param({"SS": []}, id="empty-set"),
        pytest.param({"L": [{"NS": []}]}, id="empty-set-within"),
    ],
)
def test_a_value_that_no_table_takes_is_quarantined_alone(value: Item, keep: bool) -> None:
    world = World(numbered(40), keep=keep, is_quarantining=True)
    # Past `put`: a transform can make what a source can not hold.
    world.source.items[(("S", "item-0007"),)]["bad"] = value
    world.copy()
    ((entry,),) = world.quarantine.pages.values()
    assert entry["sourceKey"] == {"pk": {"S": "item-0007"}}
    assert (world.counts().written, world.counts().quarantined) == (39, 1)


def _lengthened() -> dict[str, Any]:
    return {"set": {"attribute": "a", "value": "x" * 200}}


def test_a_page_that_is_written_again_replaces_its_quarantine() -> None:
    items = numbered(20)
    items[7]["n"] = {"S": "seven"}
    world = World(items, steps=[{"cast": {"attribute": "n", "to": "S"}}], is_quarantining=True)
    world.copy(round_number=1)
    world.copy(round_number=2)
    assert [len(entries) for entries in world.quarantine.pages.values()] == [1]


TO_KEY = [{"rename": {"from": "id", "to": "key"}}]


@pytest.mark.parametrize(
    ("kind", "one", "two"),
    [
        pytest.param("S", "same", "same", id="text"),
        pytest.param("N", "1", "1.0", id="a-number-spelt-twice"),
        pytest.param("N", "100", "1E2", id="an-exponent"),
        pytest.param("B", "AAE=", "AAE=", id="binary"),
    ],
)
@modes
def test_two_items_with_one_new_key_are_both_named_and_neither_is_written(
    kind: str, one: str, two: str, keep: bool
) -> None:
    items: list[Item] = [{"pk": {"S": "a"}, "id": {kind: one}}, {"pk": {"S": "b"}}]
    items[1]["id"] = {kind: two}
    world = World(numbered(0), steps=TO_KEY, destination_keys={"key": kind}, keep=keep)
    for place, item in enumerate(items):
        # Past `put`, which trims numbers as DynamoDB does: a transform can still spell them so.
        world.source.items[(("S", str(place)),)] = item
    with pytest.raises(CollisionError) as caught:
        world.copy()
    assert '"a"' in caught.value.cause
    assert '"b"' in caught.value.cause
    assert world.destination.items == {}


def test_a_sort_key_tells_items_apart() -> None:
    keys = {"pk": "S", "sk": "N"}
    items = [{"pk": {"S": f"p{n % 3}"}, "sk": {"N": str(n)}} for n in range(100)]
    world = World(items, source_keys=keys, destination_keys=keys, segments=7)
    world.dynamo.page_bytes = 60
    world.copy_everything()
    assert world.is_equal()


def test_items_are_not_written_in_scan_order() -> None:
    world = World(numbered(200))
    world.copy()
    scanned = [key for key, _ in world.source.in_scan_order(0, 1)]
    assert list(world.destination.items) != scanned


@modes
@pytest.mark.parametrize("segments", [1, 7, 64])
def test_segments_together_copy_each_item_once(segments: int, keep: bool) -> None:
    world = World(numbered(50), segments=segments, keep=keep)
    world.copy_everything()
    assert world.is_equal()
    assert world.counts().written == 50


def test_an_item_there_before_is_kept_when_it_differs_and_written_when_it_is_ours() -> None:
    world = World(numbered(100), keep=True)
    for n in range(30):
        world.destination.put({"pk": {"S": f"item-{n:04}"}, "n": {"N": f"{n}.0"}})
    for n in range(30, 45):
        world.destination.put({"pk": {"S": f"item-{n:04}"}, "n": {"N": "0.5"}})
    world.copy()
    assert (world.counts().written, world.counts().skipped) == (85, 15)
    assert world.destination.items[(("S", "item-0044"),)]["n"] == {"N": "0.5"}


def test_an_item_in_the_way_that_is_gone_at_the_second_look_is_no_longer_in_the_way() -> None:
    world = World(numbered(10), keep=True)
    world.destination.put({"pk": {"S": "item-0003"}, "other": {"S": "expires"}})

    def expire(operation: str, request: Any) -> None:
        if operation == "BatchGetItem":
            world.destination.items.pop((("S", "item-0003"),), None)

    world.dynamo.arriving = expire
    world.copy()
    assert world.is_equal()
    assert (world.counts().written, world.counts().skipped) == (10, 0)


def test_items_are_compared_without_what_global_tables_add() -> None:
    world = World([{"pk": {"S": "a"}, "aws:rep:deleting": {"BOOL": False}}], keep=True)
    world.destination.put({"pk": {"S": "a"}, "aws:rep:updateregion": {"S": "eu-west-1"}})
    world.copy()
    assert (world.counts().written, world.counts().skipped) == (1, 0)


def test_a_page_whose_items_are_all_filtered_still_moves_the_checkpoint() -> None:
    world = World(numbered(50), steps=[{"filter": "{% n > 1000 %}"}])
    world.dynamo.page_bytes = 100
    world.copy()
    assert world.record().done
    assert world.counts().filtered == 50
    assert world.dynamo.count("BatchWriteItem") == 0


def test_an_empty_table_is_one_page() -> None:
    world = World(segments=3)
    world.copy_everything()
    assert world.dynamo.count("Scan") == 3
    assert world.counts().read == 0


def test_entries_name_the_sources_key_and_not_the_new_one() -> None:
    rules = CopyRules(
        Transform.compile(TO_KEY), ("pk", "sk"), KeyRules(("key",), {"key": "S"}), False, None
    )
    item = from_typed({"pk": {"S": "a"}, "sk": {"N": "1"}, "id": {"S": "x"}})
    (entry,) = transform_page(rules, [item]).entries
    assert entry.source_key == {"pk": {"S": "a"}, "sk": {"N": "1"}}
