"""The copy worker: lease, scan page, insert-if-absent, checkpoint. One segment, one item a page.

An invocation may stop for ever after any step: a crash, a kill, a freeze. Nobody can tell which,
so nothing but time ends its lease, and until then it may wake and go on. A request reaches the
table in the step that is named after it; that it was sent before, nobody sees.
"""

from collections.abc import Iterator
from itertools import count

from tests.model import destination
from tests.model.state import (
    ENDED,
    UNREAD,
    WRITTEN,
    Phase,
    State,
    Worker,
    is_item,
    key_of,
    without,
)
from tests.model.trace import Saying, Step, say
from tests.model.world import World


def take_copy_lease(state: State, world: World) -> Iterator[Step]:
    """In one conditional write with phase, owner and stop flag, together with the segment.

    A worker that saw the segment unfinished may come late, when it is done.
    """
    if state.phase != Phase.COPYING or state.is_paused:
        return
    if world.rules.capture_comes_first and not state.is_captured:
        return
    if sum(worker.page != ENDED for worker in state.workers) == world.scenario.workers:
        return
    taken_names = {worker.name for worker in state.workers}
    name = next(number for number in count(1) if number not in taken_names)
    page = min(state.checkpoint, len(state.source) - 1)
    others = [worker._replace(is_holder=False) for worker in state.workers]
    for execution in range(1, state.owner + 1):
        if world.rules.lease_counts_on_owner and execution != state.owner:
            continue
        taken = Worker(name, page, UNREAD, True, execution)
        after = state._replace(workers=(*others, taken))
        if execution != state.owner:
            after = after._replace(breach="a lease for an execution that lost the migration")
        yield _said_of_lease(name, execution, world), after


def read_page(state: State, world: World) -> Iterator[Step]:
    """Strongly consistent. What can not be transformed goes to quarantine."""
    for worker in state.workers:
        if worker.held == UNREAD and worker.page != ENDED:
            content = state.source[worker.page]
            held = content if is_item(content) else WRITTEN
            after = _changed(state, worker, worker._replace(held=held))
            if not world.rules.checkpoint_comes_last:
                after = after._replace(checkpoint=max(state.checkpoint, worker.page + 1))
            saying = say("worker {name} reads {source}: {image}", worker.name, worker.page, content)
            yield saying, after


def insert_if_absent(state: State, world: World) -> Iterator[Step]:
    for worker in state.workers:
        if is_item(worker.held):
            after = _inserted(state, world, worker.held)
            yield (
                say("worker {name}'s insert of {image} arrives", worker.name, worker.held),
                _changed(after, worker, worker._replace(held=WRITTEN)),
            )


def give_up_on_insert(state: State, world: World) -> Iterator[Step]:
    """No answer came in time: the worker tries again, and the first attempt may still arrive."""
    if "copy" not in world.scenario.lost_answers or state.faults == world.scenario.faults:
        return
    for worker in state.workers:
        if is_item(worker.held):
            waiting = worker._replace(unanswered=(*worker.unanswered, worker.held))
            yield (
                say(
                    "worker {name} gets no answer to its insert of {image}, and will try again",
                    worker.name,
                    worker.held,
                ),
                _changed(state, worker, waiting)._replace(faults=state.faults + 1),
            )


def late_insert_arrives(state: State, world: World) -> Iterator[Step]:
    """Or is lost for good."""
    for worker in state.workers:
        for number, held in enumerate(worker.unanswered):
            left = worker.unanswered[:number] + worker.unanswered[number + 1 :]
            rest = worker._replace(unanswered=left)
            kept = None if rest.page == ENDED and rest.is_over and not left else rest
            sentence = "worker {name}'s unanswered insert of {image} "
            yield (
                say(sentence + "arrives", worker.name, held),
                _changed(_inserted(state, world, held), worker, kept),
            )
            yield say(sentence + "is lost", worker.name, held), _changed(state, worker, kept)


