"""Input that is wrong: all of it said at once, before anything is touched or started."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.command_line import Answer, CommandLine
from tests.e2e.conftest import free_port
from tests.e2e.stack import Stack, rows

Spec = dict[str, Any]

MISTAKES: Spec = {
    "migrationId": "no spaces please",
    "source": {"tableName": "Orders", "tabelName": "Orders"},
    "destination": {"tableName": "x", "create": "likeThis"},
    "onExisting": "merge",
    "segments": 0,
    "limits": {"maxConcurrency": "many"},
    "cleanWhere": "{% total > 1 %}",
    "surprise": 1,
    "transform": [
        {"rename": {"from": "", "to": "b"}},
        {"set": {"attribute": "at", "value": "{% $now() %}"}},
        {"frobnicate": {"attribute": "a"}},
        {"filter": "{% total > %}"},
    ],
}
PATHS = {
    "migrationId",
    "source.tabelName",
    "destination.tableName",
    "destination.create",
    "onExisting",
    "segments",
    "limits.maxConcurrency",
    "cleanWhere",
    "surprise",
    "transform[0].rename.from",
    "transform[1].set.value",
    "transform[2].frobnicate",
    "transform[3].filter",
}


@pytest.mark.parametrize("command", ["start", "plan"])
def test_every_mistake_of_a_spec_comes_at_once(
    stack: Stack, tableferry: CommandLine, command: str
) -> None:
    untouched = _Untouched(stack)

    answer = tableferry(
        command,
        tableferry.spec_file(MISTAKES),
        "--json",
        environment={"AWS_ENDPOINT_URL_DYNAMODB": stack.proxy.endpoint_url},
    )

    assert answer.exit_status == 2
    assert answer.error["name"] == "InvalidSpecError"
    assert answer.problems.keys() == PATHS
    for problem in answer.error["problems"]:
        assert problem.keys() == {"path", "value", "rule", "remedy"}
        assert problem["rule"] and problem["remedy"]
    assert answer.problems["segments"]["value"] == 0
    assert "tableName" in answer.problems["source.tabelName"]["remedy"]
    untouched.require()
    assert not stack.proxy.calls.select()


def test_the_console_says_the_same_mistakes(stack: Stack, tableferry: CommandLine) -> None:
    said = tableferry("start", tableferry.spec_file(MISTAKES), "--json").error["problems"]

    words = stack.failure(stack.start(MISTAKES))

    assert words.startswith("InvalidSpecError ")
    for problem in said:
        assert f"{problem['path']}: " in words
    assert f"{len(said)} problems" in words
    assert not stack.proxy.calls.select(mutating=True)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A spec that only a look at AWS shows to be wrong."""

    name: str
    change: Callable[[Stack, Spec], None]
    error: str
    path: str
    rule: str

    def __str__(self) -> str:
        return self.name


def _the_same(stack: Stack, spec: Spec) -> None:
    arn = stack.dynamodb.describe_table(TableName=spec["source"]["tableName"])
    spec["destination"]["tableName"] = arn["Table"]["TableArn"]


def _missing(stack: Stack, spec: Spec) -> None:
    spec["source"]["tableName"] = "is-not-there"


def _another_type(stack: Stack, spec: Spec) -> None:
    spec["destination"]["tableName"] = stack.create_table(kind="N")


def _another_key(stack: Stack, spec: Spec) -> None:
    spec["destination"]["tableName"] = stack.create_table(key="customer")


def _another_account(stack: Stack, spec: Spec) -> None:
    spec["source"]["tableName"] = "arn:aws:dynamodb:us-east-1:210987654321:table/Orders"


def _the_ledger(stack: Stack, spec: Spec) -> None:
    spec["destination"]["tableName"] = stack.outputs["LedgerTableName"]


