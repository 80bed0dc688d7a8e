"""One look at a migration: its status, its state graph, its segments, and why it stands still."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tableferry.addresses import TableAddress
from tableferry.aws.executions import MapRun
from tableferry.cli.shown_limits import shown_limits
from tableferry.cli.stack import Migration, Stack
from tableferry.cli.works import MAP_OF_WORK, WorkSeen, works_of
from tableferry.errors import NotFoundError
from tableferry.limits import RunLimits
from tableferry.model import Control, Work
from tableferry.runs.graph import Graph, StateSeen, StateStatus
from tableferry.runs.outcome import failure_of
from tableferry.runs.ownership import ExecutionState
from tableferry.runs.recording import outcome_name
from tableferry.shown_time import clock

# A worker writes a checkpoint after each page, so silence of this length is worth a word.
QUIET_SECONDS = 20.0
# A page is some thousand items, so a shorter time shows jumps instead of a rate.
RATE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Look:
    """What `status` shows; times are epoch seconds."""

    migration_id: str
    status: str
    state: ExecutionState
    at: float
    graph: Graph
    works: tuple[WorkSeen, ...]
    map_runs: tuple[MapRun, ...]
    error: dict[str, str] | None
    reason: str | None
    links: dict[str, str]
    limits: RunLimits | None = None

    @property
    def is_running(self) -> bool:
        return self.status == "RUNNING"

    @property
    def seconds(self) -> float:
        return (self.state.ended_at or self.at) - self.state.started_at

    @property
    def current(self) -> StateSeen | None:
        return self.graph.current

    def to_json(self) -> dict[str, Any]:
        return {
            "migrationId": self.migration_id,
            "status": self.status,
            "executionArn": self.state.arn,
            "seconds": round(self.seconds, 3),
            "redriveCount": self.state.redrive_count,
            "states": [state.to_json() for state in self.graph.states.values()],
            "maps": [self._map(work) for work in self.works],
            "reason": self.reason,
            "error": self.error,
            "limits": shown_limits(self.limits) if self.limits else None,
            "links": self.links,
        }

    def _map(self, work: WorkSeen) -> dict[str, Any]:
        name = MAP_OF_WORK.get(work.work)
        arns = [run.arn for run in self.map_runs if run.label == name]
        shown = work.to_json(is_running=self.is_running)
        return {"state": name, **shown, "mapRunArn": arns[-1] if arns else None}


@dataclass(slots=True)
class Looker:
    """Looks at one execution again and again; rates are those of the last seconds."""

    stack: Stack
    migration_id: str
    execution_arn: str
    now: Callable[[], float] = time.time
    _seen: dict[Work, deque[tuple[float, int]]] = field(default_factory=dict)
    _sizes: dict[Work, int | None] | None = None

    def look(self) -> Look:
        """Raises NotFoundError where Step Functions knows no such execution."""
        executions = self.stack.executions
        state = executions.describe(self.execution_arn)
        if state is None:
            raise NotFoundError(
                f"Step Functions has no execution {self.execution_arn} (any more)",
                hint="it keeps them for 90 days; the outcome stays: "
                f"tableferry report {self.migration_id}",
            )
        migration = self._migration()
        at = self.now()
        graph = Graph.of(executions.definition(state.arn), executions.history(state.arn), at)
        works = self._works(migration, graph, at) if migration else ()
        failures = [failure for work in works for failure, _count in work.failures]
        look = Look(
            migration_id=self.migration_id,
            status=status_of(migration.control if migration else None, state),
            state=state,
            at=at,
            graph=graph,
            works=works,
            map_runs=tuple(executions.map_runs(state.arn)),
            error=failure_of(state, failures),
            reason=None,
            links=_links(self.stack, state, migration),
            limits=_limits(migration),
        )
        return replace(look, reason=why_not_moving(look, migration))

    def _migration(self) -> Migration | None:
        """What the ledger holds of the execution's run: nothing before its first state is done."""
        run = self.stack.runs.run_of(self.execution_arn)
        control = self.stack.runs.control(run) if run else None
        record = self.stack.runs.record(run) if run else None
        if control is None or record is None or control.owner != self.execution_arn:
            return None
        return Migration(control, record)

    def _works(self, migration: Migration, graph: Graph, at: float) -> tuple[WorkSeen, ...]:
        if self._sizes is None:
            self._sizes = _sizes(self.stack, migration)
        works = works_of(
            self.stack.segments,
            migration.control.run,
            migration.steps,
            sizes=self._sizes,
            redriven_at=graph.redrives[-1] if graph.redrives else 0.0,
        )
        return tuple(self._with_rate(work, at) for work in works)

    def _with_rate(self, work: WorkSeen, at: float) -> WorkSeen:
        """The rate of the last seconds; too short a time leaves the average since its begin."""
        seen = self._seen.setdefault(work.work, deque())
        if seen and work.items < seen[-1][1]:
            seen.clear()
        seen.append((at, work.items))
        while at - seen[0][0] > RATE_SECONDS:
            seen.popleft()
        seconds = at - seen[0][0]
        if work.is_done or seconds < RATE_SECONDS / 2:
            return work
        return replace(work, per_second=(work.items - seen[0][1]) / seconds)


