"""What the same machine does beside migrating: plan, count, clean."""

from tests.e2e.call_log import writes
from tests.e2e.command_line import CommandLine
from tests.e2e.stack import Stack, rows

FILTER = [{"filter": "{% n >= 100 %}"}, {"rename": {"from": "n", "to": "number"}}]


def test_plan_says_what_a_move_would_do_and_changes_nothing(
    stack: Stack, tableferry: CommandLine
) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(150))
    stack.load(destination, rows(3))
    spec = stack.spec(source, destination, transform=FILTER)
    stack.proxy.calls.clear()

    through_proxy = {"AWS_ENDPOINT_URL_DYNAMODB": stack.proxy.endpoint_url}
    answer = tableferry("plan", tableferry.spec_file(spec), "--json", environment=through_proxy)

    assert answer.exit_status == 0, answer.output + answer.errors
    plan = answer.document
    assert plan.keys() >= {"mode", "estimate", "bottleneck", "warnings", "sample"}
    assert plan["estimate"].keys() >= {"items", "readUnits", "writeUnits", "seconds", "usd"}
    assert plan["estimate"]["items"] == 50
    assert any(destination in text and "backed up" in text for text in plan["warnings"])
    assert len(plan["sample"]) == 3
    for each in plan["sample"]:
        before = dict(each["before"])
        assert each["after"] == {"id": before["id"], "number": before["n"]}
    calls = stack.proxy.calls
    assert calls.count("Scan", table=source) >= 2  # the command's own look, and the machine's
    assert not calls.select(mutating=True)
    assert not stack.ledger(spec["migrationId"])
    assert not stack.objects(f"outcomes/{spec['migrationId']}")


def test_count_counts_what_the_filter_lets_through(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(150))
    stack.load(destination, rows(7))
    spec = stack.spec(source, destination, mode="count", transform=FILTER, segments=3)

    output = stack.output(stack.start(spec))

    assert output == {"mode": "count", "sourceItems": 50, "destinationItems": 7}
    assert stack.outcome(f"{spec['migrationId']}.count") == output
    assert not writes(stack, destination)


def test_clean_stops_before_the_page_of_an_item_that_its_condition_fails_on(stack: Stack) -> None:
    table = stack.create_table()
    stack.load(table, [*rows(300), {"id": {"S": "bad"}, "n": {"S": "12"}}])
    spec = {
        "migrationId": f"clean-{table}",
        "mode": "clean",
        "destination": {"tableName": table},
        "cleanWhere": "{% n < 200 %}",
        "segments": 1,
    }

    execution = stack.start(spec)
    words = stack.failure(execution)

    assert "ItemError" in words and "bad" in words and "cleanWhere" in words
    assert not writes(stack, table)
    assert len(stack.items(table)) == 301

    stack.dynamodb.put_item(TableName=table, Item={"id": {"S": "bad"}, "n": {"N": "12"}})
    stack.redrive(execution)
    output = stack.output(execution)

    assert output["deleted"] == 201
    assert stack.outcome(f"{spec['migrationId']}.clean") == output
    left = {int(item["n"]["N"]) for item in stack.items(table).values()}
    assert left == set(range(200, 300))
    assert "/backup/" in output["undo"]["arn"]
