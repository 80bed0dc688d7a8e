"""Workers as the stack has them, many at once, on a ledger in memory.

Everything of a worker is the real one: its spine, its pace, its client. Only the ledger's records
lie in this process, so that a measurement needs no table for them.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tableferry.addresses import TableAddress
from tableferry.aws.session import Sessions
from tableferry.aws.wire import BotocoreWireClient, WireClient
from tableferry.deadline import Deadline
from tableferry.errors import MigrationPausedError
from tableferry.limits import RunLimits
from tableferry.local.launching import local_environment
from tableferry.local.loopback import loopback_only
from tableferry.model import Control, Phase, StopFlag, Work
from tableferry.pace.tolls import pacer_for
from tableferry.runs.ownership import Gate
from tableferry.segments.copying import CopyRules, KeyRules, copy_segment
from tableferry.segments.holding import SegmentTask
from tableferry.segments.working import WRITE_THREADS, Scan, Worker
from tableferry.transform import Transform
from tests.fake_ledger import MemoryExecutions, MemoryLedger

RUN, OWNER, PLACE = "bench", "arn:execution", "account/region/destination"
KEYS = {"pk": "S"}


def wire_client(endpoint: str) -> BotocoreWireClient:
    """A client as workers have it, on loopback."""
    with loopback_only():
        os.environ.update(local_environment(urlsplit(endpoint).port or 80))
        sessions = Sessions(region="us-east-1", endpoint_url=endpoint)
        return BotocoreWireClient(sessions.data_client(TableAddress("any"), WRITE_THREADS + 4))


@dataclass
class Fleet:
    """A copy by many workers, in threads of this process; each segment has as many items as the
    engine says.
    """

    reader: WireClient
    writer: WireClient
    segments: int
    limits: RunLimits = field(default_factory=RunLimits)
    steps: list[dict[str, Any]] = field(default_factory=list)
    keep: bool = False
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    paced: bool = True
    phase: Phase = Phase.COPYING

    def __post_init__(self) -> None:
        record = {"spec": {"limits": self.limits.to_spec()}, "steps": {}}
        control = Control(RUN, OWNER, self.phase, PLACE)
        self.ledger.create_run(control, record, writes=True, keep=True)

    @classmethod
    def over_http(cls, read_from: str, write_to: str, segments: int, **options: Any) -> "Fleet":
        """A fleet whose clients talk to these endpoints."""
        return cls(wire_client(read_from), wire_client(write_to), segments, **options)

    def limit(self, limits: RunLimits) -> None:
        """What `tableferry limit` writes."""
        self.ledger.set_limits(RUN, limits)

    def copy(self, segment: int, seconds: float = 3600.0) -> bool:
        """One invocation on one segment; False when its time was up."""
        task = SegmentTask(RUN, OWNER, Work.COPY, segment, self.segments)
        record = self.ledger.record(RUN) or {}
        holder = f"worker-{segment}"
        worker = Worker(
            task=task,
            holder=holder,
            log=self.ledger,
            gate=Gate(self.ledger, MemoryExecutions()),
            deadline=Deadline.after(seconds),
            stall_seconds=1800.0,
            pacer=pacer_for(record, task, holder=holder, log=self.ledger) if self.paced else None,
        )
        rules = CopyRules(
            transform=Transform.compile(self.steps),
            source_key=("pk",),
            destination=KeyRules(("pk",), KEYS),
            keep=self.keep,
            quarantine=None,
        )
        return copy_segment(
            worker,
            rules,
            Scan(self.reader, "source", {"ConsistentRead": True}),
            destination=self.writer,
            table="destination",
        )

    def end(self) -> None:
        """Workers hand back, as after `pause`."""
        self.ledger.flag_stop(RUN, StopFlag(OWNER, 0, "the measurement", time.time()))

    @contextmanager
    def running(self, seconds: float) -> Iterator[list[threading.Thread]]:
        """All workers at once; on leaving they are joined, and what one raised is raised."""
        failures: list[BaseException] = []

        def work(segment: int) -> None:
            try:
                self.copy(segment, seconds)
            except MigrationPausedError:
                return
            except BaseException as error:
                failures.append(error)

        threads = [
            threading.Thread(target=work, args=(segment,)) for segment in range(self.segments)
        ]
        for thread in threads:
            thread.start()
        try:
            yield threads
        finally:
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]