WRONG = (
    Wrong("same", _the_same, "InvalidSpecError", "destination.tableName", "is the source itself"),
    Wrong("missing", _missing, "TableNotFoundError", "source.tableName", "there is no such table"),
    Wrong("type", _another_type, "InvalidSpecError", "destination.tableName", "must be of type N"),
    Wrong("key", _another_key, "InvalidSpecError", "destination.tableName", "'customer' is not in"),
    Wrong("account", _another_account, "InvalidSpecError", "source.roleArn", "210987654321"),
    Wrong("ledger", _the_ledger, "InvalidSpecError", "destination.tableName", "ledger"),
)


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_only_a_look_at_the_tables_shows_is_refused_as_early(
    stack: Stack, tableferry: CommandLine, wrong: Wrong
) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(30))
    spec = stack.spec(source, destination)
    wrong.change(stack, spec)
    untouched = _Untouched(stack)

    answer = tableferry.migrate(spec)
    _require_refused(answer, wrong)
    untouched.require()

    words = stack.failure(stack.start(spec))
    assert words.startswith(f"{wrong.error} ")
    assert f"{wrong.path}: " in words and wrong.rule in words
    assert not stack.ledger(spec["migrationId"])
    assert not stack.proxy.calls.select(mutating=True)


def test_a_migration_id_is_used_once(stack: Stack, tableferry: CommandLine) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(5))
    spec = stack.spec(source, destination)
    first = stack.output(stack.start(spec))
    stack.load(source, rows(6))
    untouched = _Untouched(stack)

    answer = tableferry.migrate(spec)

    assert answer.exit_status == 2
    assert answer.problems["migrationId"]["value"] == spec["migrationId"]
    assert "resume" in answer.problems["migrationId"]["remedy"]
    untouched.require()
    words = stack.failure(stack.start(spec))
    assert words.startswith("InvalidSpecError ") and "migrationId: was used before" in words
    assert stack.outcome(spec["migrationId"]) == first
    assert len(stack.items(destination)) == 5


def test_json_that_does_not_parse_is_told_by_line_and_column(
    stack: Stack, tableferry: CommandLine
) -> None:
    untouched = _Untouched(stack)

    answer = tableferry("start", tableferry.spec_file('{\n  "migrationId": "a",\n  oops\n}'))

    assert answer.exit_status == 2
    assert answer.output == ""
    assert "line 3, column 3" in answer.errors
    assert answer.errors.startswith("error: ") and "\nhint: " in answer.errors
    untouched.require()


def test_an_engine_that_is_not_up_is_told_apart_from_wrong_input(
    stack: Stack, tableferry: CommandLine
) -> None:
    spec = stack.spec("Orders", "OrdersV2")
    elsewhere = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}

    for words in (("start", tableferry.spec_file(spec)), ("status", spec["migrationId"])):
        answer = tableferry(*words, "--json", environment=elsewhere)
        assert answer.exit_status == 3
        assert answer.error["name"] == "UnreachableError"
        assert "127.0.0.1" in answer.error["cause"]


def test_unknown_ids_stacks_and_files_are_wrong_input(
    stack: Stack, tableferry: CommandLine
) -> None:
    for words in (
        ("status", "never-started"),
        ("pause", "never-started"),
        ("report", "never-started", "--stack-name", "no-such-stack"),
        ("start", "no-such-file.json"),
    ):
        answer = tableferry(*words, "--json")
        assert (answer.exit_status, answer.error["name"]) == (2, "NotFoundError"), words
        assert answer.error["hint"]


def _require_refused(answer: Answer, wrong: Wrong) -> None:
    assert answer.exit_status == 2, answer.output + answer.errors
    assert answer.error["name"] == wrong.error
    assert answer.problems.keys() == {wrong.path}
    assert any(wrong.rule in each["rule"] for each in answer.error["problems"])
    assert all(each["remedy"] for each in answer.error["problems"])


class _Untouched:
    """What is there before; nothing may have been written or started since."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._before = self._now()
        stack.proxy.calls.clear()

    def require(self) -> None:
        assert self._now() == self._before

    def _now(self) -> Any:
        stack = self._stack
        tables = stack.dynamodb.list_tables()["TableNames"]
        contents = [
            (name, sorted(map(str, stack.dynamodb.scan(TableName=name)["Items"])))
            for name in tables
        ]
        return stack.executions(), contents
