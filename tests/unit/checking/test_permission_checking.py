from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tableferry.addresses import Place
from tableferry.checking.permissions import MACHINE, NEEDS
from tableferry.checking.validating import StackRun, validate_migration
from tableferry.errors import PermissionMissingError, RequestRefusedError
from tableferry.ports import StackRoles
from tableferry.spec import MigrationSpec
from tests.fake_tables import ACCOUNT, REGION, FakeAccount, FakeTable, keys

LEDGER = Place(ACCOUNT, REGION, "tableferry-ledger")
MACHINE_ARN = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:tableferry-migrate"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/one"
FUNCTIONS = sorted({need.function for need in NEEDS} - {MACHINE})


@dataclass
class FakeRoles:
    """Roles that may do everything but what is taken away: (role, action) -> the decision."""

    taken: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    error: Exception | None = None

    def stack(self) -> StackRoles:
        if self.error:
            raise self.error
        arns = {name: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}" for name in FUNCTIONS}
        roles = {name: f"role/{name}" for name in FUNCTIONS}
        return StackRoles(MACHINE_ARN, f"role/{MACHINE}", arns, roles)

    def denied(self, role: str, actions: Sequence[str], resource: str) -> Mapping[str, str]:
        self.asked += [(role.removeprefix("role/"), action, resource) for action in actions]
        return {
            action: self.taken[role.removeprefix("role/"), action]
            for action in actions
            if (role.removeprefix("role/"), action) in self.taken
        }


@dataclass
class Case:
    """Two tables with items, and the roles of a stack."""

    world: FakeAccount = field(default_factory=FakeAccount)
    roles: FakeRoles = field(default_factory=FakeRoles)

    def __post_init__(self) -> None:
        encrypted = {"SSEDescription": {"SSEType": "KMS", "KMSMasterKeyArn": KEY}}
        item = {"id": {"S": "1"}}
        self.world.add(FakeTable("Orders", keys("id"), [item], more=encrypted))
        self.world.add(FakeTable("Copy", keys("id"), [item], more=encrypted))

    def check(self, **fields: Any) -> tuple[str, ...]:
        """The warnings of a run that may begin."""
        tables = {"source": {"tableName": "Orders"}, "destination": {"tableName": "Copy"}}
        spec = MigrationSpec.parse({"migrationId": "m1", **tables, **fields})
        stack = StackRun(self.roles, "artifacts")
        return validate_migration(spec, "m1", self.world, LEDGER, stack=stack).warnings


FULL: dict[str, Any] = {
    "cleanDestination": True,
    "onItemError": "quarantine",
    "verify": "count",
    "snapshot": "export",
}
FRESH = {"destination": {"tableName": "Fresh", "create": "likeSource"}}
RUNS: dict[str, dict[str, Any]] = {
    "full": FULL,
    "live": {**FRESH, "strategy": "live", "approval": True},
    "keep": {"onExisting": "keep", "repair": True},
}


def needed(**fields: Any) -> list[tuple[str, str, str]]:
    """What a run is asked for: who, what, on what."""
    case = Case()
    case.check(**fields)
    assert case.world.changes == []
    return sorted(set(case.roles.asked))


def test_a_run_with_every_permission_begins() -> None:
    assert not any("permission" in warning for warning in Case().check(**FULL))


def each_need(run: str) -> list[Any]:
    return [
        pytest.param(run, gap, id=f"{run} {gap[0]} {gap[1]} {gap[2].rpartition(':')[2]}")
        for gap in needed(**RUNS[run])
    ]


@pytest.mark.parametrize(("run", "gap"), [case for run in RUNS for case in each_need(run)])
def test_each_permission_that_is_taken_away_is_named(run: str, gap: tuple[str, str, str]) -> None:
    function, action, resource = gap
    case = Case()
    case.roles.taken[function, action] = "implicitDeny"
    with pytest.raises(PermissionMissingError) as refused:
        case.check(**RUNS[run])
    problems = [problem for problem in refused.value.problems if resource in problem.rule.split()]
    assert [(problem.path, problem.value) for problem in problems] == [
        (f"permissions.{function}", action)
    ]
    assert "missing for this run" in refused.value.cause
    remedy = problems[0].remedy
    if resource == KEY:
        assert remedy == f"deploy with TableKeyArnPattern={KEY}"
    elif "table/Orders" in resource:
        assert remedy.startswith("deploy with SourceTablePattern=Orders")
    elif "table/Copy" in resource or "table/Fresh" in resource:
        name = RUNS[run].get("destination", {"tableName": "Copy"})["tableName"]
        assert remedy.startswith(f"deploy with DestinationTablePattern={name}")
    else:
        assert "deploy the template again" in remedy


