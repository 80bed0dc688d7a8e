"""A deployed stack in memory, as the commands see it.

The ledger is `tests/fake_ledger.py`'s; the executions obey Step Functions' rules for stop and
redrive; what the state machine would do is up to the test (`on_start`, `on_redrive`).
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tableferry.addresses import TableAddress
from tableferry.aws.executions import HistoryEvent, MapRun
from tableferry.cli.main import main
from tableferry.cli.options import Choices
from tableferry.cli.stack import Place, Stack
from tableferry.errors import RequestRefusedError, TableferryError
from tableferry.model import Control, Counts, Lease, Phase, SegmentRecord, Work
from tableferry.runs.ownership import ExecutionState
from tableferry.spec import MigrationSpec
from tests.fake_ledger import MemoryLedger

ROOT = Path(__file__).parents[3]
DEFINITION = json.loads((ROOT / "statemachine" / "migrate.asl.json").read_text())
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:tableferry-migrate"
EXECUTIONS = "arn:aws:states:us-east-1:123456789012:execution:tableferry-migrate"
DESTINATION = "123456789012/us-east-1/PrefsV2"
SPEC = {
    "migrationId": "prefs-v2",
    "source": {"tableName": "Prefs"},
    "destination": {"tableName": "PrefsV2"},
}
ENGINE = Place("123456789012", "us-east-1", "http://127.0.0.1:4566")
AWS = Place("123456789012", "eu-west-1", "https://states.eu-west-1.amazonaws.com")
OPERATOR = "arn:aws:iam::123456789012:user/operator"
REDRIVABLE = frozenset({"FAILED", "ABORTED", "TIMED_OUT"})


@dataclass(frozen=True)
class Result:
    """How a command line ended."""

    exit_code: int
    stdout: str
    stderr: str


def run_words(words: list[str], choices: Choices) -> Result:
    """Runs `tableferry` in this process, its two streams kept apart."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    status = None
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        try:
            main.main(words, obj=choices)
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int), "main always exits with a status"
    for stream in streams:
        stream.flush()
        stream.seek(0)
    return Result(status, streams[0].read(), streams[1].read())


class FakeExecutions:
    """Executions that stay as they are until a test, or a command, changes them."""

    def __init__(self) -> None:
        self.states: dict[str, ExecutionState] = {}
        self.events: dict[str, list[HistoryEvent]] = {}
        self.started: list[dict[str, Any]] = []
        self.names: list[str] = []
        self.approved: list[str] = []
        self.waiting_tokens: set[str] = set()
        self.too_old: set[str] = set()
        self.runs: list[MapRun] = []
        self.concurrency: dict[str, int] = {}
        self.on_start: Callable[[str, dict[str, Any]], None] = lambda arn, _spec: self.end(arn)
        self.on_redrive: Callable[[str], None] = self.end

    def end(self, arn: str, status: str = "SUCCEEDED", **fields: Any) -> None:
        before = self.states.get(arn) or ExecutionState(arn, "RUNNING", 0, started_at=100.0)
        ended_at = 0.0 if status == "RUNNING" else 112.5
        fields = {"ended_at": ended_at, "output": "{}", **fields}
        self.states[arn] = replace(before, status=status, **fields)

    def describe(self, execution_arn: str) -> ExecutionState | None:
        return self.states.get(execution_arn)

    def start(self, machine_arn: str, name: str, document: dict[str, Any]) -> str:
        assert machine_arn == MACHINE
        assert len(name) <= 80, "StartExecution takes no longer name"
        arn = f"{EXECUTIONS}:{name}"
        assert arn not in self.states, "a name is used once in 90 days"
        self.started.append(document)
        self.names.append(name)
        self.end(arn, "RUNNING")
        self.on_start(arn, document)
        return arn

    def stop(self, execution_arn: str, cause: str) -> None:
        assert self.states[execution_arn].status == "RUNNING", "StopExecution refuses it"
        self.end(execution_arn, "ABORTED", cause=cause)

    def redrive(self, execution_arn: str) -> bool:
        state = self.states.get(execution_arn)
        if state is None or state.status not in REDRIVABLE or execution_arn in self.too_old:
            return False
        count = state.redrive_count + 1
        self.states[execution_arn] = replace(state, status="RUNNING", redrive_count=count)
        self.on_redrive(execution_arn)
        return True

    def approve(self, task_token: str) -> bool:
        if task_token not in self.waiting_tokens:
            return False
        self.waiting_tokens.remove(task_token)
        self.approved.append(task_token)
        return True

    def definition(self, execution_arn: str) -> dict[str, Any]:
        if execution_arn not in self.states:
            raise RequestRefusedError("there is no such execution", code="ExecutionDoesNotExist")
        return dict(DEFINITION)

    def history(self, execution_arn: str) -> Iterable[HistoryEvent]:
        return self.events.get(execution_arn, [])

    def set_concurrency(self, map_run_arn: str, most: int) -> None:
        assert most >= 1, "0 means no limit"
        self.concurrency[map_run_arn] = most

    def map_runs(self, execution_arn: str) -> list[MapRun]:
        return self.runs


