"""Capture first: the source's stream is on, proven, and handed to sync before the first scan.

Each call looks and moves one step on; it is called again until capture is ready. An existing
stream is joined, never replaced: other consumers read it too.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.errors import InvalidSpecError, NotOwnerError, Problem, StreamGapError
from tableferry.ports import StepLog
from tableferry.runs.claiming import GAP
from tableferry.table_facts import TableFacts

STEP = "sync"
IMAGES = "NEW_AND_OLD_IMAGES"
WAIT_SECONDS = 5
# Two readers a shard without throttling [DDB:ServiceQuotas]; sync and the drain are two.


class SourceTable(Protocol):
    """The source's control plane."""

    def describe(self) -> TableFacts: ...

    def turn_on_stream(self) -> None: ...


class CapturedStream(Protocol):
    """The source's stream (aws/streams.py)."""

    def status(self) -> str: ...

    def shards(self) -> list[Any]: ...

    def iterator(self, shard: str, after: str | None) -> str: ...

    def read(self, iterator: str) -> Any: ...


class StreamMappings(Protocol):
    """The sync function's mappings (aws/streams.py)."""

    def create(self, stream_arn: str) -> str: ...

    def get(self, uuid: str) -> Any: ...


class Streams(Protocol):
    def stream(self, arn: str) -> CapturedStream: ...


class CapturedAnew(Protocol):
    """Ends a capture that has a gap (recapturing.py)."""

    def look(self, run: str, step: dict[str, Any]) -> "Capture": ...


class SourceClaims(Protocol):
    """One live migration a source: a second one would be a second mapping of one function."""

    def claim_source(self, run: str, stream_arn: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Capture:
    """Whether everything that is written to the source from now on will be applied."""

    ready: bool
    waiting_for: str
    stream_arn: str | None = None
    wait_seconds: int = WAIT_SECONDS

    def to_json(self) -> dict[str, Any]:
        return {
            "ready": self.ready,
            "waitSeconds": 0 if self.ready else self.wait_seconds,
            "waitingFor": self.waiting_for,
            "streamArn": self.stream_arn,
        }


def check_stream(facts: TableFacts) -> list[Problem]:
    """Why the source's stream can not be joined; nothing when it is off: then it is turned on."""
    if facts.stream_arn is None or facts.stream_view == IMAGES:
        return []
    return [
        Problem(
            "source.tableName",
            f"{facts.name}: {facts.stream_view}",
            f"has a stream of another view; sync needs {IMAGES}, and no stream changes its view",
            "if no other consumer needs it, turn the stream off; Tableferry then makes its own",
        )
    ]


def start_sync(
    log: StepLog,
    run: str,
    *,
    source: SourceTable,
    streams: Streams,
    mappings: StreamMappings,
    claims: SourceClaims,
    unsafe: str = "",
    recapture: CapturedAnew | None = None,
) -> Capture:
    """Moves capture one step on: stream on, claimed, read once, mapped, Enabled.

    `unsafe` is why the guard says that records may be lost. With `recapture` a gap is mended by
    capturing anew. Raises InvalidSpecError for a stream of another view, NotOwnerError when another
    migration has the source, and without `recapture` StreamGapError when this migration's capture
    has a gap.
    """
    facts = source.describe()
    problems = check_stream(facts)
    if problems:
        raise InvalidSpecError(problems)
    step = log.step(run, STEP) or {}
    gap = _gap(step, facts, mappings) or (unsafe if step else "")
    if gap:
        if recapture is None:
            raise told_gap(log, run, gap)
        return recapture.look(run, step)
    if facts.stream_arn is None:
        source.turn_on_stream()
        return Capture(False, "the source's stream to be turned on")
    stream = streams.stream(facts.stream_arn)
    if stream.status() != "ENABLED":
        return Capture(False, "the source's stream to be ENABLED", facts.stream_arn)
    _claim(claims, run, facts)
    if not step.get("mapping"):
        _prove(stream)
        step = {"streamArn": facts.stream_arn, "mapping": mappings.create(facts.stream_arn)}
        log.record_step(run, STEP, step)
    return _capture(mappings, step)


def _claim(claims: SourceClaims, run: str, facts: TableFacts) -> None:
    holder = claims.claim_source(run, str(facts.stream_arn))
    if holder != run:
        raise NotOwnerError(
            f"{facts.name} is already migrated live by {holder}",
            hint=f"finish that migration or give it up with `tableferry stop {holder}`",
        )


def _capture(mappings: StreamMappings, step: dict[str, Any]) -> Capture:
    mapping = mappings.get(step["mapping"])
    state = mapping.state if mapping else "not there yet"
    if state != "Enabled":
        return Capture(False, f"the mapping to be Enabled (it is {state})", step["streamArn"])
    return Capture(True, "", step["streamArn"])


def _prove(stream: CapturedStream) -> None:
    """Reads every shard once: a stream that can not be read would lose what is written
    meanwhile.
    """
    shards = stream.shards()
    if not any(shard.is_open for shard in shards):
        raise StreamGapError(
            "the source's stream has no open shard", hint="look at the stream, then redrive"
        )
    for shard in shards:
        stream.read(stream.iterator(shard.id, None))


def _gap(step: dict[str, Any], facts: TableFacts, mappings: StreamMappings) -> str:
    """Why what this migration captured is not all that was written; empty where it is."""
    captured = step.get("streamArn")
    if not captured:
        return ""
    if facts.stream_arn != captured:
        found = facts.stream_arn or "no stream"
        return (
            f"it captured from the stream {captured}, and the source has {found} now: what was "
            "written in between was not captured"
        )
    if mappings.get(step["mapping"]) is None:
        return (
            f"the mapping of sync ({step['mapping']}) was removed: what was written since then may "
            "be gone from the stream"
        )
    return ""


def told_gap(log: StepLog, run: str, reason: str) -> StreamGapError:
    """The error for a gap, after the run remembers that it has one."""
    log.record_step(run, GAP, {"reason": reason})
    return StreamGapError(
        f"{run} is unsafe: {reason}",
        hint='start the same spec with "resume": true, "verify": "content", "repair": true and '
        '"deleteExtras": true: the source is captured anew, both tables are compared, and what '
        "differs is repaired both ways",
    )
