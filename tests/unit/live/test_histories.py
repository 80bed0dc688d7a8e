"""Random histories against the real code: the destination always ends as the transformed source.

A history is a list of small numbers; each chooses among what may happen next: an application's
write, the start of an invocation, one request of one that runs, its death, a write that gets no
answer and arrives much later, a poller that gives up or goes back, time that passes, a phase. What
is left then happens in order. Hypothesis prints the seed and shrinks what fails.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tableferry.errors import LeaseExpiredError, NotOwnerError, RequestRefusedError
from tableferry.model import Phase
from tableferry.transform import Transform
from tests.fakes import Faults
from tests.unit.live.actors import (
    WRITES,
    Actor,
    Flight,
    InlineExecutor,
    Ledger,
    Line,
)
from tests.unit.live.live_world import MARGIN_SECONDS, LiveWorld, row
from tests.worlds import KilledError

KEYS = {"pk": "S", "place": "S"}
STEPS: list[dict[str, Any]] = [
    {"filter": "{% $not($exists(hidden)) %}"},
    {"cast": {"attribute": "poison", "to": "N"}},
]
# Compiled here once: jsonata raises the recursion limit at its import, which Hypothesis minds.
Transform.compile(STEPS)
EXAMPLES = int(os.environ.get("TABLEFERRY_HISTORIES", "150"))
MOST_ACTORS = 4
ODD: tuple[dict[str, Any], ...] = ({"hidden": True}, {"poison": "no number"})
Action = Callable[[], Any]


class History:
    """What happened so far, and what may happen next."""

    def __init__(self, *, there: int, shards: int, writes: int, faults: Faults) -> None:
        self.most_writes = writes
        items = [row(each, place="x", n=0) for each in "ab"[:there]]
        self.world = LiveWorld(items, segments=1, shards=shards, steps=STEPS, destination_keys=KEYS)
        self.world.dynamo.faults = faults
        self.actors: list[Actor] = []
        self.flights: list[Flight] = []
        self.frozen: list[Actor] = []
        self.awaited: dict[int, Actor] = {}
        self.copied: set[int] = set()
        self.is_sweep_open = False
        self.swept: set[int] = set()
        self.writes = 0

    # --- what may happen ---

    def choices(self, number: int) -> list[Action]:
        """In an order that depends on the history alone; now and then something goes wrong."""
        if number % 8 == 7 and (mishaps := self._mishaps()):
            return mishaps
        found: list[Action] = []
        for actor in self._running():
            if actor in self.frozen:
                found.append(partial(self.frozen.remove, actor))
            else:
                found += [actor.step, *[partial(self._go_on, actor)] * 4]
                found += [partial(self.frozen.append, actor)] * 2
        found += self._writing() + self._starting() + self._phases()
        return found or [lambda: self._pass_time(500.0)]

    def _mishaps(self) -> list[Action]:
        found: list[Action] = [actor.kill for actor in self._running()[:1]]
        for actor in self._running():
            if actor.at.removeprefix("in flight: ") in WRITES:
                found += [partial(self._lose_answer, actor)] * 2
        for flight in self.flights:
            found += [partial(self._arrive, flight)] * 2
        for shard in self.awaited:
            found += [partial(self.awaited.pop, shard)] * 2
        if len(self._running()) < MOST_ACTORS:
            found += self._delivering_again()
        return [*found, lambda: self._pass_time(500.0)] if found else []

    def _delivering_again(self) -> list[Action]:
        """Another one that delivers, or the same that went back, from where one of them stood."""
        return [
            partial(self._start_sync, poller.shard, most, position)
            for poller in self.world.pollers
            for position in sorted(poller.heard)
            for most in (1, 2)
            if poller.batch(most, position)
        ]

    def _writing(self) -> list[Action]:
        # Later writes mend what earlier ones broke: few show more than many.
        if self.writes == self.most_writes:
            return []
        return [
            self._putting("a", "x"),
            self._deleting("a"),
            self._putting("a", "y"),
            self._putting("b", "x"),
            self._deleting("b"),
            # Seldom: one of the two, by turns.
            self._putting("ab"[self.writes % 2], "y", **ODD[self.writes % len(ODD)]),
        ]

    def _putting(self, pk: str, place: str, **more: Any) -> Action:
        def put() -> None:
            self.writes += 1
            self.world.put(pk, place=place, n=self.writes, **more)

        return put

    def _deleting(self, pk: str) -> Action:
        def delete() -> None:
            self.writes += 1
            self.world.delete(pk)

        return delete

    def _starting(self) -> list[Action]:
        if len(self._running()) >= MOST_ACTORS:
            return []
        found: list[Action] = [] if self.copied else [lambda: self._start_copy(0)]
        for poller in self.world.pollers:
            if poller.shard not in self.awaited and not poller.is_at_end:
                found += [partial(self._start_sync, poller.shard, most) for most in (1, 2, 1000)]
        if self.is_sweep_open and not self.swept:
            found += [lambda: self._start_sweep(0)]
        return found

    def _phases(self) -> list[Action]:
        """What the state machine does next, when it may."""
        phase = self.world.phase
        if phase.order <= Phase.CLOSING.order:
            return [self.world.clean_up] if self.copied else []
        if self.swept:
            return [self.world.finish_sweep]
        return [] if self.is_sweep_open else [self._open_sweep]

    # --- what happens ---

    def _running(self) -> list[Actor]:
        return [actor for actor in self.actors if not actor.is_over]

    def _go_on(self, actor: Actor) -> None:
        """To its next write: what it read before may be old by then."""
        actor.step()
        while not actor.is_over and actor.at.removeprefix("in flight: ") not in WRITES:
            actor.step()

    def _lose_answer(self, actor: Actor) -> None:
        actor.loses_answer = True
        actor.step()

    def _arrive(self, flight: Flight) -> None:
        """Whatever it does: nobody hears of it."""
        self.flights.remove(flight)
        if self.world.clock.now() <= flight.signed_at + MARGIN_SECONDS:
            with suppress(Exception):
                self.world.dynamo.call(flight.operation, flight.body)

    def _pass_time(self, seconds: float) -> None:
        self.world.clock.sleep(seconds)
        now = self.world.clock.now()
        self.flights = [each for each in self.flights if now <= each.signed_at + MARGIN_SECONDS]

    def _start(self, invoke: Callable[..., Any], ended: Callable[[Any], None], log: Any) -> Actor:
        def work(hook: Any) -> Any:
            line = Line(self.world, lambda: actor, self.flights)
            result = invoke(client=line, log=Ledger(log, lambda: actor))
            ended(result)
            return result

        actor = Actor(work)
        self.actors.append(actor)
        return actor

    def _start_copy(self, segment: int) -> None:
        def ended(done: bool) -> None:
            if done:
                self.copied.add(segment)

        self._start(lambda **ports: self.world.copy(segment, **ports), ended, self.world.ledger)

    def _start_sweep(self, segment: int) -> None:
        def ended(done: bool) -> None:
            if done:
                self.swept.add(segment)

        self._start(lambda **ports: self.world.sweep(segment, **ports), ended, self.world.ledger)

    def _start_sync(self, shard: int, most: int, position: int | None = None) -> None:
        """At a position of before nobody waits for it but one that delivers and was given up."""
        poller = self.world.pollers[shard]
        batch = poller.batch(most, position)

        def ended(applied: Any) -> None:
            if self.awaited.get(shard) is actor:
                del self.awaited[shard]
                if applied is not None:
                    poller.done(batch)
            elif applied is not None:
                poller.overheard(batch)

        actor = self._start(lambda **ports: self.world.sync(batch, **ports), ended, self.world.log)
        if position is None:
            self.awaited[shard] = actor

    def _open_sweep(self) -> None:
        self.is_sweep_open = self.world.open_sweep()

    # --- the end ---

    def finish(self) -> None:
        """All invocations end, all answers that are under way arrive, and the rest is done."""
        for actor in self._running():
            while not actor.is_over:
                actor.step()
            require_known(actor)
        for flight in list(self.flights):
            self._arrive(flight)
        self.world.dynamo.faults = Faults()
        self.world.finish()


def require_known(actor: Actor) -> None:
    """An invocation may be refused, or find its time over; nothing else goes wrong."""
    known = (KilledError, NotOwnerError, LeaseExpiredError, RequestRefusedError)
    if actor.error is not None and not isinstance(actor.error, known):
        raise actor.error


@pytest.fixture(autouse=True, scope="module")
def one_thread_an_invocation() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tableferry.live.syncing.ThreadPoolExecutor", InlineExecutor)
        patch.setattr("tableferry.segments.working.ThreadPoolExecutor", InlineExecutor)
        yield


def play(numbers: list[int], *, there: int, shards: int, writes: int, faults: Faults) -> History:
    history = History(there=there, shards=shards, writes=writes, faults=faults)
    for number in numbers:
        choices = history.choices(number)
        choices[number // 8 % len(choices)]()
        for actor in history.actors:
            if actor.is_over:
                require_known(actor)
    history.finish()
    return history


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(
    numbers=st.lists(st.integers(0, 799), max_size=80),
    there=st.integers(0, 2),
    shards=st.integers(1, 2),
    writes=st.integers(1, 6),
    seed=st.integers(0, 1000),
    rate=st.sampled_from([0.0, 0.0, 0.1]),
)
def test_every_history_ends_equal(
    numbers: list[int], there: int, shards: int, writes: int, seed: int, rate: float
) -> None:
    faults = Faults(seed, rate, total=20)
    world = play(numbers, there=there, shards=shards, writes=writes, faults=faults).world
    assert world.is_equal(), (world.destination.items, world.source.items)
    assert not world.tombstones()
    poisoned = [item for item in world.source.items.values() if "poison" in item]
    dirty = [each.source_key for each in world.log.dirty("prefs-v2")]
    assert all({"pk": item["pk"]} in dirty or _was_there(item) for item in poisoned)


def _was_there(item: dict[str, Any]) -> bool:
    """Items of before have no poison."""
    return item["n"]["N"] == "0"
