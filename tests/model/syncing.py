"""The sync function: phase, lease, each mentioned destination key, release, answer.

As for copy workers, stopping for ever after any step is always possible and needs no step.
"""

from collections.abc import Iterator

from tests.model import destination
from tests.model.effects import MARK, STUCK, effects, mentions
from tests.model.ledger import (
    answered,
    batches,
    changed,
    first_unfinished,
    heard,
    mark_dirty,
    named,
    with_cut,
    with_shard,
)
from tests.model.state import NOTHING, Batch, Shard, State, without
from tests.model.trace import Saying, Step, say
from tests.model.world import Rules, World, leaves_tombstones


def read_phase_again(state: State, world: World) -> Iterator[Step]:
    """The phase changed before the lease was taken."""
    if not world.rules.lease_counts_on_phase:
        return
    for number, batch in batches(state):
        if not batch.has_lease and batch.phase != state.phase:
            name = named(state, number, batch)
            yield (
                say("sync of {records} reads phase {phase}", name, state.phase),
                changed(state, number, batch, batch._replace(phase=state.phase)),
            )


def take_sync_lease(state: State, world: World) -> Iterator[Step]:
    """In one conditional write with the phase that was read.

    Its name is the first record that is not finished: whoever has the same to do waits until this
    lease is over.
    """
    rules = world.rules
    for number, batch in batches(state):
        if batch.has_lease or (rules.lease_counts_on_phase and batch.phase != state.phase):
            continue
        shard = state.shards[number]
        name = named(state, number, batch)
        lease = first_unfinished(shard, batch.first, world)
        if lease >= batch.last:
            cut = with_shard(state, number, with_cut(shard, batch.first, batch.last, world))
            after = changed(cut, number, batch, None)
            after = heard(after, world, number, batch.last)
            if batch.is_awaited:
                after = answered(after, number, batch.last)
            yield say("sync of {records} finds them finished", name), after
        elif not (rules.redelivery_waits and _is_taken(shard, lease, rules)):
            todo = effects(shard.records[lease : batch.last], rules)
            yield (
                say("sync of {records} takes a lease that counts on {phase}", name, batch.phase),
                changed(state, number, batch, batch._replace(lease=lease, todo=todo)),
            )


def apply(state: State, world: World) -> Iterator[Step]:
    """Puts the new image; leaves a tombstone, or deletes, by the phase; marks a key dirty."""
    for number, batch in batches(state):
        for each in batch.todo:
            if each[0] != STUCK:
                rest = batch._replace(todo=without(batch.todo, each))
                after = changed(state, number, batch, rest)
                saying = _said_of(named(state, number, batch), batch, each)
                yield saying, _applied(after, world, batch, each)


def give_up_on_write(state: State, world: World) -> Iterator[Step]:
    """No answer came in time: sync tries again, and the first attempt may still arrive."""
    if "sync" not in world.scenario.lost_answers or state.faults == world.scenario.faults:
        return
    for number, batch in batches(state):
        for each in batch.todo:
            if each[0] < STUCK:
                name = named(state, number, batch)
                waiting = batch._replace(unanswered=(*batch.unanswered, each))
                yield (
                    say(
                        "sync of {records} gets no answer to its write at key {key}, "
                        "and will try again",
                        name,
                        each[0],
                    ),
                    changed(state, number, batch, waiting)._replace(faults=state.faults + 1),
                )


def late_write_arrives(state: State, world: World) -> Iterator[Step]:
    """Or is lost for good."""
    for number, batch in batches(state):
        for each in batch.unanswered:
            rest = batch._replace(unanswered=without(batch.unanswered, each))
            is_gone = rest.has_ended and rest.is_over and not rest.unanswered
            after = changed(state, number, batch, None if is_gone else rest)
            sentence = "the unanswered write at key {key} of sync of {records} "
            name = named(state, number, batch)
            yield say(sentence + "arrives", each[0], name), _applied(after, world, batch, each)
            yield say(sentence + "is lost", each[0], name), after


