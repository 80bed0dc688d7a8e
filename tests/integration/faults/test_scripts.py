"""Every fault script that is shipped: a real copy through it, and both tables are equal."""

from typing import Any

import pytest

from bench.workers import wire_client
from tableferry.deadline import Deadline
from tableferry.errors import NotFoundError
from tableferry.local.faults import FaultProxy, play, read_script, script_names
from tableferry.model import Control, Phase, Work
from tableferry.pace.tolls import pacer_for
from tableferry.runs.ownership import Gate
from tableferry.segments.copying import CopyRules, KeyRules, copy_segment
from tableferry.segments.holding import SegmentTask
from tableferry.segments.working import Scan, Worker
from tableferry.transform import Transform
from tests.fake_ledger import MemoryExecutions, MemoryLedger
from tests.integration.faults.conftest import make_table
from tests.support.fixtures import dynamodb_client

RUN, OWNER, ITEMS = "prefs", "arn:execution", 300
LIMITS = {
    "maxConcurrency": 1,
    "readUnitsPerSecond": None,
    "writeUnitsPerSecond": None,
    "nice": False,
}


@pytest.fixture
def plain_engine(ministack_url: str) -> Any:
    return dynamodb_client(ministack_url)


def items_of(engine: Any, table: str) -> dict[str, Any]:
    pages = engine.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {item["id"]["S"]: item for page in pages for item in page["Items"]}


def filled_table(engine: Any) -> str:
    name = make_table(engine)
    items = [{"id": {"S": f"id-{n}"}, "text": {"S": "x" * 500}} for n in range(ITEMS)]
    for start in range(0, ITEMS, 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        engine.batch_write_item(RequestItems={name: puts})
    return name


def copy(endpoint: str, tables: dict[str, str], *, keep: bool) -> None:
    """All of it by one worker of the stack, its ledger in memory."""
    ledger, client = MemoryLedger(), wire_client(endpoint)
    record: dict[str, Any] = {"spec": {"limits": LIMITS}, "steps": {}}
    ledger.create_run(Control(RUN, OWNER, Phase.COPYING, "place"), record, writes=True, keep=True)
    task = SegmentTask(RUN, OWNER, Work.COPY, 0, 1)
    worker = Worker(
        task=task,
        holder="one",
        log=ledger,
        gate=Gate(ledger, MemoryExecutions()),
        deadline=Deadline.after(600.0),
        stall_seconds=300.0,
        pacer=pacer_for(record, task, holder="one", log=ledger),
    )
    rules = CopyRules(Transform.compile([]), ("id",), KeyRules(("id",), {"id": "S"}), keep, None)
    # Small pages, so that faults strike reads too.
    scan = Scan(client, tables["source"], {"ConsistentRead": True, "Limit": 100})
    assert copy_segment(worker, rules, scan, destination=client, table=tables["destination"])


@pytest.mark.parametrize("keep", [False, True], ids=["overwrite", "keep"])
@pytest.mark.parametrize("name", script_names())
def test_tables_are_equal_after_a_copy_through(
    name: str, keep: bool, plain_engine: Any, ministack_url: str
) -> None:
    tables = {"source": filled_table(plain_engine), "destination": make_table(plain_engine)}
    script = read_script(name)
    with FaultProxy(ministack_url) as proxy:
        play(script, proxy, tables)
        copy(proxy.endpoint_url, tables, keep=keep)
        assert any(proxy.struck(rule.id) for rule in proxy.rules()) or not script.rules
        for part in script.limits:
            assert sum(proxy.used(tables[part])) > 0
    assert items_of(plain_engine, tables["destination"]) == items_of(plain_engine, tables["source"])


def test_an_unknown_script_names_those_that_there_are() -> None:
    with pytest.raises(NotFoundError, match="no fault script"):
        read_script("worst_day")
