"""What the application does to the source, and what the stream says of it."""

from collections.abc import Iterator

from tests.model.state import (
    NOTHING,
    POISON,
    Record,
    State,
    image,
    is_item,
    key_of,
    replaced,
)
from tests.model.trace import Step, say
from tests.model.world import World


def put_or_update(state: State, world: World) -> Iterator[Step]:
    """Inserts, updates or re-inserts an item; its transform may give another destination key."""
    if state.writes == world.scenario.writes:
        return
    for source_key, old in enumerate(state.source):
        if old and not world.scenario.updates:
            continue
        for new in _new_images(state, world, source_key):
            if new != old:
                verb = "updates" if old else "inserts"
                yield (
                    say("the application {verb} {source}: {image}", verb, source_key, new),
                    _written(state, world, {source_key: new}),
                )


def delete(state: State, world: World) -> Iterator[Step]:
    if not world.scenario.deletes or state.writes == world.scenario.writes:
        return
    for source_key, content in enumerate(state.source):
        if content:
            yield (
                say("the application deletes {source}", source_key),
                _written(state, world, {source_key: NOTHING}),
            )


def swap(state: State, world: World) -> Iterator[Step]:
    """Two items exchange what the destination's key is made of, in one TransactWriteItems."""
    if not world.scenario.swaps or state.writes == world.scenario.writes:
        return
    first, second = state.source
    if is_item(first) and is_item(second):
        write = state.writes + 2
        new = {0: image(write, key_of(second)), 1: image(write, key_of(first))}
        yield say("the application swaps a and b, at once"), _written(state, world, new)


def begin_capture(state: State, world: World) -> Iterator[Step]:
    """The stream is on, and proven by reading its shards."""
    if not state.is_captured:
        yield say("the stream captures"), state._replace(is_captured=True)


def _new_images(state: State, world: World, source_key: int) -> Iterator[int]:
    keys = world.scenario.keys_of(source_key)
    write = state.writes + 2
    for key in keys:
        if not world.scenario.keys_change_hands or not _is_taken(state, source_key, key):
            yield image(write, key)
    if world.scenario.poison:
        yield image(write, POISON)
    if world.scenario.old_images:
        yield from sorted(each for each in _remembered(state) if key_of(each) in keys)


def _is_taken(state: State, source_key: int, key: int) -> bool:
    """Whether another source item maps to this destination key already."""
    return any(
        number != source_key and is_item(content) and key_of(content) == key
        for number, content in enumerate(state.source)
    )


def _remembered(state: State) -> set[int]:
    """The images that somebody still has: writing one of them again may deceive a comparison."""
    found = set(state.destination)
    found.update(worker.held for worker in state.workers)
    for repair in state.repairs:
        found.update((repair.seen, repair.seen_source))
    return {content for content in found if is_item(content)}


def _written(state: State, world: World, new: dict[int, int]) -> State:
    source, shards = state.source, state.shards
    for source_key, content in new.items():
        record = Record(source_key, source[source_key], content)
        source = replaced(source, source_key, content)
        if state.is_captured:
            number = world.scenario.shard_of(source_key)
            shard = shards[number]
            shards = replaced(shards, number, shard._replace(records=(*shard.records, record)))
    return state._replace(source=source, shards=shards, writes=state.writes + 1)


STEPS = (put_or_update, delete, swap, begin_capture)
