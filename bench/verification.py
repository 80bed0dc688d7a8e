"""CPU and memory of verification by content, for tables of 10,000 to 1,000,000 items.

Both tables hold the same items and answer from memory, page by page; digests go to files, so that
what is measured is the workers' own. Each size runs in a process of its own, for its peak memory.
HTTP, signing and TLS are not in it (`python -m bench` has them).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tableferry.deadline import Deadline
from tableferry.model import Control, Phase, Work
from tableferry.runs.ownership import Gate
from tableferry.segments.copying import CopyRules, KeyRules
from tableferry.segments.holding import SegmentTask
from tableferry.segments.working import Scan, Worker
from tableferry.transform import Transform
from tableferry.verification.candidates import Leniency
from tableferry.verification.content_comparing import partition_count
from tableferry.verification.content_verifying import SegmentFolder, segment_folder
from tableferry.verification.digest_format import SUFFIX
from tableferry.verification.digest_reading import DigestObject
from tableferry.verification.digesting import DigestRules, digest_segment, entries_in
from tableferry.verification.partitions import PartitionRules, PartitionTask, compare_partition
from tests.fake_ledger import MemoryExecutions, MemoryLedger

SIZES = (10_000, 100_000, 1_000_000)
SEGMENT_ITEMS = 62_500
PAGE_ITEMS = 2_500
RUN, OWNER = "bench", "arn:bench"
RENAME = [{"rename": {"from": "prefType", "to": "preferenceType"}}]


# Some 260 bytes as DynamoDB counts and 450 in JSON.
ITEM = (
    b'{"pk":{"S":"customer-%010d"},"prefType":{"S":"newsletter"},"updated":{"N":"1700000000.%d"},'
    b'"settings":{"M":{"html":{"BOOL":true},"days":{"L":[{"N":"1"},{"N":"5"}]}}},'
    b'"tags":{"SS":["a","b","c"]},"token":{"B":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},'
    b'"note":{"S":"' + b"x" * 120 + b'"}}'
)


class Pages:
    """Scans whose pages are made on the fly, at under a microsecond an item."""

    def __init__(self, items: int) -> None:
        self._items = items

    def call(self, operation: str, body: dict[str, Any]) -> bytes:
        assert operation == "Scan"
        last = body.get("ExclusiveStartKey")
        at = body["Segment"] * SEGMENT_ITEMS if last is None else int(last["pk"]["S"][9:]) + 1
        end = min((body["Segment"] + 1) * SEGMENT_ITEMS, self._items)
        upto = min(at + PAGE_ITEMS, end)
        items = b",".join([ITEM % (number, number) for number in range(at, upto)])
        more = b',"LastEvaluatedKey":{"pk":{"S":"customer-%010d"}}' % (upto - 1)
        return b'{"Items":[%b],"Count":%d%b}' % (items, upto - at, more if upto < end else b"")


class Files:
    """Objects as files, with their requests counted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.requests: Counter[str] = Counter()

    def put(self, key: str, body: bytes) -> None:
        self.requests["PUT"] += 1
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def get(self, key: str) -> bytes:
        self.requests["GET"] += 1
        return (self._folder / key).read_bytes()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        self.requests["GET"] += bool(length)
        with (self._folder / key).open("rb") as opened:
            opened.seek(start)
            return opened.read(length)