class FakeOutcomes:
    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}
        self.pages: dict[str, str] = {}
        self.quarantine: list[dict[str, Any]] = []
        self.refuses: TableferryError | None = None

    def read_outcome(self, name: str) -> dict[str, Any] | None:
        return self.documents.get(name)

    def lines(self, uri: str) -> Iterator[bytes]:
        yield from self.objects[uri].splitlines()

    def quarantined(self, migration_id: str, most: int) -> list[dict[str, Any]]:
        if self.refuses is not None:
            raise self.refuses
        return self.quarantine[:most]

    def write_report(self, name: str, page: str) -> str:
        if self.refuses is not None:
            raise self.refuses
        self.pages[name] = page
        return self.report_uri(name)

    def report_uri(self, name: str) -> str:
        return f"s3://artifacts/outcomes/{name}.html"


@dataclass
class FakeTables:
    """Tables of which the person may see nothing but what is set here."""

    error: TableferryError | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    checked: list[MigrationSpec] = field(default_factory=list)

    def check(self, spec: MigrationSpec) -> None:
        self.checked.append(spec)
        if self.error is not None:
            raise self.error

    def item_count(self, table: TableAddress) -> int | None:
        return self.sizes.get(table.table_name)


class Ledger(MemoryLedger):
    """The ledger of migrations that copy; none of them has a sync."""

    def sync_outcome(self, run: str) -> dict[str, int]:
        raise AssertionError(f"{run} is no live migration")


class World:
    """The stack's parts, to be set and looked at; `run` is the command line."""

    def __init__(self, place: Place = ENGINE) -> None:
        self.ledger = Ledger()
        self.executions = FakeExecutions()
        self.outcomes = FakeOutcomes()
        self.tables = FakeTables()
        self.connected: list[tuple[str, str | None, str | None]] = []
        self.refuses: Exception | None = None
        self.stack = Stack(
            name="tableferry",
            machine_arn=MACHINE,
            place=place,
            runs=self.ledger,
            segments=self.ledger,
            executions=self.executions,
            outcomes=self.outcomes,
            tables=self.tables,
            identity=OPERATOR,
        )

    def run(self, *words: str) -> Result:
        """Runs `tableferry` with these words against this stack."""

        def connect(name: str, region: str | None, profile: str | None) -> Stack:
            self.connected.append((name, region, profile))
            if self.refuses is not None:
                raise self.refuses
            return self.stack

        return run_words(list(words), Choices(connect=connect))

    def migrate(
        self,
        status: str = "RUNNING",
        *,
        run: str = "prefs-v2",
        steps: dict[str, Any] | None = None,
        arn: str = f"{EXECUTIONS}:one",
        **fields: Any,
    ) -> str:
        """Puts a migration into the ledger, owned by an execution of that status; its ARN."""
        spec = MigrationSpec.parse({**SPEC, "migrationId": run}).to_json()
        self.claim(arn, run, {"mode": "migrate", "spec": spec, "steps": steps or {}})
        self.executions.end(arn, status, **fields)
        return arn

    def claim(self, arn: str, run: str, record: dict[str, Any]) -> None:
        """What the first state does with a spec that may run."""
        control = Control(run, arn, Phase.COPYING, DESTINATION)
        self.ledger.create_run(control, record, writes=True, keep=True)

    def segment(self, number: int, *, work: Work = Work.COPY, run: str = "prefs-v2", **fields: Any):
        """A segment that a worker has taken up."""
        record = SegmentRecord(
            work=work,
            segment=number,
            holder=f"holder-{number}",
            **{"invocations": 1, "started_at": 100.0, "progress_at": 110.0, **fields},
        )
        self.ledger.segment_records[run, work, number] = record

    def lease(self, segment: int, deadline: float, run: str = "prefs-v2") -> Lease:
        lease = Lease(run, Work.COPY, segment, f"holder-{segment}", deadline)
        self.ledger.live_leases[run, Work.COPY, segment, lease.holder] = lease
        return lease


def read(count: int, **fields: Any) -> Counts:
    return Counts(read=count, written=count, **fields)


def entered(state: str, at: float, kind: str = "Task") -> HistoryEvent:
    return HistoryEvent(f"{kind}StateEntered", at, state=state)


def left(state: str, at: float, kind: str = "Task") -> HistoryEvent:
    return HistoryEvent(f"{kind}StateExited", at, state=state)


def lambda_failure(error: TableferryError) -> dict[str, str]:
    """What DescribeExecution says after a function raised it."""
    message = {"errorMessage": str(error), "errorType": error.name, "stackTrace": []}
    return {"error": error.name, "cause": json.dumps(message)}
