"""The guard: whether sync keeps ahead of the stream's 24 hours.

A stream keeps 24 hours [DDB:Streams], and the metrics of a mapping are silent while it is broken.
So every few minutes the guard looks for itself: at the mapping, at the stream (someone may switch
it off and on, which makes another one), and at the oldest record that was not applied.

What was lost is lost: a migration that is unsafe stays so until it was captured anew
(recapturing.py), also when sync goes on by then and no record waits any more.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.live.walking import Markers, Patience, ShardReader, ShardWalk, oldest_pending, walk

ALARM_SECONDS = 18 * 3600.0
RETENTION_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the guard saw of one migration.

    `unsafe` says why records may be lost: then nothing proves the two tables equal any more.
    `warning` says what will become so if nobody acts.
    """

    oldest_seconds: float
    unsafe: str = ""
    warning: str = ""

    def to_json(self, at: float) -> dict[str, Any]:
        return {
            "at": at,
            "oldestSeconds": self.oldest_seconds,
            "unsafe": self.unsafe,
            "warning": self.warning,
        }


class GuardLog(Markers, Protocol):
    """The ledger, as far as the guard needs it (aws/sync_records.py)."""

    def guarded(self, run: str) -> dict[str, Any]: ...

    def remember_guard(self, run: str, document: dict[str, Any]) -> None: ...


class GuardedStream(ShardReader, Protocol):
    """The stream that the run captured from."""

    def shards(self) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the guard finds beside the stream: the source's stream now, and the mapping's state."""

    captured: str
    current: str | None
    mapping_state: str


def look_after(
    run: str, log: GuardLog, stream: GuardedStream, around: Surroundings, *, now: float
) -> Sighting:
    """One look at a run; what it saw is remembered for the next look, for status and the drain."""
    before = log.guarded(run)
    walks = []
    if around.current == around.captured:
        walks = [
            walk(
                stream,
                log,
                run,
                shard=shard.id,
                after=before["positions"].get(shard.id),
                patience=Patience(1, lambda: None, time.time()),
            )
            for shard in stream.shards()
        ]
    gone = before.get("sighting", {}).get("unsafe", "")
    if not gone and around.current == around.captured:
        gone = lost(walks, before.get("waiting", {}))
    sighting = judge(walks, around, lost=gone, now=now)
    seen = {
        "positions": positions_after(walks, before["positions"]),
        "waiting": {each.shard: each.pending[0].sequence_number for each in walks if each.pending},
        "sighting": sighting.to_json(now),
    }
    log.remember_guard(run, seen)
    return sighting


def judge(walks: Sequence[ShardWalk], around: Surroundings, *, lost: str, now: float) -> Sighting:
    """What the walks mean; `lost` says what is known to be lost."""
    oldest = oldest_pending(walks)
    age = max(0.0, now - oldest.created_at) if oldest else 0.0
    if lost:
        return Sighting(age, lost)
    if around.current != around.captured:
        found = around.current or "none"
        return Sighting(
            0.0, f"the source's stream is another one ({found}): what came between was not captured"
        )
    if age >= RETENTION_SECONDS:
        return Sighting(age, f"the oldest record that was not applied is {_hours(age)} old")
    if age >= ALARM_SECONDS:
        return Sighting(
            age, warning=f"sync is {_hours(age)} behind; the stream keeps 24 h: mend what stops it"
        )
    if around.mapping_state != "Enabled":
        return Sighting(age, warning=f"the mapping of sync is {around.mapping_state}, not Enabled")
    return Sighting(age)


def lost(walks: Sequence[ShardWalk], waiting: Mapping[str, str]) -> str:
    """Which record waited at the last look and is neither applied nor there any more; empty when
    none is. A clock alone would not tell: the stream forgets at its own time.
    """
    found = {walk.shard: walk for walk in walks}
    for shard, number in waiting.items():
        walked = found.get(shard)
        is_applied = walked and walked.applied and int(walked.applied) >= int(number)
        is_there = walked and any(each.sequence_number == number for each in walked.pending)
        if not is_applied and not is_there:
            return f"the stream has forgotten record {number} of {shard}, which was not applied"
    return ""


def positions_after(walks: Sequence[ShardWalk], before: Mapping[str, str]) -> dict[str, str]:
    """Where the next look begins in each shard that is still there."""
    return {
        walk.shard: walk.applied or before[walk.shard]
        for walk in walks
        if walk.applied or walk.shard in before
    }


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
