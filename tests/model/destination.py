"""Writes as the destination sees them."""

from tests.model.state import NOTHING, TOMBSTONE, Phase, State, replaced
from tests.model.world import World, leaves_tombstones


def put(state: State, key: int, content: int, phase: int) -> State:
    """The key holds this from now on; `phase` is the one that the writer's lease counts on."""
    if state.phase == Phase.SYNCED and leaves_tombstones(phase):
        state = state._replace(breach="a write after synced, under a lease from before the sweep")
    return state._replace(destination=replaced(state.destination, key, content))


def insert_if_absent(state: State, key: int, content: int, phase: int) -> State:
    """A tombstone is something too."""
    return put(state, key, content, phase) if state.destination[key] == NOTHING else state


def compare_and_set(state: State, key: int, seen: int, content: int, phase: int) -> State | None:
    """None where the key does not hold what was seen."""
    return put(state, key, content, phase) if state.destination[key] == seen else None


def remains_of_delete(phase: int, world: World) -> int:
    """What a delete leaves at its key, by the phase that it counts on."""
    if world.rules.deletes_leave_tombstones and leaves_tombstones(phase):
        return TOMBSTONE
    return NOTHING
