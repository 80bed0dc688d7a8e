"""A dirty key is copied again.

Read the source, compare, write if the destination is as it was seen, read the source again until it
stood still. One repair at a time for a key: a lease, as everybody who writes has one.
"""

from collections.abc import Iterator

from tests.model import destination
from tests.model.state import (
    NOTHING,
    TOMBSTONE,
    Repair,
    State,
    is_item,
    is_poison,
    key_of,
    replaced,
    without,
)
from tests.model.trace import Step, say
from tests.model.world import World

# What a repair does next.
READ_SOURCE, READ_DESTINATION, WRITE, READ_AGAIN, MARK_CLEAN, NO_MORE = range(6)


def take_repair_lease(state: State, world: World) -> Iterator[Step]:
    """In one conditional write with the phase, while no other repair of the key has one."""
    if len(state.repairs) == 2:
        return
    for source_key, bits in enumerate(state.dirty):
        others = [
            each for each in state.repairs if each.source_key == source_key and not each.is_over
        ]
        if bits and not (others and world.rules.repair_works_alone):
            repair = Repair(source_key, state.phase)
            yield (
                say(
                    "repair of {source} takes a lease that counts on {phase}",
                    source_key,
                    state.phase,
                ),
                state._replace(repairs=(*state.repairs, repair)),
            )


def read_source(state: State, world: World) -> Iterator[Step]:
    """And the mark, with its version; adds the item's destination key to it before anything is
    written there.
    """
    for repair in _about_to(READ_SOURCE, state):
        content = state.source[repair.source_key]
        bits = state.dirty[repair.source_key]
        if is_item(content):
            bits |= 1 << key_of(content)
        keys = tuple(key for key in range(len(state.destination)) if bits >> key & 1)
        step = READ_DESTINATION if keys else READ_AGAIN
        read = repair._replace(step=step, seen_source=content, keys=keys, is_fresh=True)
        after = _changed(state, repair, read)
        if world.rules.repair_marks_first:
            after = after._replace(dirty=replaced(state.dirty, repair.source_key, bits))
        yield say("the repair reads {source}: {image}", repair.source_key, content), after


def read_destination(state: State, world: World) -> Iterator[Step]:
    """And compare."""
    for repair in _about_to(READ_DESTINATION, state):
        key = repair.keys[0]
        found = state.destination[key]
        read = repair._replace(seen=found, step=WRITE)
        if _is_right(found, repair, world):
            read = _key_done(repair)
        saying = say("the repair finds {content} at key {key}", found, key)
        yield saying, _changed(state, repair, read)


def write_if_unchanged(state: State, world: World) -> Iterator[Step]:
    for repair in _about_to(WRITE, state):
        key, seen, content = attempt = _attempt(repair, world)
        after = _attempted(state, world, repair, attempt)
        if after is None:
            again = Repair(repair.source_key, repair.phase, unanswered=repair.unanswered)
            saying = say("the repair's write at key {key} is refused: it changed", key)
            yield saying, _changed(state, repair, again)
        else:
            saying = say("the repair's write of {content} at key {key} arrives", content, key)
            yield saying, _changed(after, repair, _key_done(repair))


def give_up_on_repair(state: State, world: World) -> Iterator[Step]:
    """No answer came in time, but the attempt may still arrive: the repair ends with its lease."""
    if "repair" not in world.scenario.lost_answers or state.faults == world.scenario.faults:
        return
    for repair in _about_to(WRITE, state):
        unanswered = (*repair.unanswered, _attempt(repair, world))
        waiting = repair._replace(step=NO_MORE, unanswered=unanswered)
        then = "ends with its lease"
        if not world.rules.unanswered_keeps_lease:
            waiting = Repair(repair.source_key, repair.phase, unanswered=unanswered)
            then = "reads again"
        yield (
            say(
                "the repair gets no answer to its write at key {key}, and {then}",
                repair.keys[0],
                then,
            ),
            _changed(state, repair, waiting)._replace(faults=state.faults + 1),
        )


