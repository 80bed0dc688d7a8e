"""Whether the protocol can always come to its end: every state has a way to a final one."""

from collections import defaultdict
from collections.abc import Iterator

from tests.model.exploring import identity, steps_in
from tests.model.invariants import is_final
from tests.model.state import State
from tests.model.world import World


def states_without_an_end(world: World) -> tuple[list[State], int]:
    """The reachable states from which no final state can be reached, and how many there are in
    all.
    """
    start = world.start()
    found: dict[State, int] = {identity(start, world): 0}
    states = [start]
    before: dict[int, list[int]] = defaultdict(list)
    for number, state in enumerate(states):
        for after in _successors(state, world):
            same = identity(after, world)
            if same not in found:
                found[same] = len(states)
                states.append(after)
            before[found[same]].append(number)
    finals = [number for number, state in enumerate(states) if is_final(state)]
    ends = set(finals)
    while finals:
        for number in before[finals.pop()]:
            if number not in ends:
                ends.add(number)
                finals.append(number)
    return [state for number, state in enumerate(states) if number not in ends], len(states)


def _successors(state: State, world: World) -> Iterator[State]:
    for step in steps_in(world.scenario):
        for _, after in step(state, world):
            yield after