def status_of(control: Control | None, state: ExecutionState) -> str:
    """The contract's word: an execution that somebody stopped is PAUSED, for a redrive goes on."""
    if control is None:
        return state.status
    if control.stopped and state.status != "SUCCEEDED":
        return "STOPPED"
    paused_itself = (
        state.status == "FAILED"
        and control.stop is not None
        and control.stop.is_for(state.arn, state.redrive_count)
    )
    return "PAUSED" if state.status == "ABORTED" or paused_itself else state.status


def why_not_moving(look: Look, migration: Migration | None) -> str | None:
    """The reason, in words; None while it moves, and once it has succeeded."""
    if look.status == "PAUSED" and migration:
        return _why_paused(migration.control)
    if look.status == "STOPPED":
        return "given up with `stop`: it can not go on; a new migrationId starts anew"
    if look.error is not None:
        return f"{look.error['name']}: {look.error['cause']}"
    if not look.is_running or look.current is None:
        return None
    return _why_waiting(look, look.current, migration)


def _why_paused(control: Control) -> str:
    if control.stop is None:
        return f"the execution was stopped; `tableferry resume {control.run}` goes on"
    verb = "redrive" if control.stop.is_full else "resume"
    return (
        f"stopped by {control.stop.by} at {clock(control.stop.at)}; "
        f"`tableferry {verb} {control.run}` goes on"
    )


def _why_waiting(look: Look, state: StateSeen, migration: Migration | None) -> str | None:
    if state.name == "RequestApproval" and migration and "approval" in migration.steps:
        return f"waits for a person: `tableferry approve {look.migration_id}`"
    if state.kind == "Wait":
        return state.comment
    if state.kind == "Map":
        return _why_quiet(look, state)
    if state.failed_attempts and state.status is StateStatus.RUNNING:
        times = f"{state.failed_attempts} times ({state.last_error})"
        return f"{state.name} failed {times}; it is tried again"
    return None


def _why_quiet(look: Look, state: StateSeen) -> str | None:
    works = [work for work in look.works if MAP_OF_WORK.get(work.work) == state.name]
    asleep = sum(work.hibernating for work in works)
    until = max((work.hibernates_until for work in works), default=0.0)
    if asleep and until > look.at:
        return (
            f"{asleep} of its segments leave the tables to applications until {clock(until)} "
            "(limits.nice): they were throttled again and again, however slow they went"
        )
    progress_at = max([work.progress_at for work in works] + [state.entered_at])
    quiet = look.at - progress_at
    if quiet < QUIET_SECONDS:
        return None
    throttled = sum(work.throttled for work in works)
    told = [failure for work in works for failure, _count in work.failures]
    if told:
        return (
            f"no progress for {quiet:.0f} s; a worker failed with {told[0].name}: {told[0].cause}"
        )
    if throttled:
        return f"no progress for {quiet:.0f} s; requests were throttled {throttled} times so far"
    return f"no progress for {quiet:.0f} s: no worker has finished a page since"


def _sizes(stack: Stack, migration: Migration) -> dict[Work, int | None]:
    """How many items each work will meet, as far as DescribeTable says."""
    spec = migration.record["spec"]
    source = _size(stack, spec.get("source"))
    destination = _size(stack, spec["destination"])
    return {Work.COPY: source, Work.COUNT_SOURCE: source, Work.CLEAN: destination}


def _size(stack: Stack, table: dict[str, Any] | None) -> int | None:
    return None if table is None else stack.tables.item_count(TableAddress.from_json(table))


def _limits(migration: Migration | None) -> RunLimits | None:
    if migration is None:
        return None
    return migration.control.limits or RunLimits.from_spec(migration.record["spec"]["limits"])


def _links(stack: Stack, state: ExecutionState, migration: Migration | None) -> dict[str, str]:
    """The execution's page in the AWS console, which the embedded engine has not, and the report
    of a run that has ended.
    """
    links = {}
    if stack.place.is_aws:
        region = stack.place.region
        console = f"https://{region}.console.aws.amazon.com/states/home?region={region}"
        links["execution"] = f"{console}#/v2/executions/details/{state.arn}"
    if migration is not None and state.status != "RUNNING":
        links["report"] = stack.outcomes.report_uri(outcome_name(migration.record))
    return links
