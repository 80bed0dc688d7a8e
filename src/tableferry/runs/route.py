"""The states that a run of mode migrate goes through, by what its spec asks for.

Each round through a wait that a run usually makes once is in. A test holds the names against
statemachine/migrate.asl.json.
"""

from collections.abc import Sequence

from tableferry.spec import MigrationSpec

ALWAYS = (
    "ValidateMigration",
    "WhichMode?",
    "ApprovalAsked?",
    "PrepareDestination",
    "DestinationReady?",
    "PlanSegments",
    "CopySourceToDestination",
    "CleanUp",
    "LeasesOver?",
    "SnapshotAsked?",
    "FinishDestination",
    "RecordOutcome",
)
APPROVED = ("RequestApproval",)
CREATED = ("WaitForDestination", "PrepareDestination", "DestinationReady?")
NOT_LIVE = ("BackUpDestination", "BackupAvailable?")
BACKED_UP = ("WaitForBackup", "BackUpDestination", "BackupAvailable?")
CLEANED = ("PlanCleaning", "CleanDestination", "SettleCleaning", "CleaningSettled?")
LIVE = (
    "StartSync",
    "Capturing?",
    "WaitForCapture",
    "StartSync",
    "Capturing?",
    "OpenSweep",
    "SweepOpen?",
    "SweepTombstones",
    "FinishSweep",
    "SweepOver?",
    "DrainSync",
    "Drained?",
)
VERIFIED = ("PlanVerification", "ReadBothTables", "ContentsRead?", "CompareTables", "WhatNext?")
COMPARED = ("PlanComparison", "CompareContents")
SNAPSHOT = (
    "SnapshotSource",
    "SnapshotAvailable?",
    "WaitForSnapshot",
    "SnapshotSource",
    "SnapshotAvailable?",
)
MAPS = frozenset(
    {
        "CopySourceToDestination",
        "CleanDestination",
        "SweepTombstones",
        "ReadBothTables",
        "CompareContents",
    }
)


def route(spec: MigrationSpec, *, is_created: bool, is_backed_up: bool) -> Sequence[str]:
    """The names of the states that the execution enters, one for each time."""
    is_live = spec.strategy == "live"
    parts = [
        ALWAYS,
        APPROVED if spec.approval else (),
        CREATED if is_created else (),
        LIVE if is_live else NOT_LIVE,
        BACKED_UP if is_backed_up else (),
        CLEANED if spec.clean_destination else (),
        VERIFIED if spec.verify != "none" else (),
        COMPARED if spec.verify == "content" else (),
        SNAPSHOT if spec.snapshot != "none" else (),
    ]
    return [name for part in parts for name in part]


def functions_of(states: Sequence[str]) -> int:
    """How many of the states invoke a function that is no segment worker."""
    return sum(
        not (name.endswith("?") or name.startswith("WaitFor") or name in MAPS) for name in states
    )
