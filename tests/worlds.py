"""One run over two tables in memory, and workers that can be killed at any moment."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tableferry.deadline import Deadline
from tableferry.model import Control, Counts, Phase, SegmentRecord, Work
from tableferry.runs.outcome import total
from tableferry.runs.ownership import Gate
from tableferry.segments.copying import CopyRules, KeyRules, copy_segment
from tableferry.segments.holding import SegmentTask
from tableferry.segments.working import Hook, Scan, Worker, no_hook
from tableferry.transform import Transform
from tests.fake_ledger import MemoryExecutions, MemoryLedger, MemoryQuarantine
from tests.fakes import Clock, Faults, MemoryDynamo
from tests.memory_table import Item, MemoryTable

RUN, OWNER = "prefs-v2", "arn:aws:states:us-east-1:123456789012:execution:migrate:one"
SOURCE, DESTINATION, PLACE = "Source", "Destination", "123456789012/us-east-1/Destination"
STALL_SECONDS = 1800.0


def numbered(count: int) -> list[Item]:
    """Items of some 40 bytes, told apart by `pk`."""
    return [{"pk": {"S": f"item-{n:04}"}, "n": {"N": str(n)}} for n in range(count)]


class KilledError(BaseException):
    """The worker's process is gone; nothing it asks for happens any more."""


class Mortal:
    """A worker's ports, dead from the request `dies_at` on (the first is 1).

    With `does_it` that request still has its effect and only its answer is lost. Nothing that a
    dead worker's own clean-up asks for happens, as with SIGKILL.
    """

    def __init__(self, dies_at: int | None = None, *, does_it: bool = False) -> None:
        self.requests = 0
        self.is_dead = False
        self._dies_at = dies_at
        self._does_it = does_it
        self._lock = threading.Lock()

    def die(self) -> None:
        self.is_dead = True
        raise KilledError

    def ports_of(self, target: Any) -> Any:
        """`target`, as the mortal sees it."""
        return _Ports(self, target)

    def request(self, method: Callable[..., Any], *words: Any, **named: Any) -> Any:
        with self._lock:
            if self.is_dead:
                raise KilledError
            self.requests += 1
            if self.requests == self._dies_at:
                self.is_dead = True
        if not self.is_dead or self._does_it:
            answer = method(*words, **named)
        if self.is_dead:
            raise KilledError
        return answer


@dataclass(frozen=True)
class _Ports:
    _mortal: Mortal
    _target: Any

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)

        def requested(*words: Any, **named: Any) -> Any:
            return self._mortal.request(method, *words, **named)

        return requested


@dataclass
class World:
    """A run in phase `copying`, its tables, and what a test may turn."""

    items: Iterable[Item] = ()
    segments: int = 1
    steps: Sequence[Mapping[str, Any]] = ()
    keep: bool = False
    is_quarantining: bool = False
    faults: Faults | None = None
    phase: Phase = Phase.COPYING
    source_keys: dict[str, str] = field(default_factory=lambda: {"pk": "S"})
    destination_keys: dict[str, str] = field(default_factory=lambda: {"pk": "S"})
    index_keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.source = MemoryTable(SOURCE, self.source_keys)
        self.destination = MemoryTable(DESTINATION, self.destination_keys, self.index_keys)
        self.source.load(self.items)
        self.dynamo = MemoryDynamo(self.source, self.destination, faults=self.faults)
        self.ledger, self.executions = MemoryLedger(), MemoryExecutions()
        control = Control(RUN, OWNER, self.phase, PLACE)
        self.ledger.create_run(control, {"steps": {}}, writes=True, keep=True)
        self.quarantine = MemoryQuarantine()
        self.transform = Transform.compile(self.steps)
        self.workers = 0

    def worker(
        self,
        segment: int = 0,
        *,
        work: Work = Work.COPY,
        round_number: int = 1,
        owner: str = OWNER,
        seconds: float = 100_000.0,
        hook: Hook = no_hook,
        mortal: Mortal | None = None,
    ) -> Worker:
        self.workers += 1
        log = mortal.ports_of(self.ledger) if mortal else self.ledger
        return Worker(
            task=SegmentTask(RUN, owner, work, segment, self.segments, round_number),
            holder=f"invocation-{self.workers}",
            log=log,
            gate=Gate(log, self.executions),
            deadline=Deadline.after(seconds, self.clock.now),
            stall_seconds=STALL_SECONDS,
            hook=hook,
            now=self.clock.now,
            sleep=self.clock.sleep,
        )

    def copy(self, segment: int = 0, *, mortal: Mortal | None = None, **options: Any) -> bool:
        """One invocation on one segment."""
        client = mortal.ports_of(self.dynamo) if mortal else self.dynamo
        rules = CopyRules(
            transform=self.transform,
            source_key=tuple(self.source_keys),
            destination=KeyRules(
                tuple(self.destination_keys), {**self.destination_keys, **self.index_keys}
            ),
            keep=self.keep,
            quarantine=self.quarantine if self.is_quarantining else None,
        )
        return copy_segment(
            self.worker(segment, mortal=mortal, **options),
            rules,
            Scan(client, SOURCE, {"ConsistentRead": True}),
            destination=client,
            table=DESTINATION,
        )

    def copy_everything(self, **options: Any) -> None:
        for segment in range(self.segments):
            while not self.copy(segment, **options):
                pass

    def record(self, segment: int = 0, work: Work = Work.COPY) -> SegmentRecord:
        return self.ledger.segment(RUN, work, segment)

    def counts(self, work: Work = Work.COPY) -> Counts:
        return total(self.ledger.segments(RUN, work, self.segments))

    def is_equal(self) -> bool:
        """Whether the destination holds the source's items and nothing else."""
        return self.source.content() == self.destination.content()

    def scans(self) -> list[Any]:
        """Where each Scan began, in order: (segment, start key)."""
        return [
            (request["Segment"], str(request.get("ExclusiveStartKey")))
            for operation, request in self.dynamo.calls
            if operation == "Scan"
        ]
