"""The turns that a Map's child takes with one segment: invocations, and waits in between."""

from tableferry.model import SegmentRecord
from tableferry.runs.ownership import Gate
from tableferry.segments.holding import SegmentTask

# A child's history holds 25,000 events [SFN:service-quotas], and a turn makes at most 11: Task 5,
# two Choices 4, Wait 2. The rest is for retries and redrives.
MOST_TURNS = 2000
# How long the state machine waits where a worker leaves the tables to applications.
HIBERNATION_SECONDS = 300


def begin_turn(record: SegmentRecord, task: SegmentTask, gate: Gate, now: float) -> None:
    """Another invocation takes the segment up, for this execution.

    Before a child fails for the length of its history the whole run pauses: workers hand back, and
    a new execution goes on. Raises MigrationPausedError then.
    """
    record.invocations += 1
    record.turns = record.turns + 1 if record.turns_of == task.owner else 1
    record.turns_of = task.owner
    record.failure, record.hibernates_until = None, 0.0
    record.started_at, record.progress_at = record.started_at or now, record.progress_at or now
    if record.turns > MOST_TURNS:
        by = f"Tableferry itself: segment {task.segment} took {MOST_TURNS:,} invocations"
        gate.pause(task.run, task.owner, by, is_full=True, at=now)


def end_turn(record: SegmentRecord, silent_seconds: float, now: float, hibernates: bool) -> None:
    """Keeps how long nothing was achieved, so that a stall is noticed across invocations. Where
    the table was left to others nothing was to be achieved: that is no stall.
    """
    record.silent_seconds = 0.0 if hibernates else silent_seconds
    record.hibernates_until = now + HIBERNATION_SECONDS if hibernates else 0.0


def shrink_pages(record: SegmentRecord, items: int) -> None:
    """A page of `items` that a whole invocation could not write is read in smaller pieces by the
    next, or a table with little capacity would see its first part for ever.
    """
    record.page_items = max(1, items // 4)
