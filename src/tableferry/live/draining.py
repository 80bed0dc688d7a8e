"""The drain: everything that was written up to a moment is applied.

Bounded, not exact: GetRecords may answer empty before later records, and AWS promises no bound for
propagation. The drain ends when every shard was read to its end (several empty answers over some
seconds), sync has applied beyond what was the end of each shard at the first look, its mapping is
Enabled, and every key that was seen on the way is equal on both sides by consistent reads.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.live.equality import Mentions, change_of, unequal
from tableferry.live.walking import Markers, Patience, ShardReader, ShardWalk, walk
from tableferry.ports import StepLog
from tableferry.verification.rereading import ItemReader

# What the stream's clock and ours may differ by.
CLOCK_SKEW_SECONDS = 5.0
EMPTY_ANSWERS = 4
PAUSE_SECONDS = 1.0
WAIT_SECONDS = 5
STEP = "drain"
# A key that is written to is unequal for as long as its record is under way.
COMPARISONS = 10


@dataclass(frozen=True, slots=True)
class Drained:
    """Whether the drain has ended, and if not, what it waits for."""

    done: bool
    waiting_for: str
    keys_compared: int = 0
    mend: bool = False
    """Items are dirty that may not be: they are mended first, or named."""

    def to_json(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "waitSeconds": 0 if self.done else WAIT_SECONDS,
            "waitingFor": self.waiting_for,
            "keysCompared": self.keys_compared,
            "mend": self.mend,
        }


def waiting_for(
    walks: Sequence[ShardWalk], *, targets: Mapping[str, str], is_mapping_enabled: bool
) -> str:
    """What the drain waits for before keys are compared; empty when every target is passed.

    A shard that came later than the targets began after its parent's end, and its parent has one.
    """
    if not is_mapping_enabled:
        return "the mapping of sync to be Enabled"
    for each in walks:
        target = targets.get(each.shard)
        if target is not None and not _passed(each, target):
            return f"sync to apply {len(each.pending)} records of {each.shard}"
    return ""


def targets_of(walks: Sequence[ShardWalk]) -> dict[str, str]:
    """The last record of each shard at the first look: what must be applied."""
    return {walk.shard: walk.last for walk in walks if walk.last is not None}


def _passed(walk: ShardWalk, target: str) -> bool:
    """Within one shard sequence numbers rise."""
    return walk.applied is not None and int(walk.applied) >= int(target)


class DrainedStream(ShardReader, Protocol):
    """The source's stream, with its shards."""

    def shards(self) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Drain:
    """What a drain reads: the stream, sync's markers, and both tables' items."""

    run: str
    log: StepLog
    stream: DrainedStream
    markers: Markers
    is_mapping_enabled: bool
    source: ItemReader
    destination: ItemReader
    mentions: Mentions
    pause: Callable[[], None]
    began: float

    def look(self) -> Drained:
        """One look; to be called again until it is done.

        The targets of the first look stay, so that a source that is written to all the time can be
        drained: what came after the drain began is the next drain's.
        """
        step = self.log.step(self.run, STEP) or {"positions": {}}
        walks = [self._walk(shard.id, step["positions"]) for shard in self.stream.shards()]
        if "targets" not in step:
            step = {**step, "targets": targets_of(walks)}
            self.log.record_step(self.run, STEP, step)
        waits_for = waiting_for(
            walks, targets=step["targets"], is_mapping_enabled=self.is_mapping_enabled
        )
        if waits_for:
            return Drained(False, waits_for)
        left = self._compare()
        if left:
            return Drained(False, f"{left} keys to become equal", len(self.mentions))
        # The next drain begins where this one has proved everything applied.
        positions = {each.shard: each.applied for each in walks if each.applied is not None}
        self.log.record_step(self.run, STEP, {"positions": positions})
        return Drained(True, "", len(self.mentions))

    def _walk(self, shard: str, positions: Mapping[str, str]) -> ShardWalk:
        names = self.source.key_names
        return walk(
            self.stream,
            self.markers,
            self.run,
            shard=shard,
            after=positions.get(shard),
            patience=Patience(EMPTY_ANSWERS, self.pause, self.began + CLOCK_SKEW_SECONDS),
            see=lambda record: self.mentions.see(change_of(record, names)),
        )

    def _compare(self) -> int:
        """Compares every key that was seen until it was equal once; how many never were."""
        wanted = list(self.mentions.source_keys)
        for _ in range(COMPARISONS):
            wanted = unequal(self.mentions, wanted, self.source, self.destination)
            if not wanted:
                return 0
            self.pause()
        return len(wanted)
