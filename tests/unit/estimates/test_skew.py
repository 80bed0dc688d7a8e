from typing import Any

from tableferry.estimates.skew import COLLECTION_BYTES, collection_warning, skew_of
from tableferry.items import from_typed


def items(*partitions: tuple[str, int], size: int = 100) -> list[Any]:
    """So many items of each partition key."""
    return [
        from_typed({"pk": {"S": name}, "sk": {"N": str(number)}, "body": {"S": "x" * size}})
        for name, count in partitions
        for number in range(count)
    ]


def test_the_hottest_key_is_named_with_its_share() -> None:
    skew = skew_of(items(("a", 60), ("b", 30), ("c", 10)), "pk", "the destination")
    assert skew is not None
    assert (skew.keys, skew.items, skew.share, skew.hottest) == (3, 100, 0.6, {"pk": {"S": "a"}})
    assert skew.is_hot
    assert "60% of 100 sampled items" in skew.warning()
    assert '{"pk":{"S":"a"}}' in skew.warning().replace(" ", "")


def test_keys_that_spread_are_not_hot_and_few_items_prove_nothing() -> None:
    spread = skew_of(items(*((f"k{number}", 1) for number in range(200))), "pk", "the source")
    few = skew_of(items(("a", 10)), "pk", "the source")
    assert spread is not None and not spread.is_hot
    assert few is not None and few.share == 1.0 and not few.is_hot


def test_an_attribute_that_no_item_has_has_no_skew() -> None:
    assert skew_of(items(("a", 10)), "absent", "the index byAbsent") is None


def test_collections_are_warned_of_before_they_reach_the_limit_of_a_local_index() -> None:
    skew = skew_of(items(("a", 60), ("b", 40)), "pk", "the destination")
    assert skew is not None
    table = COLLECTION_BYTES
    assert collection_warning(skew, table, 0) is None
    assert collection_warning(skew, table / 4, 1) is None
    near, over = collection_warning(skew, table / 2, 1), collection_warning(skew, table, 1)
    assert near is not None and "6.0 GB" in near and "is near the 10 GB" in near
    assert over is not None and "12.0 GB" in over and "is over the 10 GB" in over
