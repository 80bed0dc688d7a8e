"""Clean-up: close, wait for copy leases, flip, wait for older leases, sweep, be synced.

Each step runs once, in the order of `Rules.clean_up`; a mutation changes the order or leaves one
out. Waiting looks at the leases in a step of its own, before the one that follows from it.
"""

from collections.abc import Iterator

from tests.model import destination
from tests.model.ledger import batches
from tests.model.state import NOTHING, TOMBSTONE, Phase, State
from tests.model.trace import Step, say
from tests.model.world import World, leaves_tombstones


def close(state: State, world: World) -> Iterator[Step]:
    """From here on nobody gets a copy lease; deletes still leave tombstones."""
    if _is_next("close", state, world):
        yield say("phase closing"), _step_taken(state)._replace(phase=Phase.CLOSING)


def see_copy_leases_over(state: State, world: World) -> Iterator[Step]:
    is_next = _is_next("see copy leases over", state, world)
    if is_next and all(worker.is_over for worker in state.workers):
        yield say("every copy lease is over"), _step_taken(state)


def begin_sweep(state: State, world: World) -> Iterator[Step]:
    """From here on deletes are plain."""
    if _is_next("begin sweep", state, world):
        yield say("phase sweeping"), _step_taken(state)._replace(phase=Phase.SWEEPING)


def see_older_leases_over(state: State, world: World) -> Iterator[Step]:
    """Those of sync and repair that count on a phase in which deletes leave tombstones."""
    if _is_next("see older leases over", state, world) and not older_leases(state):
        yield say("every lease from before the sweep is over"), _step_taken(state)


def sweep(state: State, world: World) -> Iterator[Step]:
    """Removes the tombstone at the next key, if it still is one."""
    key = state.clean_up - len(world.rules.clean_up)
    if not 0 <= key < len(state.destination):
        return
    after = _step_taken(state)
    if state.destination[key] == TOMBSTONE:
        after = destination.put(after, key, NOTHING, state.phase)
        yield say("the sweep removes the tombstone at key {key}", key), after
    else:
        yield say("the sweep finds no tombstone at key {key}", key), after


def end_sweep(state: State, world: World) -> Iterator[Step]:
    if state.clean_up == len(world.rules.clean_up) + len(state.destination):
        yield say("phase synced"), _step_taken(state)._replace(phase=Phase.SYNCED)


def give_up(state: State, world: World) -> Iterator[Step]:
    """`stop`: sync ends, and the clean-up begins whatever was copied."""
    if world.scenario.gives_up and not state.is_given_up and state.phase == Phase.COPYING:
        yield say("an operator stops the migration"), state._replace(is_given_up=True)


def older_leases(state: State) -> int:
    """How many leases of sync and repair last that count on a phase from before the sweep."""
    found = sum(
        batch.has_lease and not batch.is_over and leaves_tombstones(batch.phase)
        for _, batch in batches(state)
    )
    return found + sum(
        not repair.is_over and leaves_tombstones(repair.phase) for repair in state.repairs
    )


def _is_next(step: str, state: State, world: World) -> bool:
    if state.checkpoint < len(state.source) and not state.is_given_up:
        return False
    order = world.rules.clean_up
    return state.clean_up < len(order) and order[state.clean_up] == step


def _step_taken(state: State) -> State:
    return state._replace(clean_up=state.clean_up + 1)


STEPS = (
    close,
    see_copy_leases_over,
    begin_sweep,
    see_older_leases_over,
    sweep,
    end_sweep,
    give_up,
)
