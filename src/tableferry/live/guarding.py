"""The guard: whether sync keeps ahead of the stream's 24 hours.

A stream keeps 24 hours [DDB:Streams], and the metrics of a mapping are silent while it is broken.
So every few minutes the guard looks for itself: at the mapping, at the stream (someone may switch
it off and on, which makes another one), and at the oldest record that was not applied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tableferry.live.walking import ShardWalk, oldest_pending

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


def judge(
    walks: Sequence[ShardWalk],
    *,
    captured: str,
    current: str | None,
    mapping_state: str,
    now: float,
) -> Sighting:
    """What the walks mean; `captured` is the stream of the migration, `current` the source's."""
    if current != captured:
        found = current or "none"
        return Sighting(
            0.0, f"the source's stream is another one ({found}): what came between was not captured"
        )
    oldest = oldest_pending(walks)
    age = max(0.0, now - oldest.created_at) if oldest else 0.0
    if age >= RETENTION_SECONDS:
        return Sighting(age, f"the oldest record that was not applied is {_hours(age)} old")
    if age >= ALARM_SECONDS:
        return Sighting(
            age, warning=f"sync is {_hours(age)} behind; the stream keeps 24 h: mend what stops it"
        )
    if mapping_state != "Enabled":
        return Sighting(age, warning=f"the mapping of sync is {mapping_state}, not Enabled")
    return Sighting(age)


def positions_after(walks: Sequence[ShardWalk], before: Mapping[str, str]) -> dict[str, str]:
    """Where the next look begins in each shard that is still there."""
    return {
        walk.shard: walk.applied or before[walk.shard]
        for walk in walks
        if walk.applied or walk.shard in before
    }


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
