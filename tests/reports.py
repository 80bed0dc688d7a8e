"""Reports of runs that ended well and badly, with names that want to break the page."""

import json
from pathlib import Path
from typing import Any

from tableferry.aws.executions import HistoryEvent
from tableferry.model import Counts, Failure, SegmentRecord, Work
from tableferry.reporting.gathering import Report, gather
from tableferry.runs.outcome import total
from tableferry.runs.ownership import ExecutionState
from tableferry.runs.recording import Ending, Findings
from tableferry.runs.work_summary import summarise
from tableferry.spec import MigrationSpec

ROOT = Path(__file__).parents[1]
DEFINITION = json.loads((ROOT / "statemachine" / "migrate.asl.json").read_text())
ARN = "arn:aws:states:eu-west-1:123456789012:execution:tableferry-migrate:prefs-v2-1a2b3c4d"
BEGAN = 1_795_000_000.0
# Whoever fills a table chooses its keys, and a transform says what it likes in its errors.
HOSTILE = (
    "</code><script>document.title='broken'</script>",
    '"><img src=x onerror="document.title=\'broken\'">',
    "' onmouseover='document.title=1",
    "&lt;b&gt; &amp; <b>bold</b>",
    "<!-- --><style>*{display:none}</style>",
    "javascript:document.title='broken'",
    "\u202eevil\u202c right to left",
    "a\u0000b\u001b[31m\u0085",
    "</style></title></textarea>]]>",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🚢 日本語 عربى",
)
PLANNED = {
    "items": 120_000,
    "readUnits": 3_000,
    "writeUnits": 120_000,
    "seconds": 95,
    "usd": 0.1312,
    "bottleneck": "workers",
}


class Histories:
    """One execution's events, and the definition that is deployed."""

    def __init__(self, events: list[HistoryEvent]) -> None:
        self.events = events

    def definition(self, execution_arn: str) -> dict[str, Any]:
        return dict(DEFINITION)

    def history(self, execution_arn: str) -> list[HistoryEvent]:
        return self.events


class Quarantines:
    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.entries = entries

    def quarantined(self, migration_id: str, most: int) -> list[dict[str, Any]]:
        return self.entries[:most]


def way(*steps: tuple[str, float], last: str = "") -> list[HistoryEvent]:
    """The events of states that follow each other, each so long; `last` ends the execution."""
    events, at = [], BEGAN
    for name, seconds in steps:
        kind = DEFINITION["States"][name]["Type"]
        events.append(HistoryEvent(f"{kind}StateEntered", at, state=name))
        at += seconds
        events.append(HistoryEvent(f"{kind}StateExited", at, state=name))
    if last:
        events[-1] = HistoryEvent(last, at)
    return events


MOVING = (
    ("ValidateMigration", 1.9),
    ("WhichMode?", 0.0),
    ("ApprovalAsked?", 0.0),
    ("PrepareDestination", 0.8),
    ("DestinationReady?", 0.0),
    ("WaitForDestination", 5.0),
    ("PrepareDestination", 0.4),
    ("DestinationReady?", 0.0),
    ("BackUpDestination", 0.6),
    ("BackupAvailable?", 0.0),
    ("PlanSegments", 0.5),
    ("CopySourceToDestination", 61.0),
    ("CleanUp", 0.6),
    ("LeasesOver?", 0.0),
    ("PlanVerification", 0.5),
    ("ReadBothTables", 14.0),
    ("ContentsRead?", 0.0),
    ("PlanComparison", 0.5),
    ("CompareContents", 6.0),
    ("CompareTables", 0.7),
)
PROVEN = (
    ("WhatNext?", 0.0),
    ("SnapshotAsked?", 0.0),
    ("SnapshotSource", 1.0),
    ("SnapshotAvailable?", 0.0),
    ("FinishDestination", 0.3),
    ("RecordOutcome", 0.9),
)


