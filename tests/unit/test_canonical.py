"""Canonical bytes are equal exactly where DynamoDB sees equal content."""

import base64
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableferry import canonical
from tableferry.items import from_typed

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBERS = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-9999, max_value=9999),
    st.integers(-130, 125).map(lambda power: Decimal(1).scaleb(power)),
)
BINARIES = st.binary(max_size=6)
# What DynamoDB means by a value, in Python's own terms: equality of these is equality in a table.
SCALARS = st.one_of(
    st.tuples(st.just("S"), TEXTS),
    st.tuples(st.just("N"), NUMBERS),
    st.tuples(st.just("B"), BINARIES),
    st.tuples(st.just("BOOL"), st.booleans()),
    st.just(("NULL", True)),
    st.tuples(st.just("SS"), st.frozensets(TEXTS, min_size=1, max_size=4)),
    st.tuples(st.just("NS"), st.frozensets(NUMBERS, min_size=1, max_size=4)),
    st.tuples(st.just("BS"), st.frozensets(BINARIES, min_size=1, max_size=4)),
)
MEANINGS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.tuples(st.just("L"), st.lists(inner, max_size=3)),
        st.tuples(st.just("M"), st.dictionaries(TEXTS, inner, max_size=3)),
    ),
    max_leaves=6,
)
ITEMS = st.dictionaries(TEXTS, MEANINGS, max_size=4)


def spelt(meaning: tuple[str, Any], luck: random.Random) -> dict[str, Any]:
    """One of the many ways to write a value in DynamoDB JSON."""
    kind, content = meaning
    if kind == "N":
        return {"N": number_spelt(content, luck)}
    if kind == "B":
        return {"B": base64.b64encode(content).decode()}
    if kind in ("SS", "NS", "BS"):
        members = [next(iter(spelt((kind[0], each), luck).values())) for each in content]
        return {kind: luck.sample(members, len(members))}
    if kind == "L":
        return {"L": [spelt(each, luck) for each in content]}
    if kind == "M":
        return {"M": item_spelt(content, luck)}
    return {kind: content}


def item_spelt(meanings: dict[str, Any], luck: random.Random) -> dict[str, Any]:
    names = luck.sample(list(meanings), len(meanings))
    return {name: spelt(meanings[name], luck) for name in names}


def number_spelt(value: Decimal, luck: random.Random) -> str:
    plain = format(value, "f")
    padded = plain + ("0" if "." in plain else ".0") * luck.randint(0, 1)
    signed = padded if padded.startswith("-") or luck.random() < 0.5 else f"+{padded}"
    return luck.choice([plain, padded, signed, f"{value:E}", f"{value:e}"])


@given(ITEMS, st.randoms(use_true_random=False))
def test_every_spelling_of_one_content_has_the_same_bytes(meanings, luck):
    one, other = item_spelt(meanings, luck), item_spelt(meanings, luck)
    assert canonical.item_bytes(from_typed(one)) == canonical.item_bytes(from_typed(other))


@given(ITEMS, ITEMS, st.randoms(use_true_random=False))
def test_bytes_are_equal_only_where_content_is(left, right, luck):
    one, other = (from_typed(item_spelt(each, luck)) for each in (left, right))
    assert (canonical.item_bytes(one) == canonical.item_bytes(other)) is (left == right)


@given(MEANINGS, MEANINGS, st.randoms(use_true_random=False))
def test_single_values_compare_likewise_and_stay_as_they_are(left, right, luck):
    one, other = spelt(left, luck), spelt(right, luck)
    before = repr(one)
    assert (canonical.value(one) == canonical.value(other)) is (left == right)
    assert repr(one) == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1"}, {"S": "1"}),
        ({"N": "1"}, {"N": "1.0000000000000000000000000000000000001"}),
        ({"SS": ["1"]}, {"NS": ["1"]}),
        ({"S": "x"}, {"B": "x+/="}),
        ({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}),
        ({"L": []}, {"M": {}}),
        ({"S": ""}, {"NULL": True}),
        ({"M": {"a": {"N": "1"}}}, {"M": {"a": {"S": "1"}}}),
        ({"L": [{"L": [{"M": {"x": {"N": "1"}}}]}]}, {"L": [{"L": [{"M": {"x": {"N": "2"}}}]}]}),
    ],
)
def test_values_of_another_type_or_order_differ(one, other):
    items = (from_typed({"a": each}) for each in (one, other))
    first, second = map(canonical.item_bytes, items)
    assert first != second


def test_attributes_of_global_tables_do_not_count_but_only_at_the_top():
    plain = {"pk": {"S": "1"}, "m": {"M": {"aws:rep:x": {"N": "1"}}}}
    replicated = {
        **plain,
        "aws:rep:updateregion": {"S": "eu-west-1"},
        "aws:rep:deleting": {"BOOL": False},
    }
    assert canonical.item_bytes(from_typed(plain)) == canonical.item_bytes(from_typed(replicated))
    bare = {**plain, "m": {"M": {}}}
    assert canonical.item_bytes(from_typed(plain)) != canonical.item_bytes(from_typed(bare))


def test_keys_are_equal_where_dynamodb_sees_one_key():
    keys = [{"pk": {"N": text}, "sk": {"S": "x"}} for text in ("10", "1E1", "+10.0")]
    found = {canonical.key_bytes(from_typed(key), ("pk", "sk")) for key in keys}
    assert len(found) == 1
    assert (
        canonical.key_bytes(from_typed({"pk": {"S": "10"}, "sk": {"S": "x"}}), ("pk", "sk"))
        not in found
    )