def late_repair_arrives(state: State, world: World) -> Iterator[Step]:
    """Or is refused, or lost."""
    for repair in state.repairs:
        for attempt in repair.unanswered:
            rest = repair._replace(unanswered=without(repair.unanswered, attempt))
            kept = None if repair.is_over and not rest.unanswered else rest
            yield say("the repair's unanswered write is lost"), _changed(state, repair, kept)
            after = _attempted(state, world, repair, attempt)
            if after is not None:
                yield (
                    say(
                        "the repair's unanswered write of {content} at key {key} arrives",
                        attempt[2],
                        attempt[0],
                    ),
                    _changed(after, repair, kept),
                )


def read_source_again(state: State, world: World) -> Iterator[Step]:
    """Until it stood still."""
    for repair in _about_to(READ_AGAIN, state):
        content = state.source[repair.source_key]
        stood_still = content == repair.seen_source or not world.rules.repair_reads_again
        step = MARK_CLEAN if stood_still else READ_SOURCE
        yield (
            say("the repair reads {source} again: {image}", repair.source_key, content),
            _changed(state, repair, repair._replace(step=step)),
        )


def mark_clean(state: State, world: World) -> Iterator[Step]:
    """If nobody marked it again and its item can be migrated; releases the lease in any case."""
    for repair in _about_to(MARK_CLEAN, state):
        key = repair.source_key
        if _can_vouch(repair, world):
            after = state._replace(dirty=replaced(state.dirty, key, 0))
            yield say("the repair marks {source} clean", key), _released(after, repair)
        else:
            yield say("the repair ends, {source} stays dirty", key), _released(state, repair)


def repair_lease_ends_by_time(state: State, world: World) -> Iterator[Step]:
    """Deadline and margin are past: each of its requests has arrived, or never will."""
    for repair in state.repairs:
        if repair.is_over:
            continue
        if not world.rules.lease_lasts_for_requests_in_flight:
            yield (
                say("the deadline of the repair's lease passes"),
                _changed(state, repair, repair._replace(is_over=True)),
            )
        elif not repair.unanswered:
            yield say("time passes: the repair's lease is over"), _changed(state, repair, None)


def _attempt(repair: Repair, world: World) -> tuple[int, int, int]:
    return repair.keys[0], repair.seen, _right(repair, world)


def _right(repair: Repair, world: World) -> int:
    """What this repair would have at the key that it looks at."""
    content = repair.seen_source
    if is_item(content) and key_of(content) == repair.keys[0]:
        return content
    if not world.rules.repair_leaves_tombstones:
        return NOTHING
    return destination.remains_of_delete(repair.phase, world)


def _is_right(found: int, repair: Repair, world: World) -> bool:
    """A tombstone that a plain delete finds is left to the sweep."""
    right = _right(repair, world)
    return found == right or (found == TOMBSTONE and right == NOTHING)


def _attempted(
    state: State, world: World, repair: Repair, attempt: tuple[int, int, int]
) -> State | None:
    key, seen, content = attempt
    if world.rules.repair_compares_and_sets:
        return destination.compare_and_set(state, key, seen, content, repair.phase)
    if is_item(content):
        return destination.insert_if_absent(state, key, content, repair.phase)
    return destination.put(state, key, content, repair.phase)


def _key_done(repair: Repair) -> Repair:
    keys = repair.keys[1:]
    step = READ_DESTINATION if keys else READ_AGAIN
    return repair._replace(keys=keys, seen=NOTHING, step=step)


def _can_vouch(repair: Repair, world: World) -> bool:
    is_current = repair.is_fresh or not world.rules.mark_has_version
    return is_current and not is_poison(repair.seen_source)


def _released(state: State, repair: Repair) -> State:
    """A request that was left unanswered may still arrive."""
    left = repair._replace(step=NO_MORE, is_over=True) if repair.unanswered else None
    return _changed(state, repair, left)


def _about_to(step: int, state: State) -> Iterator[Repair]:
    return (repair for repair in state.repairs if repair.step == step)


def _changed(state: State, old: Repair, new: Repair | None) -> State:
    rest = without(state.repairs, old)
    return state._replace(repairs=rest if new is None else (*rest, new))


STEPS = (
    take_repair_lease,
    read_source,
    read_destination,
    write_if_unchanged,
    give_up_on_repair,
    late_repair_arrives,
    read_source_again,
    mark_clean,
    repair_lease_ends_by_time,
)
