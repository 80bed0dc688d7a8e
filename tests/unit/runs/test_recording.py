"""Recording an end: the outcome first, then whoever publishes it is told all of it."""

import json
from typing import Any

import pytest

from tableferry.model import Control, Counts, Phase, SegmentRecord, Work
from tableferry.reporting.writing import write_report
from tableferry.runs.ownership import ExecutionState
from tableferry.runs.recording import (
    EndedBadly,
    Ending,
    record_end,
    record_stopped,
    record_success,
)
from tests.fake_ledger import MemoryExecutions, MemoryLedger
from tests.reports import BEGAN, MOVING, Histories, Quarantines, way

RUN, OWNER = "prefs-v2", "arn:aws:states:eu-west-1:123456789012:execution:m:one"
SPEC = {
    "migrationId": RUN,
    "source": {"tableName": "Old"},
    "destination": {"tableName": "New"},
    "transform": [],
}


class Bucket(Quarantines):
    """The artifacts bucket; `order` says what was written first."""

    def __init__(self) -> None:
        super().__init__([])
        self.order: list[str] = []
        self.objects: dict[str, str] = {}

    def write_outcome(self, name: str, outcome: dict[str, Any]) -> str:
        return self._put(f"{name}.json", json.dumps(outcome))

    def write_report(self, name: str, page: str) -> str:
        return self._put(f"{name}.html", page)

    def report_uri(self, name: str) -> str:
        return f"s3://artifacts/{name}.html"

    def _put(self, name: str, text: str) -> str:
        self.order.append(name)
        self.objects[name] = text
        return name


class Ledger(MemoryLedger):
    """None of the runs here has a sync."""

    def sync_outcome(self, run: str) -> dict[str, int]:
        raise AssertionError(run)


class Recording:
    """A run that copied one segment, and what was published of it."""

    def __init__(self) -> None:
        self.ledger, self.bucket = Ledger(), Bucket()
        record = {"mode": "migrate", "spec": SPEC, "steps": {"copying": {"segments": {"copy": 1}}}}
        control = Control(RUN, OWNER, Phase.CLOSED, "1/eu-west-1/New")
        self.ledger.create_run(control, record, writes=True, keep=True)
        self.ledger.segment_records[RUN, Work.COPY, 0] = SegmentRecord(
            Work.COPY,
            0,
            invocations=1,
            started_at=BEGAN,
            progress_at=BEGAN + 10,
            done=True,
            counts=Counts(read=50, written=50),
        )
        self.executions = MemoryExecutions()
        self.state = ExecutionState(OWNER, "RUNNING", 0, started_at=BEGAN)
        self.executions.states[OWNER] = self.state
        self.published: list[Ending] = []

    def publish(self, ending: Ending) -> None:
        self.published.append(ending)
        write_report(ending, Histories(way(*MOVING)), self.bucket, BEGAN + 95)

    def end(self, how: str) -> str:
        """The status in the outcome of a run that ended so."""
        where = (self.ledger, self.ledger, self.bucket)
        if how == "SUCCEEDED":
            record_success(*where, RUN, state=self.state, publish=self.publish)
        elif how == "STOPPED":
            record_stopped(*where, RUN, executions=self.executions, publish=self.publish)
        else:
            ended = EndedBadly(ExecutionState(OWNER, how, 0, "ItemError", started_at=BEGAN))
            assert record_end(*where, ended, publish=self.publish)
        return str(json.loads(self.bucket.objects["prefs-v2.json"])["status"])


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("SUCCEEDED", "SUCCEEDED"),
        ("STOPPED", "STOPPED"),
        ("FAILED", "FAILED"),
        ("ABORTED", "PAUSED"),
    ],
)
def test_every_end_leaves_an_outcome_and_then_a_page(how: str, status: str) -> None:
    recording = Recording()
    assert recording.end(how) == status
    assert recording.bucket.order == ["prefs-v2.json", "prefs-v2.html"]
    page = recording.bucket.objects["prefs-v2.html"]
    assert status in page
    assert "CopySourceToDestination" in page
    (ending,) = recording.published
    assert ending.state.status == ending.outcome["status"] == status
    assert ending.found.works[0].counts.read == 50
    assert ending.outcome["report"] == "s3://artifacts/prefs-v2.html"
    assert json.loads(recording.bucket.objects["prefs-v2.json"]) == ending.outcome


def test_another_owners_end_is_not_published() -> None:
    recording = Recording()
    ended = EndedBadly(ExecutionState("another", "FAILED", 0))
    where = (recording.ledger, recording.ledger, recording.bucket)
    assert not record_end(*where, ended, publish=recording.publish)
    assert recording.bucket.order == []


def test_the_destination_is_free_before_the_page_is_written() -> None:
    recording = Recording()
    writers = []

    def publish(_ending: Ending) -> None:
        writers.append(recording.ledger.writer_of("1/eu-west-1/New"))

    where = (recording.ledger, recording.ledger, recording.bucket)
    record_success(*where, RUN, state=recording.state, publish=publish)
    assert writers == [None]