def finish_batch(state: State, world: World) -> Iterator[Step]:
    """Remembers what is applied and releases the lease, in one write; then answers.

    The event source may not hear the answer. With a request unanswered that may still arrive,
    nothing is finished: the batch is to be delivered again.
    """
    for number, batch in batches(state):
        if not batch.has_lease or batch.todo or batch.has_ended:
            continue
        name = named(state, number, batch)
        if batch.unanswered and world.rules.unanswered_keeps_lease:
            kept = batch._replace(is_awaited=False, has_ended=True)
            saying = say("sync of {records} ends, and keeps its lease", name)
            yield saying, changed(state, number, batch, kept)
            continue
        after = heard(_ended(state, world, number, batch, batch.last), world, number, batch.last)
        if batch.is_awaited:
            yield say("sync finishes {records}", name), answered(after, number, batch.last)
        if not batch.is_awaited or world.scenario.invocations > 1:
            yield say("sync finishes {records}, which nobody hears", name), after


def report_first_failure(state: State, world: World) -> Iterator[Step]:
    """What comes before the first record that is not applied is done; the rest comes again."""
    if not world.scenario.partial_failures:
        return
    for number, batch in batches(state):
        if not (batch.has_lease and batch.is_awaited and batch.todo) or batch.unanswered:
            continue
        records = state.shards[number].records
        left = {target for target, _ in batch.todo}
        failed = next(
            record
            for record in range(batch.lease, batch.last)
            if left & mentions(records[record], world.rules)
        )
        name = named(state, number, batch)
        yield (
            say("sync of {records} reports its first failure, record {n}", name, failed + 1),
            answered(
                heard(_ended(state, world, number, batch, failed), world, number, failed),
                number,
                failed,
            ),
        )


def sync_lease_ends_by_time(state: State, world: World) -> Iterator[Step]:
    """Deadline and margin are past: each of its requests has arrived, or never will."""
    for number, batch in batches(state):
        if not batch.has_lease or batch.is_over:
            continue
        name = named(state, number, batch)
        if not world.rules.lease_lasts_for_requests_in_flight:
            yield (
                say("the deadline of the lease of sync of {records} passes", name),
                changed(state, number, batch, batch._replace(is_over=True)),
            )
        elif not batch.unanswered:
            yield (
                say("time passes: the lease of sync of {records} is over", name),
                changed(state, number, batch, None),
            )


def _is_taken(shard: Shard, lease: int, rules: Rules) -> bool:
    """Whether another invocation has the lease of this name, or of this shard."""
    return any(
        batch.has_lease and not batch.is_over and (rules.shard_has_position or batch.lease == lease)
        for batch in shard.batches
    )


def _applied(state: State, world: World, batch: Batch, what: tuple[int, int]) -> State:
    target, content = what
    if target >= MARK:
        return mark_dirty(state, world, target - MARK, content)
    if content == NOTHING:
        content = destination.remains_of_delete(batch.phase, world)
    return destination.put(state, target, content, batch.phase)


def _ended(state: State, world: World, number: int, batch: Batch, end: int) -> State:
    """Without its lease; the records from the one that named it up to `end` are finished."""
    shard = state.shards[number]
    if end > batch.lease:
        shard = shard._replace(finished=tuple(sorted({*shard.finished, (batch.lease, end)})))
    left = without(shard.batches, batch)
    if batch.unanswered:
        left = (*left, batch._replace(todo=(), is_awaited=False, is_over=True, has_ended=True))
    left = tuple(each for each in left if _can_matter(each, shard, world))
    return with_shard(state, number, shard._replace(batches=left))


def _can_matter(batch: Batch, shard: Shard, world: World) -> bool:
    """False for an invocation given up for dead that would find everything finished."""
    if batch.is_awaited or batch.has_lease:
        return True
    return first_unfinished(shard, batch.first, world) < batch.last


def _said_of(name: str, batch: Batch, what: tuple[int, int]) -> Saying:
    target, content = what
    if target >= MARK:
        return say("sync of {records} marks {source} dirty", name, target - MARK)
    if content == NOTHING:
        verb = "leaves a tombstone" if leaves_tombstones(batch.phase) else "deletes"
        return say("sync of {records} {verb} at key {key}", name, verb, target)
    return say("sync of {records} puts {content} at key {key}", name, content, target)


STEPS = (
    read_phase_again,
    take_sync_lease,
    apply,
    give_up_on_write,
    late_write_arrives,
    finish_batch,
    report_first_failure,
    sync_lease_ends_by_time,
)
