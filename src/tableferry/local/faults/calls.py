"""The call log: what each request asked for, who signed it, when, and what became of it."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

# The table of a call whose body could not be read: it is in the answer to a question for any table,
# so that
# "no write to this table" is never true only because something was not understood.
UNKNOWN = "?"
# The operations of which a part can be done and the rest be answered as undone.
PARTIAL = frozenset({"BatchWriteItem", "BatchGetItem", "BatchExecuteStatement"})
ITEM_WRITES = frozenset(
    {
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "TransactWriteItems",
        "ExecuteStatement",
        "BatchExecuteStatement",
        "ExecuteTransaction",
    }
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. Nothing secret is kept: the access key's id, never the signature or a session
    token.

    `at` and `ended` are epoch seconds (`ended` 0.0: still under way). `keys` counts the items, keys
    or statements that the request names. `status` 0 means that the client got no answer.
    `forwarded`: the engine got the request (or the part of it that no rule held back).
    `unprocessed` counts what a rule or a limit held back. `start_key` is a Scan's or Query's
    ExclusiveStartKey as JSON text. Units are what the proxy reported: 0 for a table without limits.
    """

    number: int
    at: float
    operation: str
    tables: tuple[str, ...] = ()
    keys: int = 0
    mutating: bool = False
    access_key: str = ""
    agent: str = ""
    signed_at: str = ""
    segment: int | None = None
    total_segments: int | None = None
    start_key: str | None = None
    ended: float = 0.0
    status: int = 0
    error: str = ""
    forwarded: bool = False
    unprocessed: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    rules: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def writes_items(self) -> bool:
        """Puts, updates or deletes items (PartiQL included), rather than a table or settings."""
        return self.mutating and self.operation in ITEM_WRITES

    def to_json(self) -> dict[str, Any]:
        names = (name for name in self.__slots__ if name != "body")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are asked for; what is left out does not matter. Times are epoch seconds of the
    arrival.
    """

    operations: frozenset[str] = frozenset()
    table: str | None = None
    mutating: bool | None = None
    writes_items: bool | None = None
    forwarded: bool | None = None
    since: float = 0.0
    until: float = float("inf")
    access_key: str | None = None
    agent: str | None = None
    where: Callable[[Call], bool] | None = None

    def takes(self, call: Call) -> bool:
        """`agent` is looked for within the call's User-Agent, the rest is compared as it is."""
        if not self.since <= call.at < self.until:
            return False
        pairs = (
            (self.mutating, call.mutating),
            (self.writes_items, call.writes_items),
            (self.forwarded, call.forwarded),
            (self.access_key, call.access_key),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in pairs)
            and (not self.operations or call.operation in self.operations)
            and (self.table is None or not {self.table, UNKNOWN}.isdisjoint(call.tables))
            and (self.agent is None or self.agent in call.agent)
            and (self.where is None or self.where(call))
        )


def call_filter(operations: str | Iterable[str] = (), **wanted: Any) -> CallFilter:
    """A filter from plain arguments: one operation or several, and any field of CallFilter."""
    names = (operations,) if isinstance(operations, str) else operations
    return CallFilter(operations=frozenset(names), **wanted)


class CallLog:
    """All calls in the order of their arrival; filled by the proxy's thread, asked by any other."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._calls: list[Call] = []
        self._first = 0
        self._closed = False
        self._changed = threading.Condition()

    def begin(self, call: Call) -> Call:
        """Enters a call that just arrived, and gives it its number."""
        with self._changed:
            numbered = replace(call, number=self._first + len(self._calls))
            self._calls.append(numbered)
            self._changed.notify_all()
        return numbered

    def amend(self, number: int, **changes: Any) -> None:
        """Enters what became of a call; one that was cleared away meanwhile stays away."""
        with self._changed:
            index = number - self._first
            if index >= 0:
                self._calls[index] = replace(self._calls[index], **changes)
                self._changed.notify_all()

    def select(self, operations: str | Iterable[str] = (), **wanted: Any) -> list[Call]:
        """The calls that fit, oldest first: `select("PutItem", table="t", since=when)`."""
        takes = call_filter(operations, **wanted).takes
        with self._changed:
            calls = list(self._calls)
        return [call for call in calls if takes(call)]

    def count(self, operations: str | Iterable[str] = (), **wanted: Any) -> int:
        return len(self.select(operations, **wanted))

    def wait_for(
        self,
        operations: str | Iterable[str] = (),
        *,
        at_least: int = 1,
        ended: bool = True,
        timeout_seconds: float = 30.0,
        **wanted: Any,
    ) -> list[Call]:
        """The calls that fit, as soon as there are `at_least` of them (answered ones, unless
        `ended` is false).

        Raises TimeoutError when there are fewer after `timeout_seconds`.
        """
        search = _Search(call_filter(operations, **wanted), ended=ended, position=self._first)
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while len(found := search.among(self._calls, self._first)) < at_least:
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    raise TimeoutError(f"{len(found)} of {at_least} calls in {timeout_seconds} s")
                self._changed.wait(left)
        return found

    def close(self) -> None:
        """No more calls will come: those who wait for them get their TimeoutError at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._first += len(self._calls)
            self._calls.clear()


class _Search:
    """Looks at each ended call once, however often it is asked: while it looks the proxy stands
    still.
    """

    def __init__(self, wanted: CallFilter, *, ended: bool, position: int) -> None:
        self._wanted = wanted
        self._ended = ended
        self._position = position
        self._settled: list[Call] = []

    def among(self, calls: list[Call], first: int) -> list[Call]:
        """The calls that fit; `first` is the number of the first of `calls`."""
        start = max(0, self._position - first)
        fresh: list[Call] = []
        settled = True
        for call in calls[start:]:
            settled = settled and call.ended > 0
            if self._wanted.takes(call) and (call.ended or not self._ended):
                (self._settled if settled else fresh).append(call)
            if settled:
                self._position = call.number + 1
        return self._settled + fresh
