"""What the use cases need from outside, as Protocols, and the plain values that go with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.addresses import Place
from tableferry.items import WireItem
from tableferry.table_facts import Recovery, TableFacts, TableSettings


class StepLog(Protocol):
    """What a run remembers of its steps, so that a step that is run again goes on where it was.

    `record_step` writes only while the caller's execution owns the run (NotOwnerError).
    Values are small JSON documents; a later one replaces the earlier one of that name.
    """

    def step(self, run: str, name: str) -> dict[str, Any] | None: ...

    def record_step(self, run: str, name: str, value: dict[str, Any]) -> None: ...


class TablePort(Protocol):
    """A table to look at and to create; aws/tables.py says what each call promises."""

    @property
    def name(self) -> str: ...

    @property
    def place(self) -> Place: ...

    def describe(self) -> TableFacts: ...

    def tags(self) -> Mapping[str, str]: ...

    def create(self, parameters: Mapping[str, Any]) -> bool: ...

    def creation_faults(self, parameters: Mapping[str, Any]) -> list[str]: ...

    def sample(self, limit: int) -> tuple[list[WireItem], bool]: ...

    def sample_places(self, places: int, limit: int) -> list[WireItem]: ...

    def is_empty(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class StackRoles:
    """The stack that runs: its machine and role, the functions that the machine calls, and the
    roles of these and other functions, by the function's folder.
    """

    machine_arn: str
    machine_role: str
    functions: Mapping[str, str]
    roles: Mapping[str, str]


class RolesPort(Protocol):
    """What IAM says of the stack's roles (aws/simulating.py)."""

    def stack(self) -> StackRoles: ...

    def denied(self, role: str, actions: Sequence[str], resource: str) -> Mapping[str, str]: ...


class OptionsPort(Protocol):
    """A table's settings that have calls of their own (aws/table_options.py)."""

    def read(self, facts: TableFacts) -> TableSettings: ...

    def recovery(self) -> Recovery: ...

    def set_recovery(self, wanted: Recovery) -> None: ...

    def turn_on_ttl(self, attribute: str) -> None: ...

    def turn_on_insights(self, index: str, mode: str) -> None: ...

    def put_policy(self, policy: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ExportState:
    """An export: status IN_PROGRESS, COMPLETED or FAILED; `manifest` is the summary's key."""

    status: str
    manifest: str | None = None
    failure: str = ""


class SnapshotsPort(Protocol):
    """Backups and exports of a table (aws/snapshots.py)."""

    def start_backup(self, name: str) -> str: ...

    def backup_status(self, arn: str) -> str: ...

    def start_export(self, bucket: str, prefix: str, token: str) -> str: ...

    def export_state(self, arn: str) -> ExportState: ...
