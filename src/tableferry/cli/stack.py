"""The deployed stack, as the commands use it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.addresses import TableAddress
from tableferry.aws.executions import HistoryEvent, MapRun
from tableferry.errors import NotFoundError
from tableferry.limits import RunLimits
from tableferry.model import Control, Lease, StopFlag
from tableferry.runs.ownership import ExecutionState
from tableferry.runs.recording import SegmentRecords
from tableferry.spec import MigrationSpec, is_migration_id


class Runs(Protocol):
    """The ledger's runs, as far as the commands need them."""

    def control(self, run: str) -> Control | None: ...

    def record(self, run: str) -> dict[str, Any] | None: ...

    def run_of(self, execution_arn: str) -> str | None: ...

    def flag_stop(self, run: str, flag: StopFlag) -> None: ...

    def set_limits(self, run: str, limits: RunLimits) -> None: ...


class Segments(SegmentRecords, Protocol):
    """The ledger's checkpoints and leases, as far as the commands need them."""

    def leases(self, run: str) -> list[Lease]: ...


class Executions(Protocol):
    """Executions of the state machine; see aws/executions.py."""

    def describe(self, execution_arn: str) -> ExecutionState | None: ...

    def start(self, machine_arn: str, name: str, document: dict[str, Any]) -> str: ...

    def stop(self, execution_arn: str, cause: str) -> None: ...

    def redrive(self, execution_arn: str) -> bool: ...

    def approve(self, task_token: str) -> bool: ...

    def definition(self, execution_arn: str) -> dict[str, Any]: ...

    def history(self, execution_arn: str) -> Iterable[HistoryEvent]: ...

    def map_runs(self, execution_arn: str) -> list[MapRun]: ...

    def set_concurrency(self, map_run_arn: str, most: int) -> None: ...


class Outcomes(Protocol):
    """Where outcomes lie."""

    def read_outcome(self, name: str) -> dict[str, Any] | None: ...

    def lines(self, uri: str) -> Iterator[bytes]: ...

    def quarantined(self, migration_id: str, most: int) -> list[dict[str, Any]]: ...

    def write_report(self, name: str, page: str) -> str: ...

    def report_uri(self, name: str) -> str: ...


class Tables(Protocol):
    """Tables as the person at the CLI may see them; see cli/tables.py."""

    def check(self, spec: MigrationSpec) -> None: ...

    def item_count(self, table: TableAddress) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the stack is: what a person looks at before anything is started."""

    account: str
    region: str
    endpoint: str

    @property
    def is_aws(self) -> bool:
        return ".amazonaws.com" in self.endpoint

    def __str__(self) -> str:
        return f"account {self.account}, Region {self.region}, endpoint {self.endpoint}"


@dataclass(frozen=True, slots=True)
class Stack:
    """The ports of one deployed stack; `identity` is the ARN of whoever asks."""

    name: str
    machine_arn: str
    place: Place
    runs: Runs
    segments: Segments
    executions: Executions
    outcomes: Outcomes
    tables: Tables
    identity: str = "somebody"

    def migration(self, migration_id: str) -> "Migration":
        """The migration of that id; raises NotFoundError where the ledger has none."""
        control = record = None
        # Names of runs in other modes have more in them; the ledger refuses an empty key.
        if is_migration_id(migration_id):
            control, record = self.runs.control(migration_id), self.runs.record(migration_id)
        if control is None or record is None or record["mode"] != "migrate":
            raise NotFoundError(
                f"the stack {self.name} knows no migration named {migration_id} ({self.place})",
                hint="check the id, the stack, the Region and the account; an id is known once the "
                "first state has taken it, and `tableferry start --wait` says why it did not",
            )
        return Migration(control, record)


@dataclass(frozen=True, slots=True)
class Migration:
    """What the ledger holds of a migration."""

    control: Control
    record: dict[str, Any]

    @property
    def steps(self) -> dict[str, Any]:
        steps: dict[str, Any] = self.record["steps"]
        return steps


def connect(
    stack_name: str,
    region: str | None,
    profile: str | None,
    endpoint_url: str | None = None,
) -> Stack:
    """Finds the stack in the account that the credentials belong to.

    Without `endpoint_url` AWS_ENDPOINT_URL is honoured. Raises NotFoundError where there is no such
    stack, UnreachableError and PermissionMissingError where AWS or the engine does not let us in.
    """
    # Imported here, so that `--help` and a wrong spec answer at once.
    from tableferry.aws.artifacts import Artifacts
    from tableferry.aws.checkpoints import Checkpoints
    from tableferry.aws.executions import StepFunctionsExecutions
    from tableferry.aws.ledger import Ledger
    from tableferry.aws.ledger_table import LedgerTable
    from tableferry.aws.session import Sessions
    from tableferry.aws.stack import stack_outputs
    from tableferry.cli.tables import StackTables

    sessions = Sessions(region=region, profile=profile, endpoint_url=endpoint_url)
    sessions.require_credentials()
    machines = sessions.client("stepfunctions")
    place = Place(sessions.identity.account, sessions.region, machines.meta.endpoint_url)
    outputs = stack_outputs(sessions.client("cloudformation"), stack_name)
    table = LedgerTable(sessions.client("dynamodb"), outputs.ledger_table)
    return Stack(
        name=stack_name,
        machine_arn=outputs.machine_arn,
        place=place,
        runs=Ledger(table),
        segments=Checkpoints(table),
        executions=StepFunctionsExecutions(machines),
        outcomes=Artifacts(sessions.client("s3"), outputs.artifacts_bucket),
        identity=sessions.identity.arn,
        tables=StackTables(sessions, outputs.ledger_table),
    )
