"""What must hold in every state."""

from collections.abc import Callable

from tests.model.closing import older_leases
from tests.model.state import TOMBSTONE, Phase, State, is_item, is_poison, key_of
from tests.model.trace import show_content
from tests.model.world import World, wanted

Invariant = Callable[[State, World], str | None]


def is_drained(state: State) -> bool:
    """Every record is applied, as far as the event source knows."""
    return all(
        shard.position == len(shard.records)
        and not any(batch.is_awaited for batch in shard.batches)
        for shard in state.shards
    )


def is_final(state: State) -> bool:
    """Nothing is left to do but what the application may still write."""
    return (
        state.phase == Phase.SYNCED
        and (is_drained(state) or state.is_given_up)
        and not state.workers
        and not state.repairs
        and not any(shard.batches for shard in state.shards)
        and all(
            not bits or is_poison(content)
            for bits, content in zip(state.dirty, state.source, strict=True)
        )
    )


def destination_equals_source(state: State, world: World) -> str | None:
    """Synced and drained: every destination key holds its transformed item, or is marked dirty."""
    if state.phase != Phase.SYNCED or state.is_given_up or not is_drained(state):
        return None
    for key, found in enumerate(state.destination):
        right = wanted(state, world, key)
        if found != right and not _is_marked(state, key):
            return f"key {key} holds {show_content(found)}, and should hold {show_content(right)}"
    return None


def what_can_not_be_migrated_is_dirty(state: State, world: World) -> str | None:
    if state.phase == Phase.SYNCED and is_drained(state) and not state.is_given_up:
        for bits, content in zip(state.dirty, state.source, strict=True):
            if is_poison(content) and not bits:
                return "an item that can not be migrated counts as clean"
    return None


def no_tombstone_is_left(state: State, world: World) -> str | None:
    """Whatever sync has still to do, or a stop has left undone."""
    if state.phase == Phase.SYNCED and TOMBSTONE in state.destination:
        return f"a tombstone stays at key {state.destination.index(TOMBSTONE)}"
    return None


def clean_up_comes_after_leases(state: State, world: World) -> str | None:
    if state.phase < Phase.SWEEPING:
        return None
    if any(not worker.is_over for worker in state.workers):
        return "deletes are plain while a copy lease lasts"
    if state.clean_up >= len(world.rules.clean_up) and older_leases(state):
        return "the sweep began while a lease from before lasts"
    return None


def nothing_forbidden_happened(state: State, world: World) -> str | None:
    """No write after synced under an old lease, no checkpoint that goes back, no second owner."""
    return state.breach or None


def _is_marked(state: State, key: int) -> bool:
    """Whether a dirty mark covers this destination key: by itself, or as its source item's key."""
    for bits, content in zip(state.dirty, state.source, strict=True):
        if bits >> key & 1 or (bits and is_item(content) and key_of(content) == key):
            return True
    return False


# What a user would find in the tables.
RESULTS = (
    destination_equals_source,
    what_can_not_be_migrated_is_dirty,
    no_tombstone_is_left,
)
INVARIANTS = (*RESULTS, clean_up_comes_after_leases, nothing_forbidden_happened)
