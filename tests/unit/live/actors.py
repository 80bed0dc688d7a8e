"""Invocations that stop wherever a test wants them to, are killed there, or go on much later."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from tableferry.deadline import Deadline
from tableferry.segments.working import Hook
from tests.fakes import lost_answer, refusal
from tests.unit.live.live_world import INVOCATION_SECONDS, MARGIN_SECONDS, LiveWorld
from tests.worlds import KilledError

WRITES = frozenset({"BatchWriteItem", "BatchExecuteStatement", "PutItem", "DeleteItem"})
# Nothing in a test lasts: who waits longer waits for ever.
PATIENCE = 30.0


class Actor:
    """A thread that runs `work` from stop to stop; `at` is the moment where it stands.

    Only one of all actors runs at a time: each step returns when the actor stands again, or is
    over.
    """

    def __init__(self, work: Callable[[Hook], Any]) -> None:
        self.at = ""
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_over = self.is_dead = False
        self.loses_answer = False
        self._go, self._stands = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Hook], Any]) -> None:
        self._go.acquire()
        try:
            self.result = work(self.stand)
        except BaseException as error:
            self.error = error
        self.is_over = True
        self._stands.release()

    def stand(self, moment: str, **facts: Any) -> None:
        """The hook: stops here until the next step; a dead one asks for nothing any more."""
        if self.is_dead:
            raise KilledError
        self.at = moment
        self._stands.release()
        self._go.acquire()
        if self.is_dead:
            raise KilledError

    def step(self) -> None:
        """Goes on to the next stop."""
        assert not self.is_over
        self._go.release()
        assert self._stands.acquire(timeout=PATIENCE), f"hangs after {self.at}"

    def until(self, moment: str) -> bool:
        """Goes on until it stands at this moment; False when it came to its end instead."""
        while not self.is_over:
            self.step()
            if not self.is_over and self.at == moment:
                return True
        return False

    def finish(self) -> Any:
        """Goes on to its end; its result, or raises its error."""
        while not self.is_over:
            self.step()
        if self.error is not None:
            raise self.error
        return self.result

    def kill(self) -> None:
        self.is_dead = True
        while not self.is_over:
            self.step()
        assert isinstance(self.error, KilledError), self.error


@dataclass
class Flight:
    """A write that got no answer, and may arrive as long as its signature holds."""

    signed_at: float
    operation: str
    body: dict[str, Any]


@dataclass
class Line:
    """The tables as one invocation reaches them: it stops at each request while that is in
    flight.
    """

    world: LiveWorld
    actor: Callable[[], Actor]
    flights: list[Flight]
    deadline: Deadline = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = Deadline.after(INVOCATION_SECONDS, self.world.clock.now)

    def call(self, operation: str, body: dict[str, Any]) -> bytes:
        self.deadline.check_lease()
        flight = Flight(self.world.clock.now(), operation, body)
        actor = self.actor()
        actor.stand(f"in flight: {operation}")
        if self.world.clock.now() > flight.signed_at + MARGIN_SECONDS:
            raise refusal("InvalidSignatureException", "Signature expired")
        if actor.loses_answer:
            actor.loses_answer = False
            self.flights.append(flight)
            raise lost_answer()
        return self.world.dynamo.call(operation, body)


@dataclass
class Ledger:
    """A ledger as one invocation reaches it: it stops before each request."""

    target: Any
    actor: Callable[[], Actor]

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.target, name)

        def asked(*words: Any, **named: Any) -> Any:
            self.actor().stand(f"asks: {name}")
            return method(*words, **named)

        return asked


class InlineExecutor:
    """Does what is submitted at once, in the same thread: the order of requests is the test's."""

    def __init__(self, _workers: int = 1) -> None:
        pass

    def __enter__(self) -> "InlineExecutor":
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *words: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(work(*words, **named))
        except BaseException as error:
            future.set_exception(error)
        return future

    def map(self, work: Callable[..., Any], *words: Iterable[Any]) -> Iterator[Any]:
        return iter([work(*each) for each in zip(*words, strict=True)])