def test_all_gaps_come_at_once_with_the_refusals_of_reading() -> None:
    case = Case()
    case.world.denied.add("source:Scan")
    case.roles.taken["copy_segment", "dynamodb:BatchWriteItem"] = "implicitDeny"
    case.roles.taken[MACHINE, "states:RedriveExecution"] = "explicitDeny"
    with pytest.raises(PermissionMissingError) as refused:
        case.check(**FULL)
    assert {problem.value for problem in refused.value.problems} == {
        "dynamodb:BatchWriteItem",
        "states:RedriveExecution",
    }
    assert "dynamodb:Scan on table Orders was refused" in refused.value.cause
    denied = next(each for each in refused.value.problems if each.path == "permissions.migrate")
    assert "denies it" in denied.remedy


def test_only_what_the_run_needs_is_asked_for() -> None:
    plain = {(who, action) for who, action, _ in needed(verify="none", snapshot="none")}
    assert ("clean_segment", "dynamodb:Scan") not in plain
    assert ("snapshot_source", "dynamodb:CreateBackup") not in plain
    assert ("count_segment", "dynamodb:Scan") not in plain
    assert ("copy_segment", "dynamodb:BatchWriteItem") in plain
    keeps = {(who, action) for who, action, _ in needed(verify="none", onExisting="keep")}
    assert ("copy_segment", "dynamodb:PartiQLInsert") in keeps
    assert ("copy_segment", "dynamodb:BatchWriteItem") not in keeps
    fresh = needed(destination={"tableName": "Fresh", "create": "likeSource"}, verify="none")
    assert ("prepare_destination", "dynamodb:CreateTable") in {each[:2] for each in fresh}
    assert not any("backup" in resource and "Fresh" in resource for _, _, resource in fresh)


@pytest.mark.parametrize(
    "error",
    [
        PermissionMissingError("iam:SimulatePrincipalPolicy on role x was refused"),
        RequestRefusedError("iam:SimulatePrincipalPolicy: InvalidAction", code="InvalidAction"),
    ],
)
def test_a_simulation_that_is_refused_is_a_warning(error: Exception) -> None:
    case = Case()
    case.roles.error = error
    [warning] = [each for each in case.check(verify="none") if "not checked" in each]
    assert "iam:SimulatePrincipalPolicy" in warning


def test_a_table_of_another_account_is_not_asked_for() -> None:
    case = Case()
    other = "210987654321"
    case.world.add(FakeTable("Theirs", keys("id"), [{"id": {"S": "1"}}], account=other))
    role = f"arn:aws:iam::{other}:role/reader"
    source = {"tableName": f"arn:aws:dynamodb:{REGION}:{other}:table/Theirs", "roleArn": role}
    warnings = case.check(source=source, verify="none", snapshot="none")
    assert any(role in warning for warning in warnings)
    assert not any("Theirs" in resource for _, _, resource in case.roles.asked)
    assert ("copy_segment", "sts:AssumeRole", role) in case.roles.asked
    case.roles.taken["copy_segment", "sts:AssumeRole"] = "implicitDeny"
    with pytest.raises(PermissionMissingError) as refused:
        case.check(source=source, verify="none", snapshot="none")
    [problem] = refused.value.problems
    assert problem.remedy == f"deploy with AssumableRolePattern={role}"


def test_a_live_run_is_asked_for_its_whole_way() -> None:
    asked = needed(**RUNS["live"])
    who = {function for function, _, _ in asked}
    assert {"start_sync", "sync_changes", "sweep_segment", "mend_dirty_items", "drain_sync"} <= who
    kinds = {
        (function, resource.rpartition("/")[0].rpartition("/")[2])
        for function, _, resource in asked
    }
    assert ("sync_changes", "stream") in kinds
    assert ("prepare_destination", "kms:CreateGrant", KEY) in asked, "the clone takes the key"
