"""Hypothesis strategies for what DynamoDB takes: values of every type, names, items, tables."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.support.hard_items import HARD_NAMES, HARD_NUMBERS, HARD_STRINGS
from tests.support.table_data import PARTITION_KEY, SORT_KEY, Item, Keys

Value = dict[str, Any]

# UTF-8 has no surrogates on their own.
_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def texts() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(HARD_STRINGS), _ANY_TEXT)


def names() -> st.SearchStrategy[str]:
    """Names of attributes, also within maps: never empty, which AWS's own engine refuses."""
    return st.one_of(st.sampled_from(HARD_NAMES), _ANY_TEXT.filter(bool))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Up to 38 digits, from 1E-130 to 9.99E+125, on either side of zero."""
    if draw(st.booleans()):
        return draw(st.sampled_from(HARD_NUMBERS))
    digits = draw(st.integers(min_value=1, max_value=10**38 - 1))
    least, most = -130, 126 - len(str(digits))
    exponent = draw(st.integers(min_value=least, max_value=most))
    return f"{draw(st.sampled_from(['', '-']))}{digits}E{exponent}"


def scalars() -> st.SearchStrategy[Value]:
    return st.one_of(
        st.builds(lambda text: {"S": text}, texts()),
        st.builds(lambda number: {"N": number}, numbers()),
        st.builds(lambda content: {"B": content}, st.binary(max_size=30)),
        st.builds(lambda truth: {"BOOL": truth}, st.booleans()),
        st.just({"NULL": True}),
    )


def sets() -> st.SearchStrategy[Value]:
    """Sets of one to five members; DynamoDB has no empty ones."""

    def of(kind: str, members: st.SearchStrategy[Any], key: Any = None) -> st.SearchStrategy[Value]:
        listed = st.lists(members, min_size=1, max_size=5, unique_by=key or (lambda m: m))
        return st.builds(lambda values: {kind: values}, listed)

    return st.one_of(of("SS", texts()), of("NS", numbers(), Decimal), of("BS", st.binary()))


def values(max_leaves: int = 10) -> st.SearchStrategy[Value]:
    """A value of any type, nested."""

    def containers(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
        return st.one_of(
            st.builds(lambda members: {"L": members}, st.lists(inner, max_size=4)),
            st.builds(lambda members: {"M": members}, st.dictionaries(names(), inner, max_size=4)),
        )

    return st.recursive(st.one_of(scalars(), sets()), containers, max_leaves=max_leaves)


def key_values(kind: str) -> st.SearchStrategy[Value]:
    """Values of a key attribute of that type: never empty."""
    kinds: dict[str, st.SearchStrategy[Value]] = {
        "S": st.builds(lambda text: {"S": text}, texts().filter(bool)),
        "N": st.builds(lambda number: {"N": number}, numbers()),
        "B": st.builds(lambda content: {"B": content}, st.binary(min_size=1, max_size=30)),
    }
    return kinds[kind]


def items(keys: Keys, max_attributes: int = 6) -> st.SearchStrategy[Item]:
    """Items of a table with those keys."""
    key = {PARTITION_KEY: key_values(keys.partition)}
    if keys.sort is not None:
        key[SORT_KEY] = key_values(keys.sort)
    rest = st.dictionaries(names(), values(), max_size=max_attributes)
    return st.builds(lambda attributes, key: attributes | key, rest, st.fixed_dictionaries(key))


def tables(keys: Keys, max_items: int = 30) -> st.SearchStrategy[list[Item]]:
    """The items of a whole table, no two with one key."""
    return st.lists(items(keys), max_size=max_items, unique_by=lambda item: _identity(keys, item))


def _identity(keys: Keys, item: Item) -> tuple[Any, ...]:
    """What makes two keys the same: a number's value, not its spelling."""
    found = (next(iter(item[name].items())) for name in keys.names)
    return tuple(Decimal(content) if kind == "N" else content for kind, content in found)
