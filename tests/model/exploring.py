"""Every state that can be reached, once.

Breadth first: the first counterexample is a shortest one, and the same in every run.
"""

import gc
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.model import application, closing, copying, delivery, repairing, syncing
from tests.model.invariants import INVARIANTS, Invariant, is_final
from tests.model.state import Batch, Shard, State
from tests.model.trace import Saying, Step, show_state, text_of
from tests.model.world import Scenario, World

StepOfProtocol = Callable[[State, World], Iterator[Step]]
STEPS: tuple[StepOfProtocol, ...] = (
    *application.STEPS,
    *copying.STEPS,
    *delivery.STEPS,
    *syncing.STEPS,
    *closing.STEPS,
    *repairing.STEPS,
)


@dataclass(frozen=True, slots=True)
class Counterexample:
    """How the protocol comes to a state that must not be."""

    steps: list[str]
    last: State
    broken: str

    def __str__(self) -> str:
        lines = [f"{number:>2}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join([*lines, f"    {show_state(self.last)}", f"    => {self.broken}"])


@dataclass(slots=True)
class Explored:
    """How much was explored, and what was found."""

    states: int = 0
    transitions: int = 0
    final_states: int = 0
    seconds: float = 0.0
    steps_taken: set[str] = field(default_factory=set)
    counterexample: Counterexample | None = None


def steps_in(scenario: Scenario) -> tuple[StepOfProtocol, ...]:
    """The steps without those that can not be taken there: time saved, and no more."""
    left_out: set[StepOfProtocol] = set()
    if scenario.after_copy:
        left_out.update((*copying.STEPS, *closing.STEPS))
    if not (scenario.poison or scenario.lost_records):
        left_out.update(repairing.STEPS)
    return tuple(step for step in STEPS if step not in left_out)


def explore(
    world: World, invariants: Sequence[Invariant] = INVARIANTS, *, saves_memory: bool = False
) -> Explored:
    """Explores until nothing new is found, or an invariant is broken.

    To save memory states are remembered by a hash of 64 bits, without the way to them: with ten
    million states the chance that two share one is 3 in a million.
    """
    began = time.perf_counter()
    search = _Search(world, invariants, saves_memory)
    # Tuples of numbers make no circles: looking for them would take a third of the time.
    gc.disable()
    try:
        search.run()
    finally:
        gc.enable()
    search.result.states = len(search.came_from)
    search.result.seconds = time.perf_counter() - began
    return search.result


@dataclass(slots=True)
class _Search:
    world: World
    invariants: Sequence[Invariant]
    saves_memory: bool
    result: Explored = field(default_factory=Explored)
    came_from: dict[Hashable, tuple[Hashable, Saying] | None] = field(default_factory=dict)
    steps: tuple[StepOfProtocol, ...] = ()

    def run(self) -> None:
        self.steps = steps_in(self.world.scenario)
        start = self.world.start()
        layer = [(self._name(start), start)]
        self.came_from[layer[0][0]] = None
        while layer:
            following: list[tuple[Hashable, State]] = []
            for here, state in layer:
                self._expand(here, state, following)
                if self.result.counterexample is not None:
                    return
            layer = following

    def _expand(
        self, here: Hashable, state: State, following: list[tuple[Hashable, State]]
    ) -> None:
        came_from = self.came_from
        transitions = 0
        for step in self.steps:
            before = transitions
            for saying, after in step(state, self.world):
                transitions += 1
                there = self._name(after)
                if there not in came_from:
                    came_from[there] = None if self.saves_memory else (here, saying)
                    following.append((there, after))
                    if self._is_broken(there, after):
                        return
            if transitions > before:
                self.result.steps_taken.add(step.__name__)
        self.result.transitions += transitions
        if is_final(state):
            self.result.final_states += 1
        elif not transitions:
            self._found(here, state, "nothing can happen any more")

    def _name(self, state: State) -> Hashable:
        same = identity(state, self.world)
        return hash(same) if self.saves_memory else same

    def _is_broken(self, here: Hashable, state: State) -> bool:
        for invariant in self.invariants:
            broken = invariant(state, self.world)
            if broken:
                self._found(here, state, broken)
                return True
        return False

    def _found(self, here: Hashable, last: State, broken: str) -> None:
        steps = []
        while (origin := self.came_from[here]) is not None:
            here, saying = origin
            steps.append(text_of(saying))
        self.result.counterexample = Counterexample(steps[::-1], last, broken)


def identity(state: State, world: World) -> State:
    """The state without what can make no difference any more.

    Who of two workers is called which; records that are applied, unless the event source may go
    back to them.
    """
    if len(state.workers) == 1 and state.workers[0].name != 1:
        state = state._replace(workers=(state.workers[0]._replace(name=1),))
    elif len(state.workers) > 1:
        nameless = sorted(worker._replace(name=0) for worker in state.workers)
        state = state._replace(workers=tuple(nameless))
    if world.scenario.repeats or world.scenario.repeats_inside or world.scenario.new_mapping:
        return state
    if not any(shard.position for shard in state.shards):
        return state
    return state._replace(shards=tuple(_trimmed(shard, world) for shard in state.shards))


def _trimmed(shard: Shard, world: World) -> Shard:
    done = shard.position
    for batch in shard.batches:
        done = min(done, batch.first)
    finished = [(first, last) for first, last in shard.finished if first >= done]
    if world.rules.shard_has_position:
        applied = max((end for _, end in shard.finished), default=0)
        finished = [(done, applied)] if applied > done else []
    return Shard(
        shard.records[done:],
        shard.position - done,
        max(0, shard.furthest - done),
        tuple(_shifted(batch, done) for batch in shard.batches) if done else shard.batches,
        tuple((first - done, last - done) for first, last in finished),
    )


def _shifted(batch: Batch, done: int) -> Batch:
    lease = batch.lease - done if batch.has_lease else batch.lease
    return batch._replace(first=batch.first - done, last=batch.last - done, lease=lease)
