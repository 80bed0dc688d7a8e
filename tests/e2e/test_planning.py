"""A plan in the deployed stack: what it says against what the run took, and what it leaves alone.

The permission check is asked role by role against the engine's IAM, which evaluates the policies
that the template deployed.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tableferry.addresses import Place
from tableferry.aws.session import Sessions
from tableferry.aws.simulating import Roles
from tableferry.aws.table_access import TableAccess
from tableferry.checking.validating import StackRun, validate_migration
from tableferry.errors import PermissionMissingError
from tableferry.local.engine import REGION
from tableferry.local.faults import Freeze, Limits
from tableferry.ports import StackRoles
from tableferry.spec import MigrationSpec
from tests.e2e.stack import Stack, rows

UNITS_WITHIN = 0.02
TIME_WITHIN = 0.20
WRITES_A_SECOND = 50


def counted(stack: Stack) -> str:
    """A table whose units the proxy counts as AWS does."""
    name = stack.create_table()
    stack.proxy.limit(name, Limits())
    return name


def test_units_and_time_are_as_estimated(stack: Stack) -> None:
    source, destination = counted(stack), counted(stack)
    # Of one to three write units, mixed all over the table.
    sizes = [{"body": {"S": "x" * (200 + 37 * number % 2_500)}} for number in range(1_100)]
    stack.load(source, [{**row, **size} for row, size in zip(rows(1_100), sizes, strict=True)])
    limits = {"maxConcurrency": 4, "writeUnitsPerSecond": WRITES_A_SECOND}
    spec = stack.spec(source, destination, segments=4, limits=limits, verify="content")
    plan = stack.output(stack.start({**spec, "mode": "plan"}))

    execution = stack.start(spec)
    outcome = stack.output(execution)

    estimate, used = plan["estimate"], outcome["consumed"]
    assert used["readUnits"] == pytest.approx(estimate["readUnits"], rel=UNITS_WITHIN)
    assert used["writeUnits"] == pytest.approx(estimate["writeUnits"], rel=UNITS_WITHIN)
    # What the budget decides. The states around it take as long as this machine needs to start a
    # process for each function, which is not what they take on AWS.
    took = seconds_of_states(stack, execution)
    copy = plan["details"]["time"]["phases"]["copy"]
    # Never faster than the budget lets it; how much slower depends on what else this machine does.
    assert took["CopySourceToDestination"] >= copy * (1 - TIME_WITHIN), str(took)
    assert plan["bottleneck"] == f"writing the destination, {WRITES_A_SECOND} write units a second"


def seconds_of_states(stack: Stack, execution: str) -> dict[str, float]:
    """How long the execution was in each of its states."""
    found: dict[str, float] = {}
    for event in stack.history(execution):
        for kind, sign in (("stateEnteredEventDetails", -1), ("stateExitedEventDetails", 1)):
            if kind in event:
                name, at = event[kind]["name"], event["timestamp"].timestamp()
                found[name] = round(found.get(name, 0.0) + sign * at, 1)
    return found


def test_transitions_are_as_estimated(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(60))
    spec = stack.spec(source, destination, segments=3)
    plan = stack.output(stack.start({**spec, "mode": "plan"}))
    execution = stack.start(spec)
    stack.output(execution)
    entered = [
        name for each in (execution, *stack.children(execution)) for name in stack.entered(each)
    ]
    assert plan["details"]["cost"]["stateTransitions"] == pytest.approx(len(entered), abs=2)


def test_a_plan_beside_a_running_migration_changes_nothing(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(300))
    # No answer until the end of the test, so that the migration surely runs beside the plan.
    stack.proxy.add(Freeze(), operations="BatchWriteItem", tables=destination)
    running = stack.spec(source, destination, segments=2)
    execution = stack.start(running)
    stack.proxy.calls.wait_for("BatchWriteItem", table=destination, ended=False)
    fresh = stack.new_name()
    planned = stack.spec(source, fresh, mode="plan", snapshot="export")
    planned["destination"]["create"] = "likeSource"
    backups = len(stack.dynamodb.list_backups()["BackupSummaries"])

    output = stack.output(stack.start(planned))

    assert stack.describe(execution)["status"] == "RUNNING"
    assert output["mode"] == "plan"
    assert output["estimate"]["items"] == 300
    assert output["estimate"]["usd"] > 0
    assert len(output["sample"]) == 3
    changing = stack.proxy.calls.select(mutating=True)
    assert changing, "the migration beside it does change things"
    for call in changing:
        # The ledger's bodies name the run they are about; tables are those of the migration alone.
        assert planned["migrationId"].encode() not in call.body
        assert set(call.tables) <= {destination, stack.outputs["LedgerTableName"]}
    assert fresh not in stack.dynamodb.list_tables()["TableNames"]
    assert len(stack.dynamodb.list_backups()["BackupSummaries"]) == backups
    recovery = stack.dynamodb.describe_continuous_backups(TableName=source)
    state = recovery["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert state["PointInTimeRecoveryStatus"] == "DISABLED"
    assert not stack.objects(f"outcomes/{planned['migrationId']}")
    stack.proxy.clear()
    # The write that was held back may be too old to be taken: how it ends is not the plan's affair.
    stack.wait(execution)


@contextmanager
def taken_away(stack: Stack, role: str, action: str, resource: str) -> Iterator[None]:
    """A role without an action on a resource, for the time of the block."""
    iam, name = stack.client("iam"), role.rpartition("/")[2]
    statement = {"Effect": "Deny", "Action": action, "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = {"RoleName": name, "PolicyName": "taken-away"}
    iam.put_role_policy(**policy, PolicyDocument=json.dumps(document))
    try:
        yield
    finally:
        iam.delete_role_policy(**policy)


class Recorded:
    """The engine's roles, with a list of what they were asked. What was asked of a role whose
    policies are as before is not asked again.
    """

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        self.asked: set[tuple[str, str, str]] = set()
        self.changed = ""
        self._stack = roles.stack()
        self._answers: dict[tuple[str, str], dict[str, str]] = {}

    def stack(self) -> StackRoles:
        return self._stack

    def denied(self, role: str, actions: Any, resource: str) -> dict[str, str]:
        self.asked |= {(role, action, resource) for action in actions}
        if role == self.changed:
            return self.roles.denied(role, actions, resource)
        if (role, resource) not in self._answers:
            self._answers[role, resource] = self.roles.denied(role, actions, resource)
        return self._answers[role, resource]


def test_each_permission_of_worker_and_machine_that_is_taken_away_is_named(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(3))
    execution = stack.start(stack.spec(source, destination))
    stack.output(execution)
    sessions = Sessions(region=REGION, endpoint_url=stack.engine.endpoint_url)
    roles = Recorded(Roles(sessions, execution, {}))
    spec = MigrationSpec.parse(
        {**stack.spec(source, destination), "onItemError": "quarantine", "snapshot": "backup"}
    )
    ledger = Place(sessions.identity.account, REGION, stack.outputs["LedgerTableName"])

    def check() -> None:
        run = StackRun(roles, stack.outputs["ArtifactsBucketName"])
        validate_migration(spec, spec.migration_id, TableAccess(sessions), ledger, stack=run)

    check()
    needed = sorted(
        each
        for each in roles.asked
        if re.search("CopySegment|DigestSegment|MigrateStateMachine|SnapshotSource", each[0])
    )
    assert len(needed) > 50
    for role, action, resource in needed:
        roles.changed = role
        with (
            taken_away(stack, role, action, resource),
            pytest.raises(PermissionMissingError) as refused,
        ):
            check()
        named = [each for each in refused.value.problems if each.value == action]
        assert [each for each in named if f"{action} on {resource} " in each.rule], (role, action)
    check()


def test_a_run_without_a_permission_touches_nothing_and_says_which(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(3))
    ended = stack.start(stack.spec(source, destination))
    stack.output(ended)
    sessions = Sessions(region=REGION, endpoint_url=stack.engine.endpoint_url)
    role = Roles(sessions, ended, {}).stack().roles["copy_segment"]
    arn = stack.dynamodb.describe_table(TableName=destination)["Table"]["TableArn"]
    spec = stack.spec(source, destination)
    stack.proxy.calls.clear()
    with taken_away(stack, role, "dynamodb:BatchWriteItem", arn):
        words = stack.failure(stack.start(spec))
    assert "PermissionMissingError" in words
    assert f"the function copy_segment may not do dynamodb:BatchWriteItem on {arn}" in words
    assert stack.proxy.calls.select(mutating=True) == []


def test_the_dashboard_and_the_alarms_are_drawn_from_what_a_run_published(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(200))
    stack.output(stack.start(stack.spec(source, destination)))
    cloudwatch = stack.client("cloudwatch")
    body = json.loads(cloudwatch.get_dashboard(DashboardName="tableferry")["DashboardBody"])
    drawn = [metric for widget in body["widgets"] for metric in _own(widget)]
    names = {metric[1] for metric in drawn}
    # What this run has nothing of: no stream, no faults, no throttles, no budget of its own.
    quiet = {name for name in names if name.startswith(("ThrottledBy", "ThrottledOtherwise"))}
    quiet |= {"Errors", "SyncLag", "OldestUnapplied", "ChangesApplied"}
    quiet |= {"PoisonRecords", "DirtyItems", "SyncFailures"}
    assert {"ItemsRead", "ItemsPlanned", "WriteUnits", "WriteUnitBudget"} <= names - quiet
    for metric in drawn:
        if metric[1] not in quiet:
            assert _values(cloudwatch, metric), metric
    read = ["Tableferry", "ItemsRead", "Work", "copy", "service", "tableferry"]
    assert sum(_values(cloudwatch, read)) >= 200
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    assert {each["MetricName"] for each in alarms} >= {"ExecutionsFailed", "ThrottledRequests"}
    assert all(each["AlarmActions"] == [stack.outputs["AlarmTopicArn"]] for each in alarms)


def _own(widget: dict[str, Any]) -> list[list[str]]:
    """The metrics of Tableferry's own namespace in a widget, without their options."""
    found = [each for each in widget["properties"].get("metrics", []) if each[0] == "Tableferry"]
    return [[word for word in each if isinstance(word, str)] for each in found]


def _values(cloudwatch: Any, metric: list[str]) -> list[float]:
    """What GetMetricData has of a metric, as the dashboard asks for it."""
    now = datetime.now(UTC)
    namespace, name, *pairs = metric
    dimensions = [
        {"Name": key, "Value": value} for key, value in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace,
                        "MetricName": name,
                        "Dimensions": dimensions,
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
    )
    found: list[float] = answer["MetricDataResults"][0]["Values"]
    return found