def write_checkpoint(state: State, world: World) -> Iterator[Step]:
    """After the writes that it vouches for, by the worker that still holds the segment.

    With the last page's checkpoint the invocation ends. That it may end later is left out: a lease
    that lasts longer makes others wait, and no more.
    """
    for worker in state.workers:
        if worker.held != WRITTEN:
            continue
        if world.rules.checkpoint_needs_hold and not worker.is_holder:
            yield (
                say("worker {name} lost the segment, and ends", worker.name),
                _ended(state, world, worker),
            )
            continue
        page = worker.page + 1
        after = state._replace(checkpoint=page)
        if page < state.checkpoint:
            after = after._replace(breach="a checkpoint went back")
        saying = say("worker {name} writes checkpoint {page}", worker.name, page)
        if page == len(state.source):
            yield saying, _ended(after, world, worker)
        else:
            yield saying, _changed(after, worker, worker._replace(page=page, held=UNREAD))


def hand_back(state: State, world: World) -> Iterator[Step]:
    """A paused worker hands back between two pages; the next one goes on from the checkpoint."""
    for worker in state.workers:
        if state.is_paused and worker.held == UNREAD and worker.page != ENDED:
            yield say("worker {name} hands back", worker.name), _ended(state, world, worker)


def copy_lease_ends_by_time(state: State, world: World) -> Iterator[Step]:
    """Deadline and margin are past: each of its requests has arrived, or never will.

    The worker signs nothing any more, so there is nothing more to know of it.
    """
    for worker in state.workers:
        if not world.rules.lease_lasts_for_requests_in_flight:
            if not worker.is_over:
                yield (
                    say("the deadline of worker {name}'s lease passes", worker.name),
                    _changed(state, worker, worker._replace(is_over=True)),
                )
        elif not worker.unanswered:
            yield (
                say("time passes: worker {name}'s lease is over", worker.name),
                _changed(state, worker, None),
            )


def pause(state: State, world: World) -> Iterator[Step]:
    """And resume: only a stop flag is written or removed."""
    if world.scenario.pauses and state.phase == Phase.COPYING:
        verb = "resumes" if state.is_paused else "pauses"
        after = state._replace(is_paused=not state.is_paused)
        yield say("an operator {verb} the migration", verb), after


def take_over(state: State, world: World) -> Iterator[Step]:
    """A new execution continues the migration; only its workers get leases from now on."""
    if world.scenario.take_over and state.owner == 1:
        yield say("execution 2 takes the migration over"), state._replace(owner=2)


def _said_of_lease(name: int, execution: int, world: World) -> Saying:
    if world.scenario.take_over:
        return say(
            "worker {name} of execution {n} takes a copy lease with the segment", name, execution
        )
    return say("worker {name} takes a copy lease with the segment", name)


def _inserted(state: State, world: World, content: int) -> State:
    if world.rules.copy_never_overwrites:
        return destination.insert_if_absent(state, key_of(content), content, Phase.COPYING)
    return destination.put(state, key_of(content), content, Phase.COPYING)


def _ended(state: State, world: World, worker: Worker) -> State:
    """Releases the lease, but not while a request is unanswered that may still arrive."""
    if not worker.unanswered:
        return _changed(state, worker, None)
    is_over = worker.is_over or not world.rules.unanswered_keeps_lease
    left = worker._replace(page=ENDED, held=UNREAD, is_holder=False, is_over=is_over)
    return _changed(state, worker, left)


def _changed(state: State, old: Worker, new: Worker | None) -> State:
    rest = without(state.workers, old)
    return state._replace(workers=rest if new is None else (*rest, new))


STEPS = (
    take_copy_lease,
    read_page,
    insert_if_absent,
    give_up_on_insert,
    late_insert_arrives,
    write_checkpoint,
    hand_back,
    copy_lease_ends_by_time,
    pause,
    take_over,
)
