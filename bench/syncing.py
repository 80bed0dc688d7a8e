"""Sync's CPU for each stream record: batches as Lambda hands them over, each under its lease."""

import time
from collections.abc import Callable
from typing import Any

from bench.engine import item
from bench.workers import KEYS, OWNER, PLACE, RUN, wire_client
from tableferry.deadline import Deadline
from tableferry.live.changes import Change
from tableferry.live.syncing import Destination, Sync
from tableferry.model import Control, Phase
from tableferry.segments.copying import KeyRules
from tableferry.transform import Transform
from tests.fake_ledger import MemoryLedger
from tests.unit.live.memory_sync_log import MemorySyncLog

RECORDS_OF_A_BATCH = 1_000


class NoQuarantine:
    """Nothing is poison here."""

    def store_records(self, name: str, entries: list[dict[str, Any]]) -> None:
        raise AssertionError(f"{name}: {len(entries)} records were refused")


def record(number: int) -> dict[str, Any]:
    """An update of an item of 261 bytes."""
    image = item(number)
    return {
        "dynamodb": {
            "SequenceNumber": str(10**20 + number),
            "Keys": {"pk": image["pk"]},
            "OldImage": image,
            "NewImage": {**image, "updated": {"N": str(number)}},
            "ApproximateCreationDateTime": 1_700_000_000,
        }
    }


def syncing(endpoint: str, records: int) -> Callable[[], None]:
    """Applies so many records, each of another key, in batches."""
    ledger = MemoryLedger()
    control = Control(RUN, OWNER, Phase.COPYING, PLACE)
    ledger.create_run(control, {"spec": {}, "steps": {}}, writes=True, keep=True)
    log = MemorySyncLog(ledger, time.time)
    destination = Destination(
        wire_client(endpoint), "destination", KeyRules(("pk",), KEYS), Transform.compile([])
    )

    def run() -> None:
        for start in range(0, records, RECORDS_OF_A_BATCH):
            numbers = range(start, min(start + RECORDS_OF_A_BATCH, records))
            changes = [Change.from_record(record(number), ("pk",)) for number in numbers]
            sync = Sync(
                holder=f"invocation-{start}",
                mapping="mapping",
                log=log,
                quarantine=NoQuarantine(),
                deadline=Deadline.after(3600.0),
                margin_seconds=300.0,
                look=lambda: None,
            )
            applied = sync.apply(control, changes, destination)
            assert applied is not None
            assert applied.written == len(changes)

    return run
