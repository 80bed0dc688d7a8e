"""How far the stream was applied, read from the stream itself.

A shard is read forward from the last record that is known to be applied. Sync marks each batch
that it applied by the batch's last sequence number; a record with exactly such a marker, and all
before it in its shard, are applied (one batch of a shard at a time, aws/streams.py). The next
record is the oldest that was not: its age tells how close the 24 hours are, and at the end of
every shard there is none.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

from tableferry.errors import RequestRefusedError

TRIMMED = "TrimmedDataAccessException"


class ShardReader(Protocol):
    """A stream's shards (aws/streams.py)."""

    def iterator(self, shard: str, after: str | None) -> str: ...

    def read(self, iterator: str) -> Any: ...


class Markers(Protocol):
    """What sync marked as applied (aws/sync_log.py); sequence numbers zero-padded."""

    def applied_between(self, run: str, first: str, last: str) -> set[str]: ...


@dataclass(frozen=True, slots=True)
class Pending:
    """A record that was not applied when it was read."""

    sequence_number: str
    key: dict[str, Any]
    created_at: float


@dataclass(slots=True)
class ShardWalk:
    """One shard as it was read to its end: everything up to `applied` is applied, `pending` is
    not; `last` is the last record that was read, None if none was.
    """

    shard: str
    applied: str | None = None
    pending: list[Pending] = field(default_factory=list)
    last: str | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """When a shard's end is taken for reached: so many empty answers in a row with a pause between,
    or a record that was created after `until` (epoch seconds).
    """

    empty_answers: int
    pause: Callable[[], None]
    until: float = inf


def walk(
    reader: ShardReader,
    markers: Markers,
    run: str,
    *,
    shard: str,
    after: str | None,
    patience: Patience,
    see: Callable[[dict[str, Any]], None] = lambda _: None,
) -> ShardWalk:
    """Reads a shard from `after` to its end.

    GetRecords may answer nothing before later records, so the end is so many empty answers in a
    row, with a pause between; of a closed shard it is certain. A source that is written to all the
    time has no end: there a record that was created after `patience.until` is one, for all
    that was written before it precedes it. This is bounded, not exact (docs/live-protocol.md).
    """
    result = ShardWalk(shard, applied=after)
    iterator: str | None = _iterator(reader, shard, after)
    empty = 0
    while iterator is not None and empty < patience.empty_answers:
        answer = reader.read(iterator)
        iterator = answer.next_iterator
        if answer.records:
            empty = 0
            for record in answer.records:
                see(record)
                result.pending.append(_pending(record))
            result.last = result.pending[-1].sequence_number
            _apply(result, markers, run)
            if _pending(answer.records[-1]).created_at > patience.until:
                break
        elif iterator is not None:
            empty += 1
            patience.pause()
    _apply(result, markers, run)
    return result


def _iterator(reader: ShardReader, shard: str, after: str | None) -> str:
    """Behind `after`; where the stream has forgotten that, what it still has all comes behind it.

    Whether anything was forgotten that was not applied the guard knows (guarding.py).
    """
    try:
        return reader.iterator(shard, after)
    except RequestRefusedError as error:
        if after is None or error.code != TRIMMED:
            raise
        return reader.iterator(shard, None)


def oldest_pending(walks: Iterable[ShardWalk]) -> Pending | None:
    """The oldest record that was not applied, over all shards."""
    first = [walk.pending[0] for walk in walks if walk.pending]
    return min(first, key=lambda pending: pending.created_at, default=None)


def latest_positions(*known: Mapping[str, str]) -> dict[str, str]:
    """The furthest position of each shard; within one shard sequence numbers rise."""
    latest: dict[str, str] = {}
    for positions in known:
        for shard, number in positions.items():
            latest[shard] = max(latest.get(shard, number), number, key=int)
    return latest


def _apply(result: ShardWalk, markers: Markers, run: str) -> None:
    """Moves on to the newest pending record that bears a marker."""
    if not result.pending:
        return
    numbers = [int(record.sequence_number) for record in result.pending]
    marked = {
        int(each) for each in markers.applied_between(run, str(min(numbers)), str(max(numbers)))
    }
    for place in range(len(numbers) - 1, -1, -1):
        if numbers[place] in marked:
            result.applied = result.pending[place].sequence_number
            del result.pending[: place + 1]
            return


def _pending(record: dict[str, Any]) -> Pending:
    stream = record["dynamodb"]
    created = stream["ApproximateCreationDateTime"]
    return Pending(str(stream["SequenceNumber"]), stream["Keys"], created.timestamp())
