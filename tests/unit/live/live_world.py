"""A live migration over tables in memory: copy workers, sync, phases and sweep as the functions
run them.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tableferry.deadline import Deadline
from tableferry.errors import NotOwnerError
from tableferry.live.changes import Change
from tableferry.live.mending import Mended, MendTask, mend_dirty_items
from tableferry.live.sweeping import settle_sync, sweep_scan, sweep_segment
from tableferry.live.syncing import Applied, Destination, Sync
from tableferry.live.tombstones import INTERNAL
from tableferry.live.values import LeaseHeldError
from tableferry.model import Control, Phase, Work
from tableferry.runs.closing import enter_phase, settle_leases
from tableferry.runs.ownership import Gate
from tableferry.segments.copying import CopyRules, KeyRules, copy_segment
from tableferry.segments.holding import SegmentTask
from tableferry.segments.working import Hook, Scan, Worker, no_hook
from tableferry.transform import Transform
from tableferry.verification.expiry import Expiry
from tableferry.verification.rereading import BothItems, ItemReader
from tableferry.verification.source_keys import SourceKeyTeller
from tests.conditional_dynamo import ConditionalDynamo
from tests.fake_ledger import MemoryExecutions, MemoryLedger, MemoryQuarantine
from tests.fakes import Clock, Faults, Request
from tests.memory_table import BadItemError, Item, MemoryTable
from tests.unit.live.memory_stream import MemoryStream, Poller, Record
from tests.unit.live.memory_sync_log import MemorySyncLog

RUN, OWNER = "prefs-v2", "arn:aws:states:us-east-1:123456789012:execution:migrate:one"
SOURCE, DESTINATION, PLACE = "Source", "Destination", "123456789012/us-east-1/Destination"
MAPPING = "mapping-1"
MARGIN_SECONDS = 300.0
INVOCATION_SECONDS = 100.0
STALL_SECONDS = 10_000.0
# AWS: a partition key, a sort key [DDB:ServiceQuotas].
KEY_BYTES = (2048, 1024)


class LiveTable(MemoryTable):
    """With AWS's bounds for keys."""

    def identity(self, key: Item) -> tuple[Any, ...]:
        found = super().identity(key)
        for name, most in zip(self.keys, KEY_BYTES, strict=False):
            ((_, content),) = key[name].items()
            if len(content.encode()) > most:
                raise BadItemError(f"Size of key {name} has exceeded {most}")
        return found


class LiveDynamo(ConditionalDynamo):
    """What sweeping asks for beside the rest: a filtered scan."""

    def _Scan(self, request: Request) -> dict[str, Any]:
        names = request.get("ExpressionAttributeNames", {})
        if request.get("FilterExpression") is None:
            return super()._Scan(request)
        assert request["FilterExpression"] == "attribute_exists(#tombstone)"
        assert names["#tombstone"] == INTERNAL
        wanted = [names[each.strip()] for each in request["ProjectionExpression"].split(",")]
        bare = {key: value for key, value in request.items() if "Expression" not in key}
        answer = super()._Scan(bare)
        marked = [item for item in answer["Items"] if INTERNAL in item]
        answer["Items"] = [{name: item[name] for name in wanted} for item in marked]
        return {**answer, "Count": len(marked)}


class RecordQuarantine(MemoryQuarantine):
    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, list[dict[str, Any]]] = {}

    def store_records(self, name: str, entries: list[dict[str, Any]]) -> None:
        self.records[name] = entries


