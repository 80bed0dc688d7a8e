"""Looking at differences again, on both sides, until each is gone, stands still, or never will.

What two readings at different moments show is only a candidate. It counts once two consistent
readings of both sides were the same and no record of that key was applied or waiting in between:
two equal readings alone do not prove stillness (A, B, A). A key that never stands still is
undecided: never a match, never a difference.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from tableferry.verification.content_comparing import Seen
from tableferry.verification.differences import NAMED_SOURCE_KEYS, Difference, Kind
from tableferry.verification.digest_format import QUARANTINED, SKIPPED

# How long after each reading the next one follows, in seconds; after the last one a key is
# undecided.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Claim:
    """A source item that maps to a key of the destination; `key` is that key."""

    source_key: Mapping[str, Any]
    key_hash: bytes
    content: bytes
    key: Mapping[str, Any]
    is_expired: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """An item of the destination; `told` is the source key that it tells of, if it does."""

    key: Mapping[str, Any]
    content: bytes
    told: Mapping[str, Any] | None = None
    is_expired: bool = False


@dataclass(slots=True)
class Reading:
    """What both sides hold under one key of the destination, read consistently."""

    claims: list[Claim] = field(default_factory=list)
    held: Held | None = None

    @property
    def seen(self) -> Seen:
        """The contents; of several source items the least, so that equal readings are equal."""
        contents = sorted(claim.content for claim in self.claims)
        return Seen(contents[0] if contents else None, self.held.content if self.held else None)

    @property
    def signature(self) -> tuple[tuple[bytes, ...], bytes | None]:
        """Equal for two readings between which nothing was seen to change."""
        contents = sorted(claim.content for claim in self.claims)
        return tuple(contents), self.held.content if self.held else None


class BothTables(Protocol):
    """Consistent reads of both tables by key, the source's after the transform."""

    def read(self, wanted: Sequence[Difference]) -> Mapping[bytes, Reading]:
        """A reading for each; also for a key that a wanted source item maps to by now."""


class WatchList(Protocol):
    """What is being synchronised at this moment, by the hash of the destination key."""

    def watch(self, key_hashes: Collection[bytes], /) -> None:
        """From now on remembers which of these keys a record was applied to."""

    def restless(self, key_hashes: Collection[bytes], /) -> Collection[bytes]:
        """Those to which a record was applied since they were last watched, or waits."""


class NothingIsSynchronised:
    """The watch list of a copy: no sync runs, so nothing is applied or waits."""

    def watch(self, _: Collection[bytes], /) -> None:
        """Nothing to remember."""

    def restless(self, _: Collection[bytes], /) -> Collection[bytes]:
        return ()


class Settled(Enum):
    """Why a candidate is no difference."""

    EQUAL = "equal"
    EXPIRED = "expired"
    KEPT = "kept"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Leniency:
    """What this run accepts; `keep`: what was there before the copy stays as it was."""

    keep: bool = False


def judge(reading: Reading, marks: int, leniency: Leniency) -> Kind | Settled:
    """What one reading means, should it stand still; `marks` are the copy's (digest_format.py)."""
    if len(reading.claims) > 1:
        return Kind.COLLISION
    if not reading.claims:
        return _judge_extra(reading.held, leniency)
    [claim] = reading.claims
    if reading.held is None:
        if claim.is_expired:
            return Settled.EXPIRED
        return Settled.QUARANTINED if marks & QUARANTINED else Kind.MISSING
    if claim.content == reading.held.content:
        return Settled.EQUAL
    # Only what the copy skipped was there before; what it wrote itself must be as it wrote it.
    return Settled.KEPT if leniency.keep and marks & SKIPPED else Kind.DIFFERENT


def _judge_extra(held: Held | None, leniency: Leniency) -> Kind | Settled:
    if held is None:
        return Settled.EQUAL
    if held.is_expired:
        return Settled.EXPIRED
    return Settled.KEPT if leniency.keep else Kind.EXTRA


