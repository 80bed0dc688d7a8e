"""The states that estimates count are those of the machine."""

from tableferry.estimates.costing import ALARMS, DASHBOARDS, GUARD_TURNS_OF_A_MONTH
from tableferry.runs import route
from tableferry.spec import MigrationSpec
from tests.structure import project

TOP = {state.name: state.fields for state in project.states("migrate") if state.level == "top"}
TABLES = {"source": {"tableName": "Old"}, "destination": {"tableName": "New"}}


def each_named() -> set[str]:
    parts = [value for name, value in vars(route).items() if name.isupper() and name != "MAPS"]
    return {state for part in parts for state in part}


def test_every_state_of_a_route_is_one_of_the_machine() -> None:
    assert each_named() <= set(TOP)
    assert {name for name in each_named() if TOP[name]["Type"] == "Map"} == route.MAPS


def test_functions_are_the_tasks() -> None:
    for name in each_named():
        assert route.functions_of([name]) == (TOP[name]["Type"] == "Task"), name


def test_a_route_follows_the_machine() -> None:
    spec = MigrationSpec.parse({"migrationId": "m", **TABLES, "verify": "count"})
    states = list(route.route(spec, is_created=True, is_backed_up=False))
    names = set(states)
    for name in names - {"RecordOutcome"}:
        following = {
            each[key]
            for each in [TOP[name], *TOP[name].get("Choices", [])]
            for key in ("Next", "Default")
            if key in each
        }
        assert following & names, name


def test_alarms_and_dashboards_that_are_priced_are_those_of_the_template() -> None:
    assert len(project.resources("AWS::CloudWatch::Alarm")) == ALARMS
    assert len(project.resources("AWS::CloudWatch::Dashboard")) == DASHBOARDS


def test_the_guards_turns_that_are_priced_are_those_of_its_schedule() -> None:
    guard = project.resources("AWS::Serverless::Function")["GuardSyncFunction"]["Properties"]
    [schedule] = guard["Events"].values()
    assert schedule["Properties"]["ScheduleExpression"] == "rate(5 minutes)"
    assert GUARD_TURNS_OF_A_MONTH == 30 * 24 * 60 // 5
