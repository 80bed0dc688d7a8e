"""The console's documents: problems with their lines, and what its buttons refuse."""

import json

import pytest

from tableferry.cli.console.positions import line_of
from tableferry.cli.console.views import drawn
from tableferry.errors import InvalidSpecError, NotFoundError
from tests.unit.cli.fake_console import ROOT, console_of
from tests.unit.cli.fake_stack import EXECUTIONS, SPEC, World

TEXT = """{
  "transform": [
    {"set": {"attribute": "from", "value": {"a": "}]"}}},
    {
      "rename": {"to": "x",
        "from": "y"}
    }
  ],
  "limits": {}
}"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("$", 1),
        ("transform", 2),
        ("transform[0].set.attribute", 3),
        ("transform[1]", 4),
        ("transform[1].rename.from", 6),
        ("transform[7].rename", 2),
        ("limits.nice", 9),
        ("migrationId", 1),
        ("transform.x", 2),
    ],
)
def test_path_is_found_in_the_text(path: str, line: int) -> None:
    assert line_of(TEXT, path) == line


@pytest.mark.parametrize("text", ["", "{", '{"a"', '{"a": [1,', '{"a": {"b": }}', "nonsense", "[]"])
def test_broken_text_has_a_line_all_the_same(text: str) -> None:
    assert line_of(text, "a[1].b") == 1


def test_validation_gives_all_problems_in_the_order_of_the_text() -> None:
    text = '{\n "migrationId": "",\n "mode": "x",\n "destination": {"tableNam": "Abc"}\n}'
    problems = console_of().validate(text)["problems"]
    assert [problem["line"] for problem in problems] == sorted(each["line"] for each in problems)
    assert {("migrationId", 2), ("mode", 3)} <= {(each["path"], each["line"]) for each in problems}
    assert all(each["rule"] and each["remedy"] for each in problems)


def test_text_that_is_no_json_is_said_with_its_line() -> None:
    (problem,) = console_of().validate('{\n "a": 1,\n}')["problems"]
    assert problem["line"] == 3


def test_every_example_of_events_is_valid() -> None:
    console = console_of()
    examples = console.examples()["examples"]
    assert len(examples) == len(list(ROOT.joinpath("events").glob("*.json"))) > 3
    for example in examples:
        assert console.validate(example["text"]) == {"problems": []}, example["name"]


def test_start_stop_and_redrive(world: World) -> None:
    console = console_of(world)
    world.executions.on_start = lambda _arn, _spec: None
    arn = console.start(json.dumps(SPEC))["arn"]
    with pytest.raises(InvalidSpecError):
        console.redrive(arn)
    console.stop(arn)
    assert world.executions.states[arn].status == "ABORTED"
    with pytest.raises(InvalidSpecError):
        console.stop(arn)
    console.redrive(arn)
    assert world.executions.states[arn].redrive_count == 1
    assert len(world.executions.started) == 1


def test_used_id_is_refused_and_nothing_started(world: World) -> None:
    world.migrate()
    with pytest.raises(InvalidSpecError) as raised:
        console_of(world).start(json.dumps({**SPEC, "migrationId": "prefs-v2"}))
    assert [problem.path for problem in raised.value.problems] == ["migrationId"]
    assert not world.executions.started


def test_what_can_not_be_redriven_is_said(world: World) -> None:
    arn = world.migrate("FAILED")
    world.executions.too_old.add(arn)
    with pytest.raises(NotFoundError, match="can not redrive"):
        console_of(world).redrive(arn)


def test_approve_answers_the_migration_that_waits(world: World) -> None:
    arn = world.migrate(steps={"approval": {"taskToken": "token", "at": 1.0}})
    world.executions.waiting_tokens.add("token")
    assert console_of(world).approve(arn) == {"arn": arn}
    assert world.executions.approved == ["token"]
    with pytest.raises(InvalidSpecError, match="does not wait for approval"):
        console_of(world).approve(arn)


@pytest.mark.parametrize("arn", ["", "arn:aws:states:us-east-1:1:execution:other:one"])
def test_executions_of_other_machines_are_not_touched(world: World, arn: str) -> None:
    console = console_of(world)
    for call in (console.execution, console.stop, console.redrive, console.approve):
        with pytest.raises(NotFoundError):
            call(arn)


def test_execution_that_is_not_there_is_said(world: World) -> None:
    with pytest.raises(NotFoundError):
        console_of(world).stop(f"{EXECUTIONS}:nobody")


def test_graph_is_that_of_the_definition() -> None:
    definition = json.loads(ROOT.joinpath("statemachine/migrate.asl.json").read_text())
    graph = drawn(definition)
    names = {state["name"] for state in graph["states"]}
    assert names == set(definition["States"])
    assert graph["start"] in names
    assert all(set(state["next"]) <= names for state in graph["states"])
    reached = {graph["start"], *(name for state in graph["states"] for name in state["next"])}
    assert reached == names