class Bench:
    """One table's worth of work, through the real workers."""

    def __init__(self, items: int, folder: Path) -> None:
        self.items = items
        self.files = Files(folder)
        self.ledger = MemoryLedger()
        control = Control(RUN, OWNER, Phase.CLOSED, "place")
        self.ledger.create_run(control, {"steps": {}}, writes=True, keep=True)
        self.segments = -(-items // SEGMENT_ITEMS)

    def worker(self, work: Work, segment: int, segments: int) -> Worker:
        return Worker(
            task=SegmentTask(RUN, OWNER, work, segment, segments),
            holder=f"{work}-{segment}",
            log=self.ledger,
            gate=Gate(self.ledger, MemoryExecutions()),
            deadline=Deadline.after(100_000),
            stall_seconds=1800,
        )

    def digest(self, work: Work, rules: DigestRules) -> list[DigestObject]:
        found = []
        for segment in range(self.segments):
            worker = self.worker(work, segment, self.segments)
            folder: SegmentFolder = segment_folder(self.files, worker.task)
            scan = Scan(Pages(self.items), "Table", {})
            assert digest_segment(worker, scan, rules, folder)
            for name in self.ledger.segment(RUN, work, segment).objects:
                key = f"{folder.prefix}/{name}{SUFFIX}"
                found.append(DigestObject(key, entries_in(name)))
        return found

    def compare(self, source: list[DigestObject], destination: list[DigestObject]) -> int:
        count = partition_count(self.items, self.items)
        task = PartitionTask(source, destination, "differences")
        rules = PartitionRules(both=_nothing_differs, leniency=Leniency())
        for partition in range(count):
            worker = self.worker(Work.COMPARE, partition, count)
            assert compare_partition(worker, task, rules, self.files)
            record = self.ledger.segment(RUN, Work.COMPARE, partition)
            assert not record.objects
        return count


def _nothing_differs(worker: Worker) -> Any:
    raise AssertionError(f"{worker.task} has differences")


def source_rules(steps: Sequence[dict[str, Any]] = ()) -> DigestRules:
    keys = KeyRules(("pk",), {"pk": "S"})
    copy = CopyRules(Transform.compile(steps), ("pk",), keys, keep=False, quarantine=None)
    return DigestRules(("pk",), copy)


def _pages_alone(items: int) -> None:
    """What making the pages costs, which is not the workers'."""
    pages = Pages(items)
    for at in range(0, items, PAGE_ITEMS):
        body: dict[str, Any] = {"Segment": at // SEGMENT_ITEMS}
        if at % SEGMENT_ITEMS:
            body["ExclusiveStartKey"] = {"pk": {"S": f"customer-{at - 1:010}"}}
        pages.call("Scan", body)


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _measured(items: int, phase: str, folder: Path) -> dict[str, Any]:
    """One phase in this process; the digest phase leaves its files to the compare phase."""
    bench = Bench(items, folder)
    before = _peak_megabytes()
    if phase == "digest":
        began = time.process_time()
        for segment_work, rules in (
            (Work.DIGEST_SOURCE, source_rules()),
            (Work.DIGEST_DESTINATION, DigestRules(("pk",))),
        ):
            found = bench.digest(segment_work, rules)
            (folder / f"{segment_work}.json").write_text(
                json.dumps([(each.key, each.entries) for each in found])
            )
        spent = time.process_time() - began
        began = time.process_time()
        _pages_alone(items)
        _pages_alone(items)
        spent -= time.process_time() - began
        per_item = spent / items / 2
    else:
        source, destination = (
            [DigestObject(*each) for each in json.loads((folder / f"{work}.json").read_text())]
            for work in (Work.DIGEST_SOURCE, Work.DIGEST_DESTINATION)
        )
        began = time.process_time()
        bench.compare(source, destination)
        per_item = (time.process_time() - began) / items
    return {
        "microseconds": per_item * 1e6,
        "before": before,
        "peak": _peak_megabytes(),
        "requests": dict(bench.files.requests),
    }


def _rows(sizes: list[int]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for items in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for phase in ("digest", "compare"):
                command = [sys.executable, "-m", "bench.verification"]
                command += ["--one", phase, "--items", str(items), "--folder", folder]
                run = subprocess.run(command, check=True, capture_output=True, text=True)
                yield items, phase, json.loads(run.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", choices=["digest", "compare"])
    parser.add_argument("--items", type=int, action="append")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(_measured(asked.items[0], asked.one, asked.folder)))
        return
    table = Table("items", "work", "CPU µs/item", "MB before", "peak MB", "requests to S3")
    for items, phase, found in _rows(asked.items or list(SIZES)):
        table.add_row(
            f"{items:,}",
            phase,
            f"{found['microseconds']:.1f}",
            f"{found['before']:.0f}",
            f"{found['peak']:.0f}",
            ", ".join(f"{count:,} {name}" for name, count in found["requests"].items()),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
