"""The event source: delivers a shard's records in order, a batch at a time, at least once.

It may give an invocation up for dead that is not, and deliver its records again, with another end,
while the first invocation goes on. What delivers may itself be given up for dead, and go on beside
its successor, which begins at a batch's end that it remembers. "If records are processed more than
once, they might be processed out of order", says its documentation: so a scenario may let it repeat
any of them.
"""

from collections.abc import Iterable, Iterator

from tests.model.effects import STUCK, bits_of, cannot_be_applied
from tests.model.ledger import answered, batches, changed, mark_dirty, named, with_shard
from tests.model.state import Batch, Shard, State
from tests.model.trace import Step, say
from tests.model.world import World


def deliver(state: State, world: World) -> Iterator[Step]:
    """The event source starts an invocation, which reads the phase, consistently."""
    if state.is_given_up:
        return
    for number, shard in enumerate(state.shards):
        if _has_room(shard, world) and not _is_busy(shard):
            for last in _ends(shard, world):
                batch = Batch(shard.position, last, state.phase)
                name = named(state, number, batch)
                furthest = max(shard.furthest, last)
                after = shard._replace(batches=(*shard.batches, batch), furthest=furthest)
                yield (
                    say("sync gets {records} and reads phase {phase}", name, state.phase),
                    with_shard(state, number, after),
                )


def give_up_for_dead(state: State, world: World) -> Iterator[Step]:
    """The event source will deliver these records again; the invocation may still be there."""
    for number, batch in batches(state):
        if not batch.is_awaited or not _has_room(state.shards[number], world):
            continue
        if batch.has_lease or world.scenario.late_starters:
            name = named(state, number, batch)
            yield (
                say("the event source gives sync of {records} up for dead", name),
                changed(state, number, batch, batch._replace(is_awaited=False)),
            )


def crash_without_lease(state: State, world: World) -> Iterator[Step]:
    """Nothing is left of an invocation that never took its lease."""
    for number, batch in batches(state):
        if not batch.has_lease:
            yield (
                say("sync of {records} crashes without a lease", named(state, number, batch)),
                changed(state, number, batch, None),
            )


def make_mapping_anew(state: State, world: World) -> Iterator[Step]:
    """When no invocation of the old one is left. What is finished is the old mapping's.

    It begins at any record that the stream still has: the older ones may be gone.
    """
    if not world.scenario.new_mapping:
        return
    for number, shard in enumerate(state.shards):
        if shard.batches and world.rules.new_mapping_waits:
            continue
        unheard = tuple(batch._replace(is_awaited=False) for batch in shard.batches)
        for position in range(shard.position):
            after = Shard(shard.records, position, position, unheard)
            if world.rules.shard_has_position:
                after = after._replace(finished=shard.finished)
            yield (
                say("a new mapping begins at record {n}", position + 1),
                with_shard(state, number, after),
            )


def repeat(state: State, world: World) -> Iterator[Step]:
    """A part of the event source that was given up goes on from where it stands, or a new one from
    where it had remembered to stand: a beginning, or the end of a batch that was answered.
    """
    if world.scenario.repeats:
        for number, shard in enumerate(state.shards):
            yield from _once_more(state, world, number, sorted({0, *shard.heard}))


def repeat_inside(state: State, world: World) -> Iterator[Step]:
    """Records that were answered for are delivered once more, and those after them are not."""
    if world.scenario.repeats_inside:
        for number, shard in enumerate(state.shards):
            yield from _once_more(state, world, number, range(shard.position))


def _once_more(
    state: State, world: World, number: int, beginnings: Iterable[int]
) -> Iterator[Step]:
    shard = state.shards[number]
    if _has_room(shard, world):
        for first in beginnings:
            end = min(len(shard.records), first + world.scenario.records_per_batch)
            for last in range(first + 1, end + 1):
                batch = Batch(first, last, state.phase, is_awaited=False)
                yield (
                    say("sync gets {records} once more", named(state, number, batch)),
                    with_shard(state, number, shard._replace(batches=(*shard.batches, batch))),
                )


def drop_rest_of_batch(state: State, world: World) -> Iterator[Step]:
    """Where sync leaves poison to the event source: the attempts end, and it passes the batch over.

    What came before the poison record is applied. The record itself is found at the on-failure
    destination, and its key marked dirty.
    """
    for number, batch in batches(state):
        if not batch.is_awaited or [target for target, _ in batch.todo] != [STUCK]:
            continue
        records = state.shards[number].records[batch.first : batch.last]
        bad = next(record for record in records if cannot_be_applied(record))
        after = answered(changed(state, number, batch, None), number, batch.last)
        name = named(state, number, batch)
        yield (
            say("the event source's attempts end: it passes over {records}", name),
            mark_dirty(after, world, bad.source_key, bits_of(bad)),
        )


def lose_record(state: State, world: World) -> Iterator[Step]:
    """The event source passes a record over; it is found at the on-failure destination."""
    if not world.scenario.lost_records or state.faults == world.scenario.faults:
        return
    for number, shard in enumerate(state.shards):
        if shard.position == len(shard.records) or shard.batches:
            continue
        key, position = shard.records[shard.position].source_key, shard.position + 1
        after = answered(state, number, position)._replace(faults=state.faults + 1)
        yield (
            say("record {n} of {source} is lost, and {source} marked dirty", position, key, key),
            mark_dirty(after, world, key, bits_of(shard.records[shard.position])),
        )


def _has_room(shard: Shard, world: World) -> bool:
    there = sum(not batch.has_ended for batch in shard.batches)
    return there < world.scenario.invocations


def _ends(shard: Shard, world: World) -> range:
    """Where the next batch may end: not before it ended when it was delivered already."""
    shortest = shard.position + 1
    if not world.scenario.shrinks:
        shortest = max(shortest, shard.furthest)
    longest = min(len(shard.records), shard.position + world.scenario.records_per_batch)
    return range(shortest, longest + 1)


def _is_busy(shard: Shard) -> bool:
    """Whether the event source waits for an answer before it goes on with this shard."""
    return any(batch.is_awaited for batch in shard.batches)


STEPS = (
    deliver,
    give_up_for_dead,
    crash_without_lease,
    make_mapping_anew,
    repeat,
    repeat_inside,
    drop_rest_of_batch,
    lose_record,
)
