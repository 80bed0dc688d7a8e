"""What steps of several kinds read and write: dirty marks, and the invocations of sync."""

from collections.abc import Iterator

from tests.model.state import Batch, Shard, State, replaced, without
from tests.model.world import World


def mark_dirty(state: State, world: World, source_key: int, bits: int) -> State:
    """Adds destination keys to the mark; a repair under way may not remove it any more."""
    if world.rules.marks_add_up:
        bits |= state.dirty[source_key]
    repairs = tuple(
        repair._replace(is_fresh=False) if repair.source_key == source_key else repair
        for repair in state.repairs
    )
    return state._replace(dirty=replaced(state.dirty, source_key, bits), repairs=repairs)


def answered(state: State, number: int, position: int) -> State:
    """The event source hears that everything before this position is done."""
    return with_shard(state, number, state.shards[number]._replace(position=position))


def heard(state: State, world: World, number: int, position: int) -> State:
    """A part of the event source that was given up hears it, and may go on from there."""
    shard = state.shards[number]
    if not world.scenario.repeats or position in shard.heard:
        return state
    ends = tuple(sorted((*shard.heard, position)))
    return with_shard(state, number, shard._replace(heard=ends))


def first_unfinished(shard: Shard, record: int, world: World) -> int:
    """From this record on, the first that no finished batch is known to have applied.

    What is known is where finished batches began and ended; for the stronger protocol, up to which
    record the shard is applied.
    """
    if world.rules.shard_has_position:
        return max([record, *(end for _, end in shard.finished)])
    if world.rules.finished_stays_finished:
        ends = dict(shard.finished)
        while record in ends:
            record = ends[record]
    return record


def with_cut(shard: Shard, first: int, last: int, world: World) -> Shard:
    """Where the records from `first` to `last` end inside of a finished batch, what is left of it
    is a finished batch too: the next delivery begins there.
    """
    if not (world.rules.finished_is_cut and world.rules.finished_stays_finished):
        return shard
    ends = dict(shard.finished)
    while first in ends and ends[first] < last:
        first = ends[first]
    if ends.get(first, last) <= last:
        return shard
    return shard._replace(finished=tuple(sorted({*shard.finished, (last, ends[first])})))


def batches(state: State) -> Iterator[tuple[int, Batch]]:
    """Every invocation of sync, with the number of its shard."""
    for number, shard in enumerate(state.shards):
        for batch in shard.batches:
            yield number, batch


def named(state: State, number: int, batch: Batch) -> str:
    """How a trace calls a batch."""
    first, last = batch.first + 1, batch.last
    records = f"record {first}" if first == last else f"records {first} to {last}"
    return records if len(state.shards) == 1 else f"{'ab'[number]}'s {records}"


def changed(state: State, number: int, old: Batch, new: Batch | None) -> State:
    """With another state of this invocation, or without it."""
    shard = state.shards[number]
    rest = without(shard.batches, old)
    left = rest if new is None else (*rest, new)
    return with_shard(state, number, shard._replace(batches=left))


def with_shard(state: State, number: int, shard: Shard) -> State:
    return state._replace(shards=replaced(state.shards, number, shard))
