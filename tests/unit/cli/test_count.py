"""`count`: what it reads, what it prints, and what it says of items that the filter fails on."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tableferry.cli.counting import open_table, progress_text
from tableferry.cli.options import Choices
from tableferry.errors import TableNotFoundError
from tableferry.machine.table_count import MOST_FAILING, Counted, CountedTable, TableCount
from tests.fakes import MemoryDynamo, PartialFaults
from tests.memory_table import MemoryTable
from tests.unit.cli.fake_stack import Result, run_words

ODD = {"pk": {"S": "odd"}, "n": {"S": "seven"}}


class Counting:
    """A table of 200 items, and the command against it."""

    def __init__(self) -> None:
        self.memory = MemoryTable("Prefs", {"pk": "S"})
        self.dynamo = MemoryDynamo(self.memory)
        self.dynamo.page_bytes = 450
        self.put(*({"pk": {"S": f"k{n:03}"}, "n": {"N": str(n)}} for n in range(200)))
        self.opened: list[tuple[str, str | None, str | None]] = []

    def put(self, *items: dict[str, Any]) -> None:
        self.memory.items.update({self.memory.identity(item): item for item in items})

    @property
    def table(self) -> CountedTable:
        return CountedTable("Prefs", ("pk",), 200, 9_000, self.dynamo)

    def open(self, name: str, region: str | None, profile: str | None) -> CountedTable:
        self.opened.append((name, region, profile))
        if name != "Prefs":
            raise TableNotFoundError(f"table {name} is not there")
        return self.table

    def run(self, *words: str) -> Result:
        return run_words(["count", *words], Choices(open=self.open))


@pytest.fixture
def counting() -> Counting:
    return Counting()


def error(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)["error"]
    return found


def test_every_item_is_counted_and_none_is_sent(counting: Counting) -> None:
    found = counting.run("Prefs", "--json")
    document = json.loads(found.stdout)
    assert found.exit_code == 0
    assert set(document) == {
        "table",
        "items",
        "scannedItems",
        "filter",
        "consistent",
        "segments",
        "readUnits",
        "seconds",
    }
    assert (document["table"], document["items"], document["filter"]) == ("Prefs", 200, None)
    assert document["readUnits"] > 0
    scans = [request for _, request in counting.dynamo.calls]
    assert {scan["Select"] for scan in scans} == {"COUNT"}
    assert {scan["ConsistentRead"] for scan in scans} == {False}


def test_a_large_table_is_read_in_many_segments(counting: Counting) -> None:
    large = replace(counting.table, items=3_000_000)
    counted = TableCount(large).run()
    assert (counted.items, counted.segments) == (200, 64)


def test_the_filter_decides_as_the_transforms_does(counting: Counting) -> None:
    document = json.loads(counting.run("Prefs", "--filter", "{% n < 150 %}", "--json").stdout)
    assert (document["items"], document["scannedItems"]) == (150, 200)
    assert document["filter"] == "{% n < 150 %}"
    text = counting.run("Prefs", "--filter", "{% n < 150 %}").stdout
    assert text.startswith("Prefs: 150 of 200 items pass the filter")


def test_consistent_reads_are_asked_for(counting: Counting) -> None:
    assert counting.run("Prefs", "--consistent").exit_code == 0
    assert {request["ConsistentRead"] for _, request in counting.dynamo.calls} == {True}


def test_a_filter_that_fails_on_an_item_names_it_and_counts_nothing(counting: Counting) -> None:
    counting.put(ODD)
    found = counting.run("Prefs", "--filter", "{% n < 150 %}", "--json")
    said = error(found)
    assert (found.exit_code, said["name"]) == (1, "ItemError")
    assert '{"pk":{"S":"odd"}}' in said["cause"]
    assert "fails on 1 of 201 items" in said["cause"]
    assert "k0" not in said["cause"], "only items that it fails on are named"


def test_a_filter_that_fails_on_everything_ends_the_scan(counting: Counting) -> None:
    counting.put(*({"pk": {"S": f"s{n:04}"}, "n": {"S": "x"}} for n in range(2_000)))
    found = counting.run("Prefs", "--filter", "{% $sqrt(n) > 1 %}", "--json")
    assert f"{MOST_FAILING} or more" in error(found)["cause"]
    assert counting.dynamo.count("Scan") < 2_000 * 45 / 450


@pytest.mark.parametrize("condition", ["n < 150", "{% n < %}", "{% $now() > n %}"])
def test_a_wrong_filter_is_refused_before_any_request(counting: Counting, condition: str) -> None:
    found = counting.run("Prefs", "--filter", condition, "--json")
    assert found.exit_code == 2
    assert error(found)["problems"][0]["path"].startswith("--filter")
    assert not counting.opened


def test_throttles_and_lost_answers_are_tried_again(counting: Counting) -> None:
    counting.dynamo.faults = PartialFaults(seed=3, rate=0.3)
    assert TableCount(counting.table, sleep=lambda _seconds: None).run().items == 200


def test_a_refused_scan_is_status_3_and_says_which_permission(counting: Counting) -> None:
    counting.dynamo.denied.add("Scan")
    found = counting.run("Prefs", "--json")
    assert (found.exit_code, error(found)["name"]) == (3, "PermissionMissingError")
    assert "your credentials need dynamodb:Scan" in error(found)["hint"]


def test_an_unknown_table_is_status_2(counting: Counting) -> None:
    assert counting.run("Nothing").exit_code == 2


def test_what_is_no_table_name_is_refused_before_any_request() -> None:
    found = run_words(["count", "no such table!", "--json"], Choices(open=open_table))
    assert found.exit_code == 2
    assert error(found)["problems"][0]["path"] == "TABLE"


def test_region_and_profile_reach_the_table(counting: Counting) -> None:
    counting.run("Prefs", "--region", "eu-west-1", "--profile", "ops")
    assert counting.opened == [("Prefs", "eu-west-1", "ops")]


@pytest.mark.parametrize(
    ("counted", "expected", "text"),
    [
        (Counted(scanned=300), 1_200, "300 of about 1,200 items, 25%, 30 a second, 30.0 s left"),
        (Counted(scanned=300), 200, "300 items, 30 a second"),
        (Counted(), 200, "0 of about 200 items, 0%, 0 a second"),
    ],
)
def test_progress_says_how_far_it_is(counted: Counted, expected: int, text: str) -> None:
    assert progress_text(counted, expected, 10.0) == text


def test_the_hints_own_filter_counts_what_it_says(counting: Counting) -> None:
    counting.put(ODD)
    said = error(counting.run("Prefs", "--filter", "{% n < 150 %}", "--json"))
    condition = said["hint"].partition("{%")[2]
    found = counting.run("Prefs", "--filter", "{%" + condition, "--json")
    assert json.loads(found.stdout)["items"] == 194
