"""Tables and items for tests: every key type, every attribute type, every hard case, by seed.

Items are what a plain boto3 client takes: `{"S": "x"}`, `{"N": "1"}`, `{"B": b"…"}`. The same seed
gives the same items on every machine.
"""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.hard_items import EMPTY_NAME_WITHIN_A_MAP, HARD_ATTRIBUTES, HARD_STRINGS

Item = dict[str, Any]
PARTITION_KEY = "pk"
SORT_KEY = "sk"
BATCH = 25
# Higher than any number of items that a test makes.
NAMELESS_KEY = 9_000_000


@dataclass(frozen=True, slots=True)
class Keys:
    """The types of a table's partition key and, where it has one, of its sort key."""

    partition: str
    sort: str | None = None

    def __str__(self) -> str:
        return self.partition if self.sort is None else f"{self.partition}-{self.sort}"

    @property
    def names(self) -> tuple[str, ...]:
        return (PARTITION_KEY,) if self.sort is None else (PARTITION_KEY, SORT_KEY)

    def schema(self) -> dict[str, Any]:
        """KeySchema and AttributeDefinitions of CreateTable."""
        kinds = zip(("HASH", "RANGE"), self.names, (self.partition, self.sort), strict=False)
        described = list(kinds)
        return {
            "KeySchema": [{"AttributeName": n, "KeyType": role} for role, n, _ in described],
            "AttributeDefinitions": [
                {"AttributeName": n, "AttributeType": kind} for _, n, kind in described
            ],
        }


ALL_KEYS = tuple(Keys(p, s) for p, s in itertools.product("SNB", (None, "S", "N", "B")))


def create_table(client: Any, name: str, keys: Keys, **settings: Any) -> str:
    """Creates an on-demand table with those keys, and returns its name when it can be used."""
    client.create_table(
        **({"TableName": name, "BillingMode": "PAY_PER_REQUEST"} | keys.schema() | settings)
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


def load(client: Any, table: str, items: Iterable[Item]) -> int:
    """Puts the items in batches, and what was unprocessed again; how many there were."""
    total = 0
    for batch in _batches(items):
        total += len(batch)
        wanted = {table: [{"PutRequest": {"Item": item}} for item in batch]}
        while wanted:
            wanted = client.batch_write_item(RequestItems=wanted)["UnprocessedItems"]
    return total


def items(keys: Keys, count: int, seed: int = 0) -> Iterator[Item]:
    """`count` items with keys of their own; one of each hard case comes first, in order.

    With a sort key some four items share a partition. Apart from the hard cases items have up to
    eight attributes of any type, under 4 KB in all.
    """
    dice = random.Random(f"{seed}:{keys}")
    for number in range(count):
        item = _key(keys, number)
        if number < len(HARD_ATTRIBUTES):
            yield item | HARD_ATTRIBUTES[number].attributes()
        else:
            yield item | {f"a{n}": _value(dice, depth=3) for n in range(dice.randint(0, 8))}


def nameless_item(keys: Keys) -> Item:
    """An item with an empty name within a map, for an engine that takes one; a key of its own."""
    return _key(keys, NAMELESS_KEY) | EMPTY_NAME_WITHIN_A_MAP.attributes()


def hard_items(keys: Keys) -> dict[str, Item]:
    """One item of each hard case, by the case's name."""
    found = zip(HARD_ATTRIBUTES, items(keys, len(HARD_ATTRIBUTES)), strict=True)
    return {case.name: item for case, item in found}


def key_of(keys: Keys, item: Item) -> Item:
    return {name: item[name] for name in keys.names}


def _key(keys: Keys, number: int) -> Item:
    if keys.sort is None:
        return {PARTITION_KEY: _KEY_VALUES[keys.partition](number)}
    group, place = divmod(number, 4)
    return {
        PARTITION_KEY: _KEY_VALUES[keys.partition](group),
        SORT_KEY: _KEY_VALUES[keys.sort](place),
    }


def _text_key(number: int) -> dict[str, Any]:
    """Odd texts among plain ones; the number keeps each apart."""
    odd = HARD_STRINGS[number % len(HARD_STRINGS)] if number % 3 == 0 else ""
    return {"S": f"{number:07}{odd}"}


def _number_key(number: int) -> dict[str, Any]:
    """Whole, negative, fractional and 38-digit numbers, each of a value of its own."""
    sign = "-" if number % 4 == 1 else ""
    fraction = ".5" if number % 4 == 2 else ""
    if number % 16 == 7:
        return {"N": f"{10**37 + number}"}
    return {"N": f"{sign}{number}{fraction}" if number else "0"}


def _binary_key(number: int) -> dict[str, Any]:
    return {"B": bytes([0, 255, 10]) + number.to_bytes(4, "big")}


_KEY_VALUES: dict[str, Callable[[int], dict[str, Any]]] = {
    "S": _text_key,
    "N": _number_key,
    "B": _binary_key,
}


def _value(dice: random.Random, depth: int) -> dict[str, Any]:
    kinds = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", *(["L", "M"] if depth else [])]
    kind = dice.choice(kinds)
    if kind == "BOOL":
        return {kind: dice.random() < 0.5}
    if kind == "NULL":
        return {kind: True}
    if kind == "L":
        return {kind: [_value(dice, depth - 1) for _ in range(dice.randint(0, 3))]}
    if kind == "M":
        names = dice.sample(["x", "name", "ä", "a b", "🜁"], dice.randint(0, 3))
        return {kind: {name: _value(dice, depth - 1) for name in names}}
    if kind in {"SS", "NS", "BS"}:
        return {kind: _set(dice, kind[0])}
    return {kind: _scalar(dice, kind)}


def _set(dice: random.Random, kind: str) -> list[Any]:
    """One to four members of different values."""
    if kind == "N":
        return [str(number) for number in dice.sample(range(-1000, 1000), dice.randint(1, 4))]
    members = {_scalar(dice, kind) for _ in range(dice.randint(1, 4))}
    return sorted(members)


def _scalar(dice: random.Random, kind: str) -> Any:
    if kind == "N":
        digits = str(dice.randrange(1, 10 ** dice.randint(1, 38)))
        exponent = f"E{dice.randint(-60, 60)}" if dice.random() < 0.3 else ""
        return f"{'-' if dice.random() < 0.5 else ''}{digits}{exponent}"
    if kind == "B":
        return dice.randbytes(dice.randint(1, 40))
    odd = dice.choice(HARD_STRINGS) if dice.random() < 0.3 else ""
    return odd + "".join(dice.choices("abcdefghijklmnop", k=dice.randint(1, 20)))


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(itertools.islice(rest, BATCH)):
        yield batch
