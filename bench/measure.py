"""One way to move items, measured in a process of its own: CPU for each item, rate, memory.

    python -m bench.measure copy --endpoint http://127.0.0.1:PORT --items 100000

Prints {"cpuMicros", "itemsPerSecond", "peakMegabytes"}; CPU is user and system time of this process
alone, from the first request on. The engine (bench.engine) acknowledges over HTTP on loopback.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.syncing import syncing
from bench.verification import Bench, source_rules
from bench.workers import OWNER, RUN, Fleet
from tableferry.deadline import Deadline
from tableferry.model import Phase, Work
from tableferry.runs.ownership import Gate
from tableferry.segments.cleaning import clean_scan, clean_segment
from tableferry.segments.copying import CopyRules, KeyRules
from tableferry.segments.holding import SegmentTask
from tableferry.segments.working import Scan, Worker
from tableferry.transform import Transform
from tableferry.verification.digesting import DigestRules, digest_segment
from tests.fake_ledger import MemoryExecutions

BATCH = 25
Run = Callable[[], Any]
Make = Callable[[str, int], Run]
RENAME_AND_SET = [
    {"rename": {"from": "prefType", "to": "preferenceType"}},
    {"set": {"attribute": "schemaVersion", "value": 2}},
]
EXPRESSION = [{"set": {"attribute": "sk", "value": "{% prefType & '#' & pk %}"}}]


def with_boto3_client(endpoint: str, _items: int) -> Run:
    """Scan and batch_write_item, one after the other: what a script does."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=Config(retries={"total_max_attempts": 1}),
    )
    return lambda: _copy_with(client)


def _copy_with(client: Any) -> None:
    start: dict[str, Any] = {}
    while True:
        page = client.scan(TableName="source", ConsistentRead=True, **start)
        items = page["Items"]
        for place in range(0, len(items), BATCH):
            requests: Any = [{"PutRequest": {"Item": i}} for i in items[place : place + BATCH]]
            client.batch_write_item(RequestItems={"destination": requests})
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def copying(**options: Any) -> Make:
    """One worker of ours on one segment."""

    def prepared(endpoint: str, _items: int) -> Run:
        fleet = Fleet.over_http(endpoint, endpoint, 1, **options)
        return lambda: fleet.copy(0)

    return prepared


class NoFolder:
    """Digests are made and thrown away."""

    def put(self, name: str, body: bytes) -> None:  # noqa: ARG002 - the port's signature
        return


def digesting(endpoint: str, _items: int) -> Run:
    """The source's digest, as verification makes it."""
    fleet = Fleet.over_http(endpoint, endpoint, 1)
    worker = Worker(
        task=SegmentTask(RUN, OWNER, Work.DIGEST_SOURCE, 0, 1),
        holder="digester",
        log=fleet.ledger,
        gate=Gate(fleet.ledger, MemoryExecutions()),
        deadline=Deadline.after(3600.0),
        stall_seconds=1800.0,
    )
    rules = CopyRules(
        Transform.compile([]), ("pk",), KeyRules(("pk",), {"pk": "S"}), keep=False, quarantine=None
    )
    scan = Scan(fleet.reader, "source", {"ConsistentRead": True})
    return lambda: digest_segment(worker, scan, DigestRules(("pk",), rules), NoFolder())


def cleaning(endpoint: str, _items: int) -> Run:
    """Reads keys, deletes them."""
    fleet = Fleet.over_http(endpoint, endpoint, 1, phase=Phase.CLEANING)
    worker = Worker(
        task=SegmentTask(RUN, OWNER, Work.CLEAN, 0, 1),
        holder="cleaner",
        log=fleet.ledger,
        gate=Gate(fleet.ledger, MemoryExecutions()),
        deadline=Deadline.after(3600.0),
        stall_seconds=1800.0,
    )
    scan = clean_scan(fleet.reader, "source", ("pk",), None)
    return lambda: clean_segment(worker, scan, ("pk",), None)


def comparing(_endpoint: str, items: int) -> Run:
    """Compares the digests of two tables that are equal; making them is not measured."""
    folder = tempfile.TemporaryDirectory()
    bench = Bench(items, Path(folder.name))
    tables = [
        bench.digest(Work.DIGEST_SOURCE, source_rules()),
        bench.digest(Work.DIGEST_DESTINATION, DigestRules(("pk",))),
    ]

    def run() -> None:
        with folder:
            bench.compare(*tables)

    return run


WAYS: dict[str, Make] = {
    "boto3": with_boto3_client,
    "copy": copying(),
    "rename-and-set": copying(steps=RENAME_AND_SET),
    "expression": copying(steps=EXPRESSION),
    "insert-if-absent": copying(keep=True),
    "clean": cleaning,
    "digest": digesting,
    "compare": comparing,
    "sync": syncing,
}


def peak_megabytes() -> float:
    """This program's own peak; Linux lets getrusage begin with that of the process it came from."""
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def measured(way: str, endpoint: str, items: int) -> dict[str, float]:
    run = WAYS[way](endpoint, items)
    began, cpu = time.monotonic(), time.process_time()
    run()
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    return {
        "cpuMicros": round(cpu / items * 1e6, 1),
        "itemsPerSecond": round(items / seconds),
        "peakMegabytes": round(peak_megabytes(), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.measure", description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--items", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(measured(options.way, options.endpoint, options.items)))


if __name__ == "__main__":
    main()
