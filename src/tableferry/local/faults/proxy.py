"""The fault proxy in this process: a thread of its own, steered from any other."""

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tableferry.errors import UnreachableError
from tableferry.local.faults.calls import CallLog
from tableferry.local.faults.control import Control
from tableferry.local.faults.exchange import Exchanger
from tableferry.local.faults.limits.buckets import Limits
from tableferry.local.faults.limits.metering import Metering
from tableferry.local.faults.rulebook import Rulebook
from tableferry.local.faults.rules import Action, Predicate, Rule
from tableferry.local.faults.serving import Server
from tableferry.local.faults.upstream import Upstream

# AWS accepts a signature for five minutes.
SIGNATURE_SECONDS = 300.0
_START_SECONDS = 10.0


class FaultProxy:
    """Stands before a DynamoDB engine on loopback and lets go wrong what it is told to.

    `with FaultProxy("http://127.0.0.1:8000") as proxy:` then point clients at `proxy.endpoint_url`.
    Without rules and limits every request and answer passes unchanged, but for signatures older
    than `signature_seconds` (None: any age is taken). `calls` is the call log; `keep_bodies` keeps
    each request's body in it.
    """

    def __init__(
        self,
        upstream: str,
        *,
        port: int = 0,
        signature_seconds: float | None = SIGNATURE_SECONDS,
        keep_bodies: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._upstream = Upstream(upstream)
        self.calls = CallLog(clock)
        self._rulebook = Rulebook()
        self._metering = Metering(self._upstream)
        self._exchanger = Exchanger(
            self._upstream,
            self._rulebook,
            self._metering,
            signature_seconds=signature_seconds,
            clock=clock,
        )
        self._server = Server(
            log=self.calls,
            rulebook=self._rulebook,
            exchanger=self._exchanger,
            control=Control(self.calls, self._rulebook, self._metering),
            keep_bodies=keep_bodies,
            clock=clock,
        )
        self._wanted_port = port
        self._port = 0
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def signature_seconds(self) -> float | None:
        return self._exchanger.signature_seconds

    @signature_seconds.setter
    def signature_seconds(self, seconds: float | None) -> None:
        self._exchanger.signature_seconds = seconds

    def add(
        self, action: Action, *, predicate: Predicate | None = None, id: str = "", **conditions: Any
    ) -> str:
        """Puts a fault in force, and gives the id by which to remove it; `when` are the fields of
        When.
        """
        return self._rulebook.add(action, predicate=predicate, id=id, **conditions)

    def put(self, rule: Rule) -> str:
        """Puts a rule in force as it is; its id."""
        return self._rulebook.put(rule)

    def remove(self, rule_id: str) -> None:
        """Takes a rule out of force; requests that it held go on to the engine."""
        self._rulebook.remove(rule_id)

    def clear(self) -> None:
        """Takes all rules out of force."""
        self._rulebook.clear()

    def rules(self) -> list[Rule]:
        return self._rulebook.rules()

    def struck(self, rule_id: str) -> int:
        """How many calls a rule in force has struck so far."""
        return self._rulebook.struck(rule_id)

    def limit(self, table: str, limits: Limits | None) -> None:
        """Gives a table limits and counts what it uses of them; None takes them away."""
        self._metering.limit(table, limits)

    def used(self, table: str) -> tuple[float, float]:
        """Read and write units that a limited table has used since its limits were set."""
        return self._metering.used(table)

    def start(self) -> Self:
        """Listens; `endpoint_url` is known afterwards. Raises UnreachableError where the port is
        taken.
        """
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise UnreachableError(f"the fault proxy did not start within {_START_SECONDS} s")
        if self._failure is not None:
            raise UnreachableError(
                f"the fault proxy can not listen on port {self._wanted_port}: {self._failure}",
                hint="give another port, or 0 for a free one",
            )
        return self

    def close(self) -> None:
        """Drops what is under way and ends the thread. Raises the proxy's own failure, if it had
        one.
        """
        if self._loop is not None and self._closing is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(_START_SECONDS)
        if self._server.defects:
            raise RuntimeError("the fault proxy itself failed") from self._server.defects[0]

    def wait(self) -> None:
        """Returns when the proxy was closed."""
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        try:
            await self._server.serve(self._wanted_port, self._listening, self._closing)
        finally:
            self._upstream.close()
            self.calls.close()

    def _listening(self, port: int) -> None:
        self._port = port
        self._ready.set()
