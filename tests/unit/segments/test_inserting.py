"""Insert if absent: nothing that is there is overwritten, nothing counts twice."""

import json
from typing import Any

import pytest

from tableferry.errors import PermissionMissingError, RequestRefusedError, StalledError
from tableferry.items import from_typed, raw
from tableferry.segments.inserting import STATEMENT_BYTES, Inserter
from tableferry.segments.writing import Entry
from tests.fakes import Faults, PartialFaults, Request, lost_answer, refusal
from tests.writer_bench import TABLE, Bench, entries


def insert(bench: Bench, batch: list[Entry]) -> tuple[int, int, int]:
    written = Inserter(bench.writer).insert(batch)
    return written.written, written.skipped, len(written.refused)


def test_a_batch_costs_one_request() -> None:
    bench = Bench()
    assert insert(bench, entries(25)) == (25, 0, 0)
    assert [operation for operation, _ in bench.dynamo.calls] == ["BatchExecuteStatement"]


def test_what_is_there_stays_as_it_is() -> None:
    bench = Bench()
    bench.table.load([{"pk": {"S": f"k{n}"}, "old": {"S": "mine"}} for n in range(10)])
    assert insert(bench, entries(25)) == (15, 10, 0)
    assert "old" in bench.table.items[(("S", "k3"),)]


@pytest.mark.parametrize("operation", ["BatchExecuteStatement", "BatchGetItem"])
def test_a_lost_answer_counts_every_item_once(operation: str) -> None:
    bench = Bench()
    bench.table.put({"pk": {"S": "k3"}, "old": {"S": "mine"}})
    bench.fail_once(operation, lost_answer(), after=True)
    assert insert(bench, entries(25)) == (24, 1, 0)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_throttled_or_lost_every_item_counts_once(seed: int) -> None:
    bench = Bench(faults=Faults(seed, rate=0.3, total=60))
    bench.table.load([{"pk": {"S": f"k{n}"}, "old": {"S": "mine"}} for n in range(10)])
    assert insert(bench, entries(25)) == (15, 10, 0)


@pytest.mark.parametrize("denied", ["BatchExecuteStatement", "PartiQLInsert"])
def test_a_role_without_partiql_puts_on_condition(denied: str) -> None:
    bench = Bench()
    bench.dynamo.denied = {denied}
    bench.table.put({"pk": {"S": "k3"}, "old": {"S": "mine"}})
    inserter = Inserter(bench.writer)
    written = inserter.insert(entries(25))
    assert (written.written, written.skipped, written.refused) == (24, 1, [])
    inserter.insert(entries(25))
    assert bench.dynamo.count("BatchExecuteStatement") == 1, "and asks for it only once"


def test_a_role_that_may_not_put_either_is_told_what_it_lacks() -> None:
    bench = Bench()
    bench.dynamo.denied = {"PartiQLInsert", "PutItem"}
    with pytest.raises(PermissionMissingError, match="dynamodb:PutItem on Destination"):
        insert(bench, entries(3))


def test_permission_that_is_taken_away_in_mid_batch_counts_nothing_twice() -> None:
    bench = Bench(faults=PartialFaults(seed=1, rate=0.5, total=12))

    def take_away(operation: str, request: Request) -> None:
        if bench.dynamo.count("BatchExecuteStatement") == 1:
            bench.dynamo.denied = {"PartiQLInsert"}

    bench.dynamo.arriving = take_away
    assert insert(bench, entries(25)) == (25, 0, 0)
    assert bench.dynamo.count("PutItem") == 25


def test_a_table_named_by_its_arn_takes_no_partiql() -> None:
    bench = Bench(f"arn:aws:dynamodb:us-east-1:1:table/{TABLE}")
    bench.table.put({"pk": {"S": "k3"}, "old": {"S": "mine"}})
    assert insert(bench, entries(5)) == (4, 1, 0)
    assert bench.dynamo.count("BatchExecuteStatement") == 0


@pytest.mark.parametrize("length", [STATEMENT_BYTES - 60, STATEMENT_BYTES])
def test_a_statement_that_is_too_long_goes_as_a_put(length: int) -> None:
    bench = Bench()
    batch = entries(5)
    batch[2].item["ü" * (length // 2)] = raw({"NULL": True})
    assert insert(bench, batch) == (5, 0, 0)
    assert bench.dynamo.count("PutItem") == (1 if length == STATEMENT_BYTES else 0)


NAMES = ["it's", "''", "'", '"', "\\", "\n", "\0", "🛳️", "select", "?", "--", "': ?, '", "{}"]


def test_names_are_data_and_break_no_statement() -> None:
    bench = Bench()
    item = {"pk": {"S": "a"}, **{name: {"S": name} for name in NAMES}}
    assert insert(bench, [Entry({}, from_typed(item))]) == (1, 0, 0)
    assert bench.table.items[(("S", "a"),)] == item
    assert bench.dynamo.count("PutItem") == 0, "the statement itself carried them"


def test_one_bad_item_is_refused_by_itself() -> None:
    bench = Bench()
    batch = entries(25)
    batch[7].item["pk"] = raw({"N": "7"})
    batch[9].item["text"] = raw({"S": "x" * 410_000})
    written = Inserter(bench.writer).insert(batch)
    assert [refused.entry for refused in written.refused] == [batch[7], batch[9]]
    assert written.written == 23


def test_a_bad_item_that_refuses_the_whole_request_is_found_one_by_one() -> None:
    bench = Bench()

    def refuse(operation: str, request: Request) -> None:
        if "k7" in json.dumps(request):
            raise refusal("ValidationException", "a rule that nobody knew")

    bench.dynamo.arriving = refuse
    written = Inserter(bench.writer).insert(entries(25))
    assert (written.written, len(written.refused)) == (24, 1)


@pytest.mark.parametrize("code", ["ResourceNotFound", "ConditionalCheckFailed", "Unheard"])
def test_a_statement_that_fails_for_another_reason_quarantines_nothing(code: str) -> None:
    bench = Bench()
    answer = {"Responses": [{}, {"Error": {"Code": code, "Message": None}}, {}]}
    bench.dynamo._BatchExecuteStatement = lambda request: answer  # type: ignore[method-assign]
    with pytest.raises(RequestRefusedError, match=code):
        insert(bench, entries(3))


def test_an_answer_that_does_not_speak_of_every_statement_is_no_success() -> None:
    bench = Bench()
    answer: dict[str, Any] = {"Responses": [{}, {}]}
    bench.dynamo._BatchExecuteStatement = lambda request: answer  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="zip"):
        insert(bench, entries(3))


def test_throttled_statements_are_tried_again_alone_until_it_stalls() -> None:
    bench = Bench(faults=PartialFaults(rate=1.0))
    with pytest.raises(StalledError, match="throttled statements"):
        insert(bench, entries(3))
    assert 10 < bench.progress.throttled < 1000, "1800 s in waits of 20 s at most"


def test_looking_at_what_is_there_is_paid_for_too() -> None:
    bench = Bench()
    bench.table.load([{"pk": {"S": f"k{n}"}} for n in range(25)])
    written = Inserter(bench.writer).insert(entries(25))
    assert (written.read_units, written.write_units) == (25.0, 25.0)
