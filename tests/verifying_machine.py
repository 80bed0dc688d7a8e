"""The verifying part of the state machine over two tables in memory, state by state."""

from dataclasses import dataclass, field
from typing import Any

from tableferry.model import Counts, Work
from tableferry.repair.planning_repair import plan_repair
from tableferry.repair.repair_work import RepairTask, repair_partition
from tableferry.repair.repairing import RepairRules
from tableferry.runs.run_spec import RunSpec
from tableferry.segments.copying import CopyRules
from tableferry.segments.working import Scan
from tableferry.spec import MigrationSpec
from tableferry.table_facts import TableFacts
from tableferry.verification.content_verifying import Standing, segment_folder
from tableferry.verification.partitions import compare_partition
from tableferry.verification.planning_comparison import partition_task, plan_comparison
from tableferry.verification.planning_reading import plan_reading
from tableferry.verification.planning_search import plan_search, searched_keys
from tableferry.verification.searching import search_segment, wanted_keys
from tableferry.verification.verifying import compare_contents
from tests.content_worlds import ContentWorld
from tests.fake_tables import FakeSteps
from tests.worlds import DESTINATION, RUN, SOURCE


class Lists:
    """Lists of segments, as the Maps read them."""

    def __init__(self) -> None:
        self.written: dict[str, list[dict[str, Any]]] = {}

    def write_segments(self, run: str, work: str, segments: list[dict[str, Any]]) -> str:
        self.written[work] = segments
        return work


@dataclass
class Machine(ContentWorld):
    """Runs from a state on until the verdict; `entered` are the states that it went through."""

    fields: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        document = {
            "migrationId": RUN,
            "source": {"tableName": SOURCE},
            "destination": {"tableName": DESTINATION},
            "transform": list(self.steps),
            "onExisting": "keep" if self.keep else "overwrite",
            "segments": self.segments,
            **self.fields,
        }
        self.spec = RunSpec.from_json(MigrationSpec.parse(document).to_json())
        self.log, self.lists = FakeSteps(), Lists()
        self.entered: list[str] = []

    @property
    def remembered(self) -> Standing:
        return Standing.of(self.log, RUN)

    def run(self) -> dict[str, Any]:
        """From PlanVerification to the verdict; raises what CompareTables raises."""
        return self._go("read")

    def redrive(self) -> dict[str, Any]:
        """What a redrive of a failed CompareTables does."""
        return self._go(self._verdict())

    def _go(self, state: str) -> dict[str, Any]:
        while state != "done":
            self.entered.append(state)
            state = getattr(self, f"_{state}")()
        result = self.remembered.result
        assert result is not None
        return result

    def _facts(self) -> TableFacts:
        arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{DESTINATION}"
        description = {"TableArn": arn, "TableStatus": "ACTIVE", "KeySchema": []}
        return TableFacts.from_description(description)

    def _read(self) -> str:
        tables = (self._facts(), self._facts())
        planned = plan_reading(
            self.log, self.lists, RUN, self.spec, tables=tables, copied_segments=0
        )
        self.standing = self.remembered
        for segment in self.lists.written[planned["key"]]:
            work = Work(segment["work"])
            assert segment["round"] == self.standing.round
            while not self.digest(work, segment["segment"]):
                pass
        return "compare"

    @property
    def cuts(self) -> dict[str, int]:
        cuts: dict[str, int] = (self.log.step(RUN, "verifying") or {})["segments"]
        return cuts

    def _compare(self) -> str:
        planned = plan_comparison(self.log, self.ledger, self.lists, RUN, objects=self.objects)
        self.standing = self.remembered
        self.partition_count = planned["segments"][Work.COMPARE]
        for segment in self.lists.written[planned["key"]]:
            task = partition_task(self.log, self.objects, RUN, segment)
            worker = self.working(
                Work.COMPARE, segment["segment"], segment["totalSegments"], segment["round"]
            )
            assert compare_partition(worker, task, self.partition_rules(), self.objects)
        return self._verdict()

    def _verdict(self) -> str:
        answer = compare_contents(self.log, self.ledger, RUN, self.spec, objects=self.objects)
        return answer["next"]

    def _search(self) -> str:
        planned = plan_search(self.log, self.ledger, self.lists, RUN, objects=self.objects)
        for segment in self.lists.written[planned["key"]]:
            worker = self.working(
                Work.SEARCH, segment["segment"], segment["totalSegments"], segment["round"]
            )
            assert search_segment(
                worker,
                Scan(self.dynamo, SOURCE, {"ConsistentRead": True}),
                self._copy_rules(),
                wanted=wanted_keys(searched_keys(self.objects, RUN, self.remembered)),
                folder=segment_folder(self.objects, worker.task),
                lenient=False,
            )
        return "compare"

    def _copy_rules(self) -> CopyRules:
        return CopyRules(self.transform, tuple(self.source_keys), self.key_rules, False, None)

    def _repair(self) -> str:
        planned = plan_repair(self.log, self.ledger, self.lists, RUN)
        for segment in self.lists.written[planned["key"]]:
            task = RepairTask(
                inputs=segment["inputs"],
                prefix=segment["prefix"],
                rules=RepairRules(
                    DESTINATION, tuple(self.destination_keys), self.spec.delete_extras
                ),
                both=lambda worker: self.both(worker, self.dynamo),
                client=self.dynamo,
            )
            worker = self.working(
                Work.REPAIR, segment["segment"], segment["totalSegments"], segment["round"]
            )
            assert repair_partition(worker, task, self.objects)
        return "read"

    def total(self, work: Work) -> Counts:
        counts = Counts()
        for record in self.ledger.segments(RUN, work, 1000):
            counts.add(record.counts)
        return counts
