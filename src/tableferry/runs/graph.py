"""The state graph of an execution: its definition, and what the history says of each state."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tableferry.aws.executions import HistoryEvent

# What a failed attempt of a task is called in the history; the next attempt follows, or the end.
_FAILED_ATTEMPTS = frozenset({"TaskFailed", "TaskTimedOut", "LambdaFunctionFailed"})
_BAD_ENDS = {
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}


class StateStatus(StrEnum):
    """What became of a state; SKIPPED and AHEAD were never entered."""

    SUCCEEDED = "SUCCEEDED"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    TIMED_OUT = "TIMED_OUT"
    SKIPPED = "SKIPPED"
    AHEAD = "AHEAD"


@dataclass(slots=True)
class StateSeen:
    """One state; `seconds` sums up its turns, `failed_attempts` counts its tasks that raised.

    It was entered `first_at`, last `entered_at`, and last left `left_at` (0.0: not yet).
    """

    name: str
    kind: str
    comment: str
    status: StateStatus = StateStatus.AHEAD
    entered: int = 0
    first_at: float = 0.0
    entered_at: float = 0.0
    left_at: float = 0.0
    seconds: float = 0.0
    failed_attempts: int = 0
    last_error: str = ""

    @property
    def does_work(self) -> bool:
        """Whether people care about it even when nobody waits there."""
        return self.kind in {"Task", "Map", "Parallel"}

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.kind,
            "status": str(self.status),
            "seconds": round(self.seconds, 3) if self.entered else None,
            "entered": self.entered,
            "failedAttempts": self.failed_attempts,
        }


@dataclass(slots=True)
class Graph:
    """The states in the order of the definition, as the events so far left them."""

    states: dict[str, StateSeen]
    current: StateSeen | None = None
    redrives: list[float] = field(default_factory=list)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often the execution went from one state to another."""
    _last: str = ""

    @classmethod
    def of(
        cls, definition: Mapping[str, Any], events: Iterable[HistoryEvent], now: float
    ) -> "Graph":
        """The graph after these events; the time of the state that still runs goes up to `now`."""
        states = {
            name: StateSeen(name, state["Type"], state.get("Comment", ""))
            for name, state in definition["States"].items()
        }
        graph = cls(states)
        for event in events:
            graph._take(event)
        current = graph.current
        if current is not None and current.status is StateStatus.RUNNING:
            current.seconds += now - current.entered_at
        ahead = _reachable(definition, graph._last)
        for name, state in states.items():
            if not state.entered and name not in ahead:
                state.status = StateStatus.SKIPPED
        return graph

    def _take(self, event: HistoryEvent) -> None:
        if event.kind.endswith("StateEntered"):
            self._enter(event)
        elif event.kind.endswith("StateExited"):
            self._leave(event, StateStatus.SUCCEEDED)
            self.current = None
        elif event.kind in _BAD_ENDS:
            self._leave(event, StateStatus(_BAD_ENDS[event.kind]))
        elif event.kind == "ExecutionRedriven":
            self._redrive(event)
        elif event.kind in _FAILED_ATTEMPTS and self.current is not None:
            self.current.failed_attempts += 1
            self.current.last_error = event.error

    def _enter(self, event: HistoryEvent) -> None:
        state = self.states.get(event.state)
        if state is None:
            return
        state.status = StateStatus.RUNNING
        state.first_at = state.first_at or event.at
        state.entered += 1
        state.entered_at = event.at
        if self._last:
            self.taken[self._last, state.name] += 1
        self.current = state
        self._last = state.name

    def _leave(self, event: HistoryEvent, status: StateStatus) -> None:
        state = self.states.get(event.state) if event.state else self.current
        if state is None or state.status is not StateStatus.RUNNING:
            return
        state.status = status
        state.left_at = event.at
        state.seconds += event.at - state.entered_at

    def _redrive(self, event: HistoryEvent) -> None:
        """A redrive goes on in the state that did not succeed, without entering it again."""
        self.redrives.append(event.at)
        if self.current is not None:
            self.current.status = StateStatus.RUNNING
            self.current.entered_at = event.at


def _reachable(definition: Mapping[str, Any], start: str) -> set[str]:
    """The states that may still be entered after `start`; all of them before the first one."""
    states = definition["States"]
    found: set[str] = set()
    pending = _following(states[start]) if start in states else list(states)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _following(states[name])
    return found


def _following(state: Mapping[str, Any]) -> list[str]:
    choices = [choice["Next"] for choice in state.get("Choices", ())]
    catchers = [catcher["Next"] for catcher in state.get("Catch", ())]
    others = [state[name] for name in ("Next", "Default") if name in state]
    return choices + catchers + others
