"""What a function of the stack works with, built once for each sandbox."""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.addresses import Place, TableAddress
from tableferry.aws.artifacts import Artifacts
from tableferry.aws.checkpoints import Checkpoints
from tableferry.aws.executions import StepFunctionsExecutions
from tableferry.aws.ledger import Ledger, OwnedSteps
from tableferry.aws.ledger_table import LedgerTable
from tableferry.aws.session import BOTOCORE_VERSION, Sessions
from tableferry.aws.table_access import TableAccess
from tableferry.aws.wire import BotocoreWireClient
from tableferry.deadline import Deadline
from tableferry.errors import (
    MigrationPausedError,
    NotOwnerError,
    TransformChangedError,
    TransientError,
)
from tableferry.model import Control, Work
from tableferry.observe import count_work, logger
from tableferry.pace.tolls import pacer_for
from tableferry.runs.ownership import Gate
from tableferry.runs.run_spec import RunSpec
from tableferry.segments.copying import KeyRules
from tableferry.segments.holding import SegmentTask
from tableferry.segments.working import WRITE_THREADS, Worker
from tableferry.settings import Settings
from tableferry.table_facts import TableFacts
from tableferry.transform import Transform


class LeaseGuard:
    """Refuses every signature once the current invocation's lease is over.

    Clients outlive an invocation, so they ask the guard, which knows the invocation's deadline.
    """

    def __init__(self) -> None:
        self.deadline: Deadline | None = None

    def __call__(self) -> None:
        if self.deadline is not None:
            self.deadline.check_lease()


@dataclass(frozen=True, slots=True)
class Run:
    """One run as its owner sees it: admitted, with its spec."""

    name: str
    control: Control
    spec: RunSpec
    record: dict[str, Any]
    steps: OwnedSteps


@dataclass(frozen=True, slots=True)
class Keys:
    """The key attributes of both tables, as the planning step found them."""

    source: tuple[str, ...]
    destination: KeyRules


@dataclass(frozen=True, slots=True)
class Runtime:
    """The ports of the deployed stack."""

    settings: Settings
    sessions: Sessions
    tables: TableAccess
    ledger: Ledger
    ledger_table: LedgerTable
    checkpoints: Checkpoints
    executions: StepFunctionsExecutions
    artifacts: Artifacts
    gate: Gate
    guard: LeaseGuard
    wires: dict[TableAddress, BotocoreWireClient]

    @classmethod
    def of(
        cls, settings: Settings, sessions: Sessions, table: LedgerTable, executions: Any
    ) -> "Runtime":
        """The ports over these sessions, this ledger and these executions."""
        ledger = Ledger(table)
        return cls(
            settings=settings,
            sessions=sessions,
            tables=TableAccess(sessions),
            ledger=ledger,
            ledger_table=table,
            checkpoints=Checkpoints(table),
            executions=executions,
            artifacts=Artifacts(sessions.client("s3"), settings.artifacts_bucket),
            gate=Gate(ledger, executions),
            guard=LeaseGuard(),
            wires={},
        )

    def admit(self, event: dict[str, Any]) -> Run:
        """The run of a state's input; raises what `Gate.admit` raises.

        Step Functions has just invoked this state. So where DescribeExecution, which is eventually
        consistent, does not know of the redrive yet, the state is tried again.
        """
        migration = event["migration"]
        try:
            control = self.gate.admit(migration["run"], migration["owner"])
        except MigrationPausedError as error:
            raise TransientError(error.cause, hint=error.hint) from error
        return self.run(migration["run"], control)

    def run(self, name: str, control: Control) -> Run:
        record = self.ledger.record(name)
        if record is None:
            raise NotOwnerError(f"the ledger holds no run named {name}", hint="start it anew")
        steps = OwnedSteps(self.ledger, control.owner)
        return Run(name, control, RunSpec.from_json(record["spec"]), record, steps)

    def transform(self, run: Run) -> Transform:
        """The run's transform; raises TransformChangedError when a module is another by now."""
        transform = Transform.compile(run.spec.transform)
        if transform.fingerprint != run.record["transformFingerprint"]:
            raise TransformChangedError(
                f"a module in transforms/ is not the one that {run.name} began with",
                hint="deploy the module that it began with and redrive, or start a new migrationId",
            )
        return transform

    @property
    def ledger_place(self) -> Place:
        """Where the ledger's own table is: no migration may touch it."""
        identity = self.sessions.identity
        return Place(identity.account, self.sessions.region, self.settings.ledger_table)

    def remember_keys(self, run: Run, **tables: TableFacts) -> None:
        """Keeps the key attributes of `source` and `destination` for the workers."""
        known = run.steps.step(run.name, "keys") or {}
        for side, facts in tables.items():
            known[side] = {
                "keys": list(facts.key_names),
                "types": dict(facts.attribute_types),
                "readUnits": facts.read_units,
                "writeUnits": facts.write_units,
            }
        run.steps.record_step(run.name, "keys", known)

    def keys(self, run: Run) -> Keys:
        known = run.record["steps"]["keys"]
        destination = known["destination"]
        return Keys(
            source=tuple(known.get("source", {}).get("keys", ())),
            destination=KeyRules(tuple(destination["keys"]), destination["types"]),
        )

    def wire(self, address: TableAddress) -> BotocoreWireClient:
        """The data-plane client of a table; every signature passes the guard."""
        if address not in self.wires:
            client = self.sessions.data_client(address, WRITE_THREADS + 4)
            self.wires[address] = BotocoreWireClient(client, self.guard)
        return self.wires[address]

    def worker(
        self, event: dict[str, Any], context: LambdaContext, work: Work | None = None
    ) -> Worker:
        """A worker for the segment in a Map child's input, bound by the invocation's time."""
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000.0)
        self.guard.deadline = deadline
        task = SegmentTask.from_event(event, work)
        record, control = self.ledger.record(task.run) or {}, self.ledger.control(task.run)
        holder = context.aws_request_id
        return Worker(
            task=task,
            holder=holder,
            log=self.checkpoints,
            gate=self.gate,
            deadline=deadline,
            stall_seconds=self.settings.stall_seconds,
            pacer=pacer_for(record, task, holder=holder, log=self.checkpoints, control=control),
            report=partial(count_work, task.run, task.work),
        )


@cache
def runtime() -> Runtime:
    """The sandbox's runtime; importing a handler needs no environment, calling it does."""
    settings = Settings.from_env()
    logger.info("first use", extra={"botocore": BOTOCORE_VERSION})
    sessions = Sessions()
    table = LedgerTable(sessions.client("dynamodb"), settings.ledger_table)
    executions = StepFunctionsExecutions(sessions.client("stepfunctions"))
    return Runtime.of(settings, sessions, table, executions)
