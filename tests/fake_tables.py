"""Tables in memory that obey AWS's rules as far as the use cases around them can tell."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tableferry.addresses import Addressed, Place
from tableferry.errors import (
    PermissionMissingError,
    RequestRefusedError,
    TableNotFoundError,
    TransientError,
)
from tableferry.items import WireItem, from_typed
from tableferry.ports import ExportState
from tableferry.table_facts import Recovery, TableFacts, TableSettings

ACCOUNT = "123456789012"
REGION = "eu-west-1"


@dataclass
class FakeTable:
    """One table; `looks_until_ready` descriptions say CREATING first."""

    name: str
    parameters: dict[str, Any]
    items: list[dict[str, Any]] = field(default_factory=list)
    status: str = "ACTIVE"
    counted_items: int | None = None
    size_bytes: int = 0
    account: str = ACCOUNT
    region: str = REGION
    looks_until_ready: int = 0
    recovery: Recovery = field(default_factory=lambda: Recovery(is_on=False))
    ttl: str | None = None
    insights: dict[str, str | None] = field(default_factory=dict)
    policy: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    pages: int = 1

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{self.name}"

    @property
    def tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.parameters.get("Tags", ())}

    def description(self) -> dict[str, Any]:
        is_provisioned = "ProvisionedThroughput" in self.parameters
        mode = "PROVISIONED" if is_provisioned else "PAY_PER_REQUEST"
        is_creating = self.looks_until_ready > 0
        self.looks_until_ready -= is_creating
        carried = {
            name: value
            for name, value in self.parameters.items()
            if name not in {"Tags", "BillingMode", "SSESpecification", "TableClass"}
        }
        for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            if name in carried:
                carried[name] = [{**index, "IndexStatus": "ACTIVE"} for index in carried[name]]
        return {
            **carried,
            "TableName": self.name,
            "TableArn": self.arn,
            "TableStatus": "CREATING" if is_creating else self.status,
            "BillingModeSummary": {"BillingMode": mode},
            "ItemCount": len(self.items) if self.counted_items is None else self.counted_items,
            "TableSizeBytes": self.size_bytes or sum(len(json.dumps(item)) for item in self.items),
            **self.more,
        }


@dataclass
class FakeAccount:
    """Every table by its place; `denied` holds actions such as "source:Scan" that are refused."""

    tables: dict[Place, FakeTable] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    account: str = ACCOUNT
    tables_busy: bool = False
    hidden_after_create: int = 0
    creating_takes: int = 0

    def add(self, table: FakeTable) -> FakeTable:
        self.tables[Place(table.account, table.region, table.name)] = table
        return table

    def place_of(self, table: Addressed) -> Place:
        return Place(table.account or self.account, table.effective_region or REGION, table.name)

    def table(self, table: Addressed, side: str) -> "FakeTablePort":
        return FakeTablePort(self, self.place_of(table), side)

    def options(self, table: Addressed, side: str) -> "FakeOptions":
        return FakeOptions(self, self.place_of(table), side)

    @property
    def changes(self) -> list[str]:
        """The calls that change something."""
        reading = ("Describe", "List", "Get", "Scan")
        return [call for call in self.calls if not call.startswith(reading)]


@dataclass
class _Port:
    world: FakeAccount
    place: Place
    side: str

    @property
    def name(self) -> str:
        return self.place.name

    def call(self, action: str) -> None:
        self.world.calls.append(action)
        if f"{self.side}:{action}" in self.world.denied:
            raise PermissionMissingError(
                f"dynamodb:{action} on table {self.name} was refused", hint=f"allow {action}"
            )

    def found(self) -> FakeTable:
        try:
            return self.world.tables[self.place]
        except KeyError:
            raise TableNotFoundError(f"table {self.name} is not there") from None


class FakeTablePort(_Port):
    def describe(self) -> TableFacts:
        self.call("DescribeTable")
        table = self.found()
        if self.world.hidden_after_create:
            # DescribeTable right after CreateTable may know nothing of the table [BC].
            self.world.hidden_after_create -= 1
            raise TableNotFoundError(f"table {self.name} is not there")
        return TableFacts.from_description(table.description())

    def tags(self) -> Mapping[str, str]:
        self.call("ListTagsOfResource")
        return self.found().tags

    def create(self, parameters: Mapping[str, Any]) -> bool:
        self.call("CreateTable")
        if self.place in self.world.tables:
            return False
        if self.world.tables_busy:
            raise TransientError("another table is being created")
        _check_definitions(parameters)
        table = FakeTable(self.name, dict(parameters), looks_until_ready=self.world.creating_takes)
        table.account, table.region = self.place.account, self.place.region
        self.world.add(table)
        return True

    def creation_faults(self, parameters: Mapping[str, Any]) -> list[str]:
        return [] if isinstance(parameters.get("KeySchema"), list) else ["KeySchema is no list"]

    def sample(self, limit: int) -> tuple[list[WireItem], bool]:
        self.call("Scan")
        table = self.found()
        return [from_typed(item) for item in table.items[:limit]], len(table.items) <= limit

    def sample_places(self, places: int, limit: int) -> list[WireItem]:
        self.call("Scan")
        items = self.found().items
        part = len(items) // (places + 1)
        starts = [part * place for place in range(1, places + 1)]
        return [
            from_typed(item) for start in starts for item in items[start : start + min(limit, part)]
        ]

    def is_empty(self) -> bool:
        self.call("Scan")
        return not self.found().items


def _check_definitions(parameters: Mapping[str, Any]) -> None:
    """AWS refuses a definition that no key uses, and a key without one."""
    defined = {entry["AttributeName"] for entry in parameters["AttributeDefinitions"]}
    schemas = [parameters["KeySchema"]]
    for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in parameters.get(name, ()):
            schemas.append(index["KeySchema"])
            if name == "LocalSecondaryIndexes":
                assert index["KeySchema"][0] == parameters["KeySchema"][0], "not the same partition"
                assert len(parameters["KeySchema"]) == 2, "a local index needs a sort key"
    used = {entry["AttributeName"] for schema in schemas for entry in schema}
    if defined != used:
        raise RequestRefusedError(
            f"definitions {defined} are not {used}", code="ValidationException"
        )
    if len(parameters.get("Tags", ())) > 50:
        raise RequestRefusedError("too many tags", code="ValidationException")


class FakeOptions(_Port):
    def read(self, facts: TableFacts) -> TableSettings:
        table = self.found()
        return TableSettings(
            ttl_attribute=table.ttl,
            recovery=table.recovery,
            insights=table.insights,
            policy=table.policy,
            **table.settings,
        )

    def recovery(self) -> Recovery:
        self.call("DescribeContinuousBackups")
        return self.found().recovery

    def set_recovery(self, wanted: Recovery) -> None:
        self.call("UpdateContinuousBackups")
        self.found().recovery = wanted

    def turn_on_ttl(self, attribute: str) -> None:
        table = self.found()
        if table.ttl != attribute:
            self.call("UpdateTimeToLive")
            table.ttl = attribute

    def turn_on_insights(self, index: str, mode: str) -> None:
        self.call("UpdateContributorInsights")
        self.found().insights[index] = mode

    def put_policy(self, policy: str) -> None:
        self.call("PutResourcePolicy")
        self.found().policy = policy


@dataclass
class FakeSnapshots:
    """Backups that take `looks` looks; exports that need recovery to be on and take as many."""

    looks: int = 1
    busy: int = 0
    recovery_of: FakeTable | None = None
    backups: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    exports: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    prefixes: list[str] = field(default_factory=list)
    failing: str = ""
    refusing: str = ""

    def start_backup(self, name: str) -> str:
        if self.refusing:
            raise RequestRefusedError("CreateBackup: refused", code=self.refusing)
        if self.busy:
            self.busy -= 1
            raise TransientError("busy")
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t/backup/{len(self.names)}"
        self.names.append(name)
        self.backups[arn] = self.looks
        return arn

    def backup_status(self, arn: str) -> str:
        if arn not in self.backups:
            return "DELETED"
        self.backups[arn] -= 1
        return "AVAILABLE" if self.backups[arn] < 0 else "CREATING"

    def start_export(self, bucket: str, prefix: str, token: str) -> str:
        if self.recovery_of is not None and not self.recovery_of.recovery.is_on:
            raise TransientError("point-in-time recovery is not on")
        if self.busy:
            self.busy -= 1
            raise TransientError("not ready yet")
        arn = self.tokens.setdefault(token, f"arn:export/{len(self.tokens)}")
        self.prefixes.append(f"s3://{bucket}/{prefix}")
        self.exports.setdefault(arn, self.looks)
        return arn

    def export_state(self, arn: str) -> ExportState:
        self.exports[arn] -= 1
        if self.exports[arn] >= 0:
            return ExportState("IN_PROGRESS")
        if self.failing:
            return ExportState("FAILED", failure=self.failing)
        return ExportState("COMPLETED", manifest="snapshots/m/manifest-summary.json")


@dataclass
class FakeSteps:
    """A step log that keeps JSON, as the ledger does."""

    values: dict[tuple[str, str], str] = field(default_factory=dict)

    def step(self, run: str, name: str) -> dict[str, Any] | None:
        text = self.values.get((run, name))
        value: dict[str, Any] | None = None if text is None else json.loads(text)
        return value

    def record_step(self, run: str, name: str, value: dict[str, Any]) -> None:
        self.values[run, name] = json.dumps(value)


def keys(*names: str, types: Sequence[str] = ("S", "S")) -> dict[str, Any]:
    """KeySchema and definitions of a table keyed by these attributes."""
    roles = ("HASH", "RANGE")
    return {
        "KeySchema": [
            {"AttributeName": name, "KeyType": role}
            for name, role in zip(names, roles, strict=False)
        ],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in zip(names, types, strict=False)
        ],
    }