@dataclass
class LiveWorld:
    """A live run in phase `copying` with capture on; `items` were there before."""

    items: Iterable[Item] = ()
    segments: int = 1
    shards: int = 1
    steps: Sequence[Mapping[str, Any]] = ()
    source_keys: dict[str, str] = field(default_factory=lambda: {"pk": "S"})
    destination_keys: dict[str, str] = field(default_factory=lambda: {"pk": "S"})
    faults: Faults | None = None

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.source = LiveTable(SOURCE, self.source_keys)
        self.destination = LiveTable(DESTINATION, self.destination_keys)
        self.source.load(self.items)
        self.dynamo = LiveDynamo(self.source, self.destination, faults=self.faults)
        self.ledger, self.executions = MemoryLedger(), MemoryExecutions()
        control = Control(RUN, OWNER, Phase.COPYING, PLACE)
        self.ledger.create_run(control, {"steps": {}}, writes=True, keep=True)
        self.log = MemorySyncLog(self.ledger, self.clock.now)
        self.stream = MemoryStream(self.source, self.clock.now, self.shards)
        self.pollers = [Poller(self.stream, shard) for shard in range(self.shards)]
        self.quarantine = RecordQuarantine()
        self.transform = Transform.compile(self.steps)
        self.rules = KeyRules(tuple(self.destination_keys), dict(self.destination_keys))
        self.invocations = 0

    # --- the application ---

    def put(self, pk: str, **attributes: Any) -> None:
        typed = {name: _typed(value) for name, value in attributes.items()}
        self.stream.put({"pk": {"S": pk}, **typed})

    def delete(self, pk: str) -> None:
        self.stream.delete({"pk": {"S": pk}})

    # --- the copy ---

    def copy(
        self,
        segment: int = 0,
        *,
        hook: Hook = no_hook,
        seconds: float = INVOCATION_SECONDS,
        client: Any = None,
        log: Any = None,
    ) -> bool:
        """One invocation of the copy function."""
        client = client or self.dynamo
        rules = CopyRules(
            transform=self.transform,
            source_key=tuple(self.source_keys),
            destination=self.rules,
            keep=False,
            live=True,
            quarantine=self.quarantine,
        )
        worker = self._worker(Work.COPY, segment, hook=hook, seconds=seconds, log=log)
        return copy_segment(
            worker,
            rules,
            Scan(client, SOURCE, {"ConsistentRead": True}),
            destination=client,
            table=DESTINATION,
        )

    def _worker(
        self, work: Work, segment: int, *, hook: Hook, seconds: float, log: Any = None
    ) -> Worker:
        self.invocations += 1
        return Worker(
            task=SegmentTask(RUN, OWNER, work, segment, self.segments),
            holder=f"invocation-{self.invocations}",
            log=log or self.ledger,
            gate=Gate(log or self.ledger, self.executions),
            deadline=Deadline.after(seconds, self.clock.now),
            stall_seconds=STALL_SECONDS,
            hook=hook,
            now=self.clock.now,
            sleep=self.clock.sleep,
        )

    def copy_everything(self, hook: Hook = no_hook) -> None:
        for segment in range(self.segments):
            while not self.copy(segment, hook=hook):
                pass

    # --- sync ---

    def sync(
        self,
        records: Sequence[Record],
        *,
        hook: Hook = no_hook,
        seconds: float = INVOCATION_SECONDS,
        client: Any = None,
        log: Any = None,
        mapping: str = MAPPING,
    ) -> Applied | None:
        """One invocation of the sync function; None where it asks for the batch again."""
        self.invocations += 1
        control = self.ledger.controls[RUN]
        changes = [Change.from_record(each, tuple(self.source_keys)) for each in records]
        sync = Sync(
            holder=f"invocation-{self.invocations}",
            mapping=mapping,
            log=log or self.log,
            quarantine=self.quarantine,
            deadline=Deadline.after(seconds, self.clock.now),
            margin_seconds=MARGIN_SECONDS,
            look=lambda: None,
            hook=hook,
            now=self.clock.now,
            sleep=self.clock.sleep,
        )
        destination = Destination(client or self.dynamo, DESTINATION, self.rules, self.transform)
        try:
            return sync.apply(control, changes, destination)
        except LeaseHeldError:
            return None

    def deliver(self, shard: int = 0, most: int = 1000, **options: Any) -> bool:
        """Hands the next batch over; whether it was applied."""
        batch = self.pollers[shard].batch(most)
        if not batch or self.sync(batch, **options) is None:
            return False
        self.pollers[shard].done(batch)
        return True

    def drain(self) -> None:
        """Hands everything over, waiting leases out."""
        for poller in self.pollers:
            while not poller.is_at_end:
                if not self.deliver(poller.shard):
                    self.clock.sleep(INVOCATION_SECONDS + MARGIN_SECONDS)

    # --- phases, as the functions of those names ---

    @property
    def phase(self) -> Phase:
        return self.ledger.controls[RUN].phase

    def clean_up(self) -> bool:
        enter_phase(self.ledger, self.ledger.controls[RUN], Phase.CLOSING)
        settled = settle_leases(self.ledger, RUN, MARGIN_SECONDS, self.clock.now)
        if settled.done:
            enter_phase(self.ledger, self.ledger.controls[RUN], Phase.CLOSED)
        return settled.done

    def open_sweep(self) -> bool:
        enter_phase(self.ledger, self.ledger.controls[RUN], Phase.SWEEPING)
        return settle_sync(self.log, RUN, MARGIN_SECONDS, self.clock.now).done

    def sweep(
        self,
        segment: int = 0,
        *,
        hook: Hook = no_hook,
        seconds: float = INVOCATION_SECONDS,
        client: Any = None,
        log: Any = None,
    ) -> bool:
        names = tuple(self.destination_keys)
        scan = sweep_scan(client or self.dynamo, DESTINATION, names)
        worker = self._worker(Work.SWEEP, segment, hook=hook, seconds=seconds, log=log)
        return sweep_segment(worker, scan, names)

    def mend(self, *, hook: Hook = no_hook, client: Any = None) -> Mended:
        """One invocation of the mend function."""
        client = client or self.dynamo

        def both(worker: Worker) -> BothItems:
            def reader(table: str, keys: dict[str, str]) -> ItemReader:
                return ItemReader(client, table, tuple(keys), worker.retrier, worker.pool)

            never = Expiry.of([None])
            return BothItems(
                source=reader(SOURCE, self.source_keys),
                destination=reader(DESTINATION, self.destination_keys),
                transform=self.transform,
                keys=self.rules,
                source_expiry=never,
                destination_expiry=never,
                teller=SourceKeyTeller.of(self.steps, tuple(self.source_keys)),
                lenient=True,
                now=self.clock.now,
            )

        worker = self._worker(Work.MEND, 0, hook=hook, seconds=INVOCATION_SECONDS)
        task = MendTask(
            run=RUN,
            log=self.log,
            leases=self.ledger,
            margin_seconds=MARGIN_SECONDS,
            table=DESTINATION,
            both=both,
            client=client,
        )
        return mend_dirty_items(worker, task)

    def finish_sweep(self) -> bool:
        enter_phase(self.ledger, self.ledger.controls[RUN], Phase.SYNCED)
        return settle_leases(self.ledger, RUN, MARGIN_SECONDS, self.clock.now).done

    def wait_for(self, step: Any) -> None:
        """Calls a step of the state machine again until it is done."""
        while not step():
            self.clock.sleep(20.0)

    def finish(self) -> None:
        """Everything that is left, in the state machine's order, and then sync to its end."""
        with suppress(NotOwnerError):
            self.copy_everything()
        self.wait_for(self.clean_up)
        self.wait_for(self.open_sweep)
        for segment in range(self.segments):
            while not self.sweep(segment):
                pass
        self.wait_for(self.finish_sweep)
        self.drain()

    # --- what came of it ---

    def wanted(self) -> dict[Any, Any]:
        """The destination as it must be: the transformed source."""
        made = MemoryTable(DESTINATION, self.destination_keys)
        for item in self.source.items.values():
            new = _transformed(self, item)
            if new is not None:
                made.put(new)
        return made.content()

    def is_equal(self) -> bool:
        return self.destination.content() == self.wanted()

    def held(self, pk: str) -> Item | None:
        """What stands under a key of one attribute."""
        return self.destination.items.get(self.destination.identity({"pk": {"S": pk}}))

    def tombstones(self) -> list[Item]:
        return [item for item in self.destination.items.values() if INTERNAL in item]


def _transformed(world: LiveWorld, item: Item) -> Item | None:
    """The item that stands for this one; None where none may."""
    from tableferry.items import from_typed, to_typed
    from tableferry.live.applying import target_of

    found = target_of(from_typed(item), world.transform, world.rules).item
    return None if found is None else to_typed(found)


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def row(pk: str, **attributes: Any) -> Item:
    return {"pk": {"S": pk}, **{name: _typed(value) for name, value in attributes.items()}}
