"""A world whose two tables are verified by content, as the state machine's Maps would do it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from tableferry.model import Counts, Phase, SegmentRecord, Work
from tableferry.repair.repair_work import RepairTask, repair_partition
from tableferry.repair.repairing import RepairRules
from tableferry.runs.outcome import total
from tableferry.segments.copying import CopyRules, KeyRules
from tableferry.segments.holding import SegmentTask
from tableferry.segments.working import Scan, Worker
from tableferry.verification.candidates import Leniency, NothingIsSynchronised, WatchList
from tableferry.verification.content_verifying import (
    COMPARE,
    Digests,
    Standing,
    compared_partitions,
    comparison_list,
    find_digests,
    prefix,
    segment_folder,
    verdict,
)
from tableferry.verification.differences import Difference
from tableferry.verification.digesting import DigestRules, GroupLimits, digest_segment
from tableferry.verification.expiry import Expiry
from tableferry.verification.partitions import (
    PartitionRules,
    PartitionTask,
    all_differences,
    compare_partition,
)
from tableferry.verification.rereading import BothItems, ItemReader
from tableferry.verification.source_keys import SourceKeyTeller
from tests.conditional_dynamo import ConditionalDynamo
from tests.memory_objects import MemoryObjects
from tests.memory_table import Item
from tests.worlds import DESTINATION, OWNER, RUN, SOURCE, Mortal, World

SMALL_GROUPS = GroupLimits(entries=64, bytes=1_000_000, pages=3)


@dataclass
class ContentWorld(World):
    """A closed copy whose destination a test fills, and what verification may turn."""

    phase: Phase = Phase.CLOSED
    held: Iterable[Item] | None = None
    destination_segments: int = 1
    limits: GroupLimits = SMALL_GROUPS
    chunk: int = 10
    partitions: int | None = None
    expiry: str | None = None
    marks: dict[bytes, int] = field(default_factory=dict)
    watch_list: WatchList = field(default_factory=NothingIsSynchronised)
    standing: Standing = field(default_factory=Standing)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.objects = MemoryObjects()
        self.partition_count = 0
        self.dynamo = ConditionalDynamo(self.source, self.destination, faults=self.faults)
        self.destination.load(self.source.items.values() if self.held is None else self.held)
        self.dynamo.page_bytes = 2_000

    @property
    def cuts(self) -> dict[str, int]:
        return {
            str(Work.DIGEST_SOURCE): self.segments,
            str(Work.DIGEST_DESTINATION): self.destination_segments,
        }

    @property
    def key_rules(self) -> KeyRules:
        return KeyRules(tuple(self.destination_keys), {**self.destination_keys, **self.index_keys})

    def working(self, work: Work, segment: int, segments: int, number: int, **more: Any) -> Worker:
        worker = self.worker(segment, **more)
        worker.task = SegmentTask(RUN, OWNER, work, segment, segments, number)
        return worker

    # --- reading ---

    def digest(
        self, work: Work, segment: int, *, mortal: Mortal | None = None, **more: Any
    ) -> bool:
        """One invocation on one segment of either table."""
        is_source = work is Work.DIGEST_SOURCE
        table = SOURCE if is_source else DESTINATION
        copy = CopyRules(
            transform=self.transform,
            source_key=tuple(self.source_keys),
            destination=self.key_rules,
            keep=self.keep,
            quarantine=None,
        )
        rules = DigestRules(
            key_names=tuple(self.source_keys if is_source else self.destination_keys),
            copy=copy if is_source else None,
            lenient=self.is_quarantining,
            marks=self.marks,
        )
        client = mortal.ports_of(self.dynamo) if mortal else self.dynamo
        worker = self.working(
            work, segment, self.cuts[work], self.standing.round, mortal=mortal, **more
        )
        folder = segment_folder(self.objects, worker.task)
        return digest_segment(
            worker,
            Scan(client, table, {"ConsistentRead": True}),
            rules,
            mortal.ports_of(folder) if mortal else folder,
            limits=self.limits,
        )

    def read_both_tables(self, **more: Any) -> None:
        for work in (Work.DIGEST_SOURCE, Work.DIGEST_DESTINATION):
            for segment in range(self.cuts[work]):
                while not self.digest(work, segment, **more):
                    pass

    # --- comparing ---

    def digests(self) -> Digests:
        return find_digests(self.ledger, RUN, self.standing.round, self.cuts)

    def planned(self) -> list[dict[str, Any]]:
        """What the Map of one comparison hands out."""
        is_first = self.standing.comparison == self.standing.since
        count, segments = comparison_list(self.standing, self.digests(), self.compared())
        if is_first and self.partitions is not None:
            count = self.partitions
            segments = [
                {**segments[0], "segment": each, "totalSegments": count} for each in range(count)
            ]
        self.partition_count = count
        return segments

    def compared(self) -> list[SegmentRecord]:
        """The partitions' records, as far as any comparison wrote them."""
        return list(self.ledger.segments(RUN, Work.COMPARE, self.partition_count))

    def compare(
        self, segment: dict[str, Any], *, mortal: Mortal | None = None, **more: Any
    ) -> bool:
        """One invocation on one partition."""
        digests = self.digests()
        objects = mortal.ports_of(self.objects) if mortal else self.objects
        task = PartitionTask(
            source=digests.source,
            destination=digests.destination,
            prefix=prefix(RUN, self.standing.round),
            inputs=segment.get("inputs"),
            carried=Counts.from_json(segment.get("carried", {})),
        )
        worker = self.working(
            Work.COMPARE,
            segment["segment"],
            segment["totalSegments"],
            segment["round"],
            mortal=mortal,
            **more,
        )
        client = mortal.ports_of(self.dynamo) if mortal else self.dynamo
        return compare_partition(worker, task, self.partition_rules(client), objects)

    def partition_rules(self, client: Any = None) -> PartitionRules:
        return PartitionRules(
            both=lambda worker: self.both(worker, client or self.dynamo),
            leniency=Leniency(self.keep),
            watch_list=self.watch_list,
            chunk=self.chunk,
        )

    def both(self, worker: Worker, client: Any) -> BothItems:
        retrier, pool = worker.retrier, worker.pool
        return BothItems(
            source=ItemReader(client, SOURCE, tuple(self.source_keys), retrier, pool),
            destination=ItemReader(
                client, DESTINATION, tuple(self.destination_keys), retrier, pool
            ),
            transform=self.transform,
            keys=self.key_rules,
            source_expiry=Expiry.of([self.expiry]),
            destination_expiry=Expiry.of([self.expiry]),
            teller=SourceKeyTeller.of(self.steps, tuple(self.source_keys)),
            lenient=self.is_quarantining,
            now=self.clock.now,
        )

    def compare_all(self, **more: Any) -> None:
        for segment in self.planned():
            while not self.compare(segment, **more):
                pass

    # --- repairing ---

    def repair(self, *, delete_extras: bool = False, **more: Any) -> Counts:
        """What a repair of the last comparison's differences did."""
        left = [record for record in self.compared() if record.objects]
        for record in left:
            while not self.repair_partition(record, delete_extras=delete_extras, **more):
                pass
        return total(self.ledger.segments(RUN, Work.REPAIR, self.partition_count))

    def repair_partition(
        self,
        compared: SegmentRecord,
        *,
        delete_extras: bool = False,
        mortal: Mortal | None = None,
        **more: Any,
    ) -> bool:
        """One invocation on one partition's differences."""
        client = mortal.ports_of(self.dynamo) if mortal else self.dynamo
        task = RepairTask(
            inputs=compared.objects,
            prefix="repairs",
            rules=RepairRules(DESTINATION, tuple(self.destination_keys), delete_extras),
            both=lambda worker: self.both(worker, client),
            client=client,
        )
        worker = self.working(
            Work.REPAIR,
            compared.segment,
            self.partition_count,
            self.standing.comparison,
            mortal=mortal,
            **more,
        )
        objects = mortal.ports_of(self.objects) if mortal else self.objects
        return repair_partition(worker, task, objects)

    def repaired(self) -> list[dict[str, Any]]:
        """What a repair told about each difference."""
        records = self.ledger.segments(RUN, Work.REPAIR, self.partition_count)
        names = [name for record in records for name in record.objects]
        return [json.loads(line) for name in names for line in self.objects.get(name).splitlines()]

    # --- the verdict ---

    def verdict(self) -> dict[str, Any]:
        compared = compared_partitions(self.ledger, RUN, self.standing, self.partition_count)
        return verdict(compared, self.digests(), self.objects)

    def verify(self) -> dict[str, Any]:
        """Everything from reading to the verdict."""
        self.read_both_tables()
        self.compare_all()
        return self.verdict()

    def look_again(self) -> dict[str, Any]:
        """What a redrive after a failed verdict does."""
        self.standing = replace(self.standing, next=COMPARE).begun()
        self.compare_all()
        return self.verdict()

    def differences(self) -> list[Difference]:
        names = [name for record in self.compared() for name in record.objects]
        return list(all_differences(self.objects, names))

    def named(self) -> set[tuple[str, str]]:
        """Kind and partition key's text of every difference."""
        return {
            (str(each.kind), next(iter(next(iter((each.key or {}).values())).values())))
            for each in self.differences()
        }
