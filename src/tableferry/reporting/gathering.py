"""Everything that a report shows, gathered once: rendering makes no request."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tableferry.aws.executions import HistoryEvent
from tableferry.errors import TableferryError
from tableferry.model import Failure
from tableferry.runs.graph import Graph, StateStatus
from tableferry.runs.ownership import ExecutionState
from tableferry.runs.recording import Ending
from tableferry.runs.work_summary import WorkSummary

# So many quarantined items are named in a page; all of them lie in the bucket.
MOST_QUARANTINED = 50


class Histories(Protocol):
    """The executions' definitions and histories (aws/executions.py)."""

    def definition(self, execution_arn: str) -> dict[str, Any]: ...

    def history(self, execution_arn: str) -> Iterable[HistoryEvent]: ...


class Quarantines(Protocol):
    """The artifacts bucket, as far as a report needs it (aws/artifacts.py)."""

    def quarantined(self, migration_id: str, most: int) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What one page shows; what could not be read is None, and `unread` says why."""

    run: str
    record: dict[str, Any]
    outcome: dict[str, Any]
    state: ExecutionState
    works: tuple[WorkSummary, ...]
    failures: tuple[Failure, ...]
    written_at: float
    graph: Graph | None = None
    quarantined: tuple[dict[str, Any], ...] | None = ()
    unread: dict[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.record["spec"]
        return spec

    @property
    def status(self) -> str:
        return self.state.status

    @property
    def seconds(self) -> float:
        if "seconds" in self.outcome:
            return float(self.outcome["seconds"])
        return max(0.0, (self.state.ended_at or self.written_at) - self.state.started_at)


def gather(ending: Ending, histories: Histories, bucket: Quarantines, now: float) -> Report:
    """The report of a run as its outcome was written.

    A graph or a quarantine that can not be read is left out, and the page says why: what the
    outcome knows is worth a page without them.
    """
    unread: dict[str, str] = {}
    graph = quarantined = None
    try:
        graph = _graph(ending.state, histories, now)
    except TableferryError as error:
        unread["graph"] = error.cause
    try:
        quarantined = _quarantined(ending, bucket)
    except TableferryError as error:
        unread["quarantine"] = error.cause
    return Report(
        run=ending.run,
        record=ending.record,
        outcome=ending.outcome,
        state=ending.state,
        works=ending.found.works,
        failures=tuple(sorted(ending.found.failures, key=lambda each: -each.at)),
        written_at=now,
        graph=graph,
        quarantined=quarantined,
        unread=unread,
    )


def _graph(state: ExecutionState, histories: Histories, now: float) -> Graph:
    definition, events = histories.definition(state.arn), histories.history(state.arn)
    graph = Graph.of(definition, events, state.ended_at or now)
    current = graph.current
    if state.status == "SUCCEEDED" and current and current.status is StateStatus.RUNNING:
        # The state that writes this very report: nothing can fail after it.
        current.status = StateStatus.SUCCEEDED
        current.left_at = state.ended_at or now
    return graph


def _quarantined(ending: Ending, bucket: Quarantines) -> tuple[dict[str, Any], ...]:
    dirty = (ending.outcome.get("sync") or {}).get("dirty", 0)
    counted = sum(work.counts.quarantined for work in ending.found.works)
    if not dirty and not counted:
        return ()
    migration_id = ending.record["spec"]["migrationId"]
    return tuple(bucket.quarantined(migration_id, MOST_QUARANTINED))
