"""How fast this machine is, for the plans of its engine: measured once, when the engine starts.

AWS's tables and functions have processors of their own, so a plan there reckons with capacities. In
the engine everything shares this machine, and what it takes depends on the machine and on what else
it does: the two numbers are those of a short look, and a busier hour makes a longer run.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tableferry.aws.session import Sessions
from tableferry.local.engine import REGION, RunningEngine
from tableferry.local.loopback import loopback_only

TABLE = "tableferry-pace"
ROUNDS, BATCHES, BATCH_ITEMS, ITEM_BYTES = 2, 20, 25, 400
# What every function imports before its first line runs.
COLD_START = "import tableferry.runtime, tableferry.observe"
# A backup is there at once; the looks at it are the states that every plan counts.
BACKUP_SECONDS = "0"


def pace_parameters(engine: RunningEngine, kept: Path, *, anew: bool) -> Mapping[str, str]:
    """The template parameters with which plans know this machine; measured `anew`, else as kept."""
    if not anew and kept.is_file():
        found: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    measured = {
        "PlanStateSeconds": f"{_start_seconds():.2f}",
        "PlanBackupSeconds": BACKUP_SECONDS,
        "PlanMachineItemsPerSecond": f"{_items_per_second(engine):.0f}",
    }
    kept.write_text(json.dumps(measured), encoding="utf-8")
    return measured


def _start_seconds() -> float:
    """What the start of a function's process takes of a processor, which the engine makes for each.
    Not by the clock: a moment in which others run would count in every state of every plan. The
    first start may compile what it imports, so the second one counts.
    """
    taken = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", COLD_START], check=True, stdin=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def _items_per_second(engine: RunningEngine) -> float:
    """Written in batches and read back, as a migration does; the better of the rounds."""
    with loopback_only(engine), _table(engine) as client:
        return max(_round(client) for _ in range(ROUNDS))


def _round(client: Any) -> float:
    started = time.monotonic()
    for batch in range(BATCHES):
        items = [_item(batch * BATCH_ITEMS + number) for number in range(BATCH_ITEMS)]
        requests = [{"PutRequest": {"Item": item}} for item in items]
        client.batch_write_item(RequestItems={TABLE: requests})
    read: int = client.scan(TableName=TABLE, ConsistentRead=True)["Count"]
    return (BATCHES * BATCH_ITEMS + read) / (time.monotonic() - started)


def _item(number: int) -> dict[str, Any]:
    return {"id": {"S": f"{number:06}"}, "body": {"S": "x" * ITEM_BYTES}}


@contextmanager
def _table(engine: RunningEngine) -> Iterator[Any]:
    client = Sessions(region=REGION, endpoint_url=engine.endpoint_url).client("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    try:
        yield client
    finally:
        client.delete_table(TableName=TABLE)
