"""Random tables, faults, kills and hand-backs: the end is always the transformed source."""

import base64
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tableferry.transform import Transform
from tests.fakes import Faults
from tests.memory_table import Item, plain
from tests.worlds import KilledError, Mortal, World

KEYS = {"pk": "S", "sk": "N"}
STEPS: list[dict[str, Any]] = [
    {"rename": {"from": "old", "to": "new"}},
    {"default": {"attribute": "version", "value": 2}},
    {"filter": "{% sk != 3 %}"},
]
# Compiled here once: jsonata raises the recursion limit at its import, which Hypothesis minds.
Transform.compile(STEPS)

numbers = st.decimals(-(10**20), 10**20, places=3).map(str)
scalars = st.one_of(
    st.text(max_size=6).map(lambda text: {"S": text}),
    numbers.map(lambda number: {"N": number}),
    st.binary(max_size=6).map(lambda content: {"B": base64.b64encode(content).decode()}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.sets(st.integers(0, 99), min_size=1, max_size=3).map(
        lambda members: {"NS": [str(each) for each in members]}
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"L": members}),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(lambda each: {"M": each}),
    ),
    max_leaves=4,
)
keys = st.fixed_dictionaries(
    {
        "pk": st.sampled_from("abcdefg").map(lambda name: {"S": name}),
        "sk": st.integers(0, 9).map(lambda number: {"N": str(number)}),
    }
)


def items(most: int) -> st.SearchStrategy[list[Item]]:
    attributes = st.dictionaries(st.sampled_from(["old", "version", "a'b", "🛳️"]), values)
    return st.lists(
        st.builds(lambda key, rest: {**rest, **key}, keys, attributes),
        max_size=most,
        unique_by=lambda item: (item["pk"]["S"], item["sk"]["N"]),
    )


@dataclass(frozen=True)
class Life:
    """One worker's: how long it may run, and the request that kills it."""

    seconds: float
    dies_at: int | None
    does_it: bool


lives = st.lists(
    st.builds(
        Life,
        st.sampled_from([60.0, 900.0, 100_000.0]),
        st.none() | st.integers(1, 40),
        st.booleans(),
    ),
    max_size=6,
)


def expected_of(world: World, before: dict[Any, Any]) -> tuple[dict[Any, Any], int]:
    """The destination as it must be in the end, and how many items were in the way."""
    want, skipped = dict(before), 0
    for key, item in world.source.items.items():
        if item["sk"]["N"] == "3":
            continue
        new = {name if name != "old" else "new": value for name, value in item.items()}
        new.setdefault("version", {"N": "2"})
        content = plain({"M": new})
        if world.keep and before.get(key, content) != content:
            skipped += 1
        else:
            want[key] = content
    return want, skipped


@settings(max_examples=100)
@given(
    source=items(60),
    there=items(20),
    keep=st.booleans(),
    segments=st.integers(1, 4),
    page_bytes=st.sampled_from([30, 150, 1_000_000]),
    seed=st.integers(0, 10**6),
    rate=st.sampled_from([0.0, 0.05, 0.3]),
    lives=lives,
)
def test_every_history_ends_with_the_transformed_source_and_counts_each_item_once(
    *,
    source: list[Item],
    there: list[Item],
    keep: bool,
    segments: int,
    page_bytes: int,
    seed: int,
    rate: float,
    lives: list[Life],
) -> None:
    world = World(
        source,
        segments=segments,
        steps=STEPS,
        keep=keep,
        faults=Faults(seed, rate, total=80),
        source_keys=KEYS,
        destination_keys=KEYS,
    )
    world.destination.load(there)
    world.dynamo.page_bytes = page_bytes
    before = world.destination.content()
    for place, life in enumerate(lives):
        mortal = Mortal(life.dies_at, does_it=life.does_it)
        try:
            world.copy(place % segments, mortal=mortal, seconds=life.seconds)
        except KilledError:
            continue
    world.copy_everything()

    want, skipped = expected_of(world, before)
    counts = world.counts()
    assert world.destination.content() == want
    assert counts.read == len(source)
    assert counts.filtered == sum(item["sk"]["N"] == "3" for item in source)
    assert counts.skipped == skipped
    assert counts.written == len(source) - counts.filtered - skipped