@dataclass(slots=True)
class Findings:
    """What became of candidates."""

    differences: list[Difference] = field(default_factory=list)
    settled: dict[Settled, int] = field(default_factory=lambda: dict.fromkeys(Settled, 0))
    source_change: int = 0
    destination_change: int = 0

    def settle(self, pending: "_Pending", why: Settled) -> None:
        """The candidate is no difference."""
        self.settled[why] += 1
        self._count(pending)

    def name(self, pending: "_Pending", kind: Kind) -> None:
        """The candidate is a difference, or undecided."""
        self.differences.append(_named(pending, kind))
        self._count(pending)

    def _count(self, pending: "_Pending") -> None:
        """What came or went since the totals were counted."""
        source, destination = pending.difference.counted
        now = pending.items
        self.source_change += now[0] - source
        self.destination_change += now[1] - destination


@dataclass(slots=True)
class _Pending:
    difference: Difference
    last: tuple[tuple[bytes, ...], bytes | None] | None = None
    reading: Reading = field(default_factory=Reading)

    @property
    def items(self) -> tuple[int, int]:
        """How many items of source and destination stand under the key now."""
        unnamed, held = self.difference.unnamed, self.reading.held
        return len(self.reading.claims) + unnamed, int(held is not None)


@dataclass(frozen=True, slots=True)
class Examiner:
    """Decides about candidates; `pause` sleeps and may raise when time is up."""

    tables: BothTables
    watch_list: WatchList
    leniency: Leniency
    pause: Callable[[float], None]

    def examine(self, candidates: Sequence[Difference]) -> Findings:
        """Every candidate comes back as a difference, undecided, or settled."""
        findings = Findings()
        pending = {each.key_hash: _Pending(each) for each in candidates}
        known = set(pending)
        for seconds in (*PAUSES, 0.0):
            self.watch_list.watch([each for each in pending if pending[each].last is None])
            for key_hash, reading in self.tables.read(_wanted(pending)).items():
                if key_hash not in known:
                    # A source item changed its key since it was digested: its new place counts.
                    known.add(key_hash)
                    pending[key_hash] = _Pending(_moved(key_hash, reading))
                if key_hash in pending:
                    pending[key_hash].reading = reading
            self._decide(pending, findings)
            if not pending:
                break
            self.pause(seconds)
        for left in pending.values():
            findings.name(left, Kind.UNDECIDED)
        return findings

    def _verdict(self, pending: _Pending) -> Kind | Settled:
        # Of a collision with more source items than are named nothing that is read here is the end.
        if pending.difference.unnamed:
            return Kind.COLLISION
        return judge(pending.reading, pending.difference.marks, self.leniency)

    def _decide(self, pending: dict[bytes, _Pending], findings: Findings) -> None:
        restless = set(self.watch_list.restless(pending.keys()))
        for key_hash, each in list(pending.items()):
            verdict = self._verdict(each)
            if isinstance(verdict, Settled):
                findings.settle(each, verdict)
                del pending[key_hash]
            elif key_hash in restless:
                each.last = None
            elif each.last == each.reading.signature:
                findings.name(each, verdict)
                del pending[key_hash]
            else:
                each.last = each.reading.signature


def _wanted(pending: Mapping[bytes, _Pending]) -> list[Difference]:
    return [each.difference for each in pending.values()]


def _moved(key_hash: bytes, reading: Reading) -> Difference:
    keys = tuple(claim.source_key for claim in reading.claims)
    return Difference(key_hash, Kind.CANDIDATE, None, keys, reading.seen, newer=True)


def _named(pending: _Pending, kind: Kind) -> Difference:
    """The difference with the keys and contents that were last seen."""
    before, reading = pending.difference, pending.reading
    claims, held = reading.claims, reading.held
    keys = tuple(claim.source_key for claim in claims[:NAMED_SOURCE_KEYS]) or before.source_keys
    key: Mapping[str, Any] | None
    if claims:
        key = claims[0].key
    elif held is not None:
        key = held.key
        keys = keys or ((held.told,) if held.told is not None else ())
    else:
        key = before.key
    return before.found(
        kind,
        key=key,
        source_keys=keys,
        seen=reading.seen,
        newer=before.newer or _is_newer(pending),
        counted=pending.items,
    )


def _is_newer(pending: _Pending) -> bool:
    """Whether the one source item is not what the digest saw: written or deleted since."""
    digested = pending.difference.seen.source
    return len(pending.reading.claims) <= 1 and digested not in (None, pending.reading.seen.source)