def record(number: int, work: Work = Work.COPY, **fields: Any) -> SegmentRecord:
    """A segment of 7,500 items; later ones began later and took longer."""
    began = BEGAN + 9 + number * 2.5
    counts = Counts(
        read=7_500,
        written=7_480,
        filtered=18,
        quarantined=2,
        throttled=number * 7 if number % 3 == 0 else 0,
        read_units=180.5,
        write_units=7_480.0,
    )
    given = {
        "segments": 16,
        "pages": 9,
        "slowest_page_seconds": 0.4 + number / 10,
        "done": True,
        "invocations": 1 + number // 8,
        "started_at": began,
        "progress_at": began + 14 + number,
        "counts": counts,
    }
    return SegmentRecord(work, number, **{**given, **fields})


def verified(*, match: bool) -> dict[str, Any]:
    kinds = ("missing", "extra", "different", "undecided", "collision")
    sample = [
        {
            "kind": kinds[place % 5],
            "key": {"id": {"S": text}, text: {"N": "1"}} if place else None,
            "sourceKeys": [{"id": {"S": text}}],
        }
        for place, text in enumerate(HOSTILE)
    ]
    return {
        "level": "content",
        "match": match,
        "sourceItems": 119_680,
        "destinationItems": 119_680 if match else 119_683,
        "missing": 0 if match else 2,
        "extra": 0 if match else 5,
        "different": 0 if match else 2,
        "undecided": 0 if match else 1,
        "kept": 0,
        "sample": [] if match else sample,
        "detailsUri": None if match else "s3://artifacts/outcomes/prefs-v2.differences.jsonl",
    }


def ending(*, good: bool = True) -> Ending:
    """What record_outcome knows of a run that ended well, or did not match."""
    text = HOSTILE[0]
    spec = MigrationSpec.parse(
        {
            "migrationId": "prefs-v2",
            "source": {"tableName": "UserPreferences"},
            "destination": {"tableName": "UserPreferencesV2", "create": "likeSource"},
            "transform": [
                {"set": {"attribute": text, "value": "x" * 50}},
                {"remove": [HOSTILE[1]]},
            ],
            "onItemError": "quarantine",
        }
    ).to_json()
    seconds = 94.7 if good else 92.1
    records = [record(number) for number in range(16)]
    cut = [record(n, Work.DIGEST_SOURCE, counts=Counts(read=30_000)) for n in range(4)]
    counts = total(records)
    works = (
        summarise(Work.COPY, 16, records, counts),
        summarise(Work.DIGEST_SOURCE, 4, cut, total(cut)),
        summarise(Work.COMPARE, 3, [], Counts()),
    )
    error = {"name": "VerificationFailedError", "cause": f"the tables differ: {text}", "hint": text}
    status = "SUCCEEDED" if good else "FAILED"
    outcome = {
        "migrationId": "prefs-v2",
        "status": status,
        "executionArn": ARN,
        "seconds": seconds,
        "copy": {
            "read": 120_000,
            "written": 119_680,
            "skipped": 0,
            "filtered": 288,
            "quarantined": 32,
        },
        "sync": None,
        "cleanup": None,
        "verify": verified(match=good),
        "snapshot": {"type": "backup", "arn": "arn:aws:dynamodb:…:backup/017"} if good else None,
        "undo": {"arn": "arn:aws:dynamodb:…:backup/016"},
        "consumed": {"readUnits": 8_640.5, "writeUnits": 119_680.0},
        "error": None if good else error,
    }
    failures = [] if good else [Failure("ItemError", HOSTILE[3], HOSTILE[1], BEGAN + 50)] * 3
    state = ExecutionState(
        ARN, status, 0 if good else 2, started_at=BEGAN, ended_at=BEGAN + seconds
    )
    run = {"mode": "migrate", "spec": spec, "steps": {}, "estimate": PLANNED}
    found = Findings({Work.COPY: counts}, failures, works=works)
    return Ending("prefs-v2", run, found, state, outcome)


def histories(*, good: bool = True) -> Histories:
    if not good:
        return Histories(way(*MOVING, last="ExecutionFailed"))
    # The report is written by the state that is entered last, before it is left.
    return Histories(way(*MOVING, *PROVEN)[:-1])


def quarantine() -> Quarantines:
    return Quarantines(
        [{"sourceKey": {"id": {"S": text}}, "reason": f"does not fit: {text}"} for text in HOSTILE]
    )


def report(*, good: bool = True) -> Report:
    """The same as a page shows it."""
    return gather(ending(good=good), histories(good=good), quarantine(), BEGAN + 95)
