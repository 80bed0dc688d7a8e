"""Six faults in 100,000 items, 50 times: each is named by its key, and nothing else is.

The source is digested once; each seed plants its faults anew, and cuts the destination into
segments and objects, and both into partitions, anew.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from tableferry.items import from_typed
from tableferry.verification.content_comparing import Compared, compare, slices
from tableferry.verification.digest_format import Entry, Span, pack
from tableferry.verification.digest_reading import Block, DigestObject, DigestReader
from tableferry.verification.fingerprints import fingerprint
from tests.memory_objects import MemoryObjects
from tests.memory_table import Item

ITEMS = 100_000
KEYS = ("pk",)


def item(number: int) -> Item:
    return {
        "pk": {"S": f"user-{number:06d}"},
        "n": {"N": str(number)},
        "pair": {"S": f"{number % 977}"},
        "deep": {"L": [{"M": {"x": {"L": [{"N": str(number % 13)}, {"S": "y"}]}}}]},
    }


def entry(content: Item) -> Entry:
    name = json.dumps({"pk": content["pk"]}).encode()
    return Entry(fingerprint(from_typed(content), KEYS), name)


@pytest.fixture(scope="module")
def whole() -> list[Entry]:
    return [entry(item(number)) for number in range(ITEMS)]


@pytest.fixture(scope="module")
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture(scope="module")
def source(whole: list[Entry], objects: MemoryObjects) -> list[DigestObject]:
    return store(objects, "source", whole, Random(0))


def planted(whole: Sequence[Entry], luck: Random) -> tuple[list[Entry], set[tuple[str, int]]]:
    """The destination's entries and what is wrong with which item."""
    missing, extra, value, kind, deep, one, other = luck.sample(range(ITEMS), 7)
    while item(one)["pair"] == item(other)["pair"]:
        other = luck.randrange(ITEMS)
    changed: dict[int, Item] = {number: item(number) for number in (value, kind, deep, one, other)}
    changed[value]["pair"] = {"S": "another"}
    changed[kind]["n"] = {"S": str(kind)}
    changed[deep]["deep"]["L"][0]["M"]["x"]["L"][0] = {"N": "99"}
    # The swap: as many items, and every attribute's values are the same multiset.
    changed[one]["pair"], changed[other]["pair"] = changed[other]["pair"], changed[one]["pair"]
    held = list(whole)
    for number, content in changed.items():
        held[number] = entry(content)
    new = entry(item(ITEMS + extra))
    del held[missing]
    wrong = {("missing", missing), ("extra", ITEMS + extra)}
    return [*held, new], wrong | {("different", number) for number in changed}


def store(
    objects: MemoryObjects, side: str, entries: Sequence[Entry], luck: Random
) -> list[DigestObject]:
    """The entries in objects of random sizes, as random segments and groups would hold them."""
    shuffled = luck.sample(entries, len(entries))
    cuts = sorted(luck.sample(range(1, len(shuffled)), luck.randint(3, 12)))
    stored = []
    for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(shuffled)], strict=True)):
        part = shuffled[start:end]
        objects.put(f"{side}/{number}", pack(part))
        stored.append(DigestObject(f"{side}/{number}", len(part)))
    return stored


def found(
    reader: DigestReader, source: list[DigestObject], destination: list[DigestObject], count: int
) -> Iterator[tuple[str, int]]:
    for partition in range(count):
        span = Span.of(partition, count)
        left, right = reader.blocks(source, span), reader.blocks(destination, span)
        compared = compare([each.hashes for each in left], [each.hashes for each in right])
        for key_hashes in slices(compared, 3):
            yield from named(reader, compared, key_hashes, left, right)


def named(
    reader: DigestReader,
    compared: Compared,
    key_hashes: list[bytes],
    source: list[Block],
    destination: list[Block],
) -> Iterator[tuple[str, int]]:
    sources = {each.key_hash: each.key for each in reader.names(source, key_hashes)}
    held = {each.key_hash: each.key for each in reader.names(destination, key_hashes)}
    for key_hash in key_hashes:
        seen = compared.differing[key_hash]
        kind = "different"
        if seen.source is None or seen.destination is None:
            kind = "extra" if seen.source is None else "missing"
        key: Any = sources.get(key_hash) or held[key_hash]
        yield kind, int(key["pk"]["S"].partition("-")[2])


@pytest.mark.parametrize("seed", range(50))
def test_each_fault_is_named_and_nothing_else(
    seed: int, whole: list[Entry], objects: MemoryObjects, source: list[DigestObject]
) -> None:
    luck = Random(seed)
    held, wrong = planted(whole, luck)
    assert len(held) == len(whole)
    destination = store(objects, "destination", held, luck)
    with ThreadPoolExecutor(4) as pool:
        reader = DigestReader(objects, pool)
        assert sorted(found(reader, source, destination, luck.randint(1, 9))) == sorted(wrong)
