"""Comparing one partition of both tables' digests, and looking at what differs until it stands.

A worker first compares hashes and writes what differs as chunks of candidates; then it examines
chunk by chunk, so that time may run out anywhere. Compared again after a failure, it examines the
differences that were left and reads no digest.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tableferry.aws.objects import MissingObjectError
from tableferry.model import Counts, Failure, SegmentRecord
from tableferry.segments.working import Worker
from tableferry.verification.candidates import (
    Examiner,
    Findings,
    Leniency,
    NothingIsSynchronised,
    Settled,
    WatchList,
)
from tableferry.verification.content_comparing import Compared, compare, slices
from tableferry.verification.differences import (
    NAMED_SOURCE_KEYS,
    Difference,
    Kind,
    from_lines,
    to_lines,
)
from tableferry.verification.digest_format import Span, UnreadableDigestError
from tableferry.verification.digest_reading import Block, DigestObject, DigestReader, Objects
from tableferry.verification.rereading import BothItems
from tableferry.verification.searching import Searched, untold

CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class PartitionTask:
    """One partition: what to compare, or what to look at again.

    `inputs` are objects with differences that an earlier comparison left, None for the first one;
    `carried` is what that one counted and this one does not look at, `searched` what a search of
    the source said about extra items since.
    """

    source: Sequence[DigestObject]
    destination: Sequence[DigestObject]
    prefix: str
    inputs: Sequence[str] | None = None
    carried: Counts = field(default_factory=Counts)
    searched: Searched = field(default_factory=Searched)


@dataclass(frozen=True, slots=True)
class PartitionRules:
    """How candidates are judged; `both` makes the readers of one invocation."""

    both: Callable[[Worker], BothItems]
    leniency: Leniency
    watch_list: WatchList = field(default_factory=NothingIsSynchronised)
    chunk: int = CHUNK


def compare_partition(
    worker: Worker, task: PartitionTask, rules: PartitionRules, objects: Objects
) -> bool:
    """Compares the worker's partition; True when it is done, False when time was up.

    Its record's counts say what was found, its objects hold the differences. Where a digest can
    not be read the partition counts nothing and remembers why: the verdict then is that
    verification is incomplete (a redrive of this state would only find the same again).
    """

    def work(record: SegmentRecord) -> None:
        comparer = _Comparer(worker, task, rules, objects, record)
        try:
            comparer.find_candidates()
            comparer.examine_chunks()
        except (MissingObjectError, UnreadableDigestError) as error:
            comparer.give_up(str(error))

    return worker.hold(work)


@dataclass(frozen=True, slots=True)
class _Comparer:
    worker: Worker
    task: PartitionTask
    rules: PartitionRules
    objects: Objects
    record: SegmentRecord

    def find_candidates(self) -> None:
        """Writes the candidates, unless an earlier invocation did."""
        if self.record.last_key is not None:
            return
        began = self.worker.now()
        chunks: list[str] = list(self.task.inputs or ())
        counts = self.task.carried
        if self.task.inputs is None:
            chunks, counts = self._compare()
        self.record.last_key = {"chunks": chunks}
        self.record.done = not chunks
        self.worker.checkpoint(self.record, counts, seconds=self.worker.now() - began)
        self.worker.hook("candidates written", chunks=len(chunks))

    def _compare(self) -> tuple[list[str], Counts]:
        reader = DigestReader(self.objects, self.worker.pool)
        segment = self.worker.task
        span = Span.of(segment.segment, segment.segments)
        source = reader.blocks(self.task.source, span)
        destination = reader.blocks(self.task.destination, span)
        compared = compare([each.hashes for each in source], (each.hashes for each in destination))
        chunks: list[str] = []
        for key_hashes in slices(compared, self.rules.chunk):
            found = _candidates(
                reader, compared, key_hashes, source=source, destination=destination
            )
            chunks.append(self._store("candidates", len(chunks), found))
        counts = Counts(read=compared.source_entries, counted=compared.destination_entries)
        return chunks, counts

    def examine_chunks(self) -> None:
        """Examines from the checkpoint on; a chunk's differences are durable before it counts."""
        chunks = (self.record.last_key or {})["chunks"]
        for number in range(self.record.pages, len(chunks)):
            began = self.worker.now()
            found = from_lines(self.objects.get(chunks[number]))
            candidates = [self.task.searched.told(each) for each in found]
            both = self.rules.both(self.worker)
            examiner = Examiner(
                both, self.rules.watch_list, self.rules.leniency, self.worker.retrier.rest
            )
            findings = examiner.examine(candidates)
            if findings.differences:
                self.record.objects.append(self._store("differences", number, findings.differences))
            self.record.pages = number + 1
            self.record.done = self.record.pages == len(chunks)
            counts = counts_of(findings)
            counts.read_units = both.source.read_units + both.destination.read_units
            self.worker.checkpoint(self.record, counts, seconds=self.worker.now() - began)
            self.worker.hook("chunk examined", number=number)

    def give_up(self, reason: str) -> None:
        hint = "redrive: both tables are read again"
        self.record.failure = Failure("VerificationFailedError", reason, hint, self.worker.now())
        self.record.counts, self.record.done = Counts(), True
        self.worker.checkpoint(self.record, Counts(), seconds=0.0)

    def _store(self, folder: str, number: int, found: Sequence[Difference]) -> str:
        segment = self.worker.task
        place = f"{folder}/{segment.round:03d}/{segment.segment:05d}-{number:05d}"
        key = f"{self.task.prefix}/{place}.jsonl"
        self.objects.put(key, to_lines(found))
        return key


def _candidates(
    reader: DigestReader,
    compared: Compared,
    key_hashes: Sequence[bytes],
    *,
    source: Sequence[Block],
    destination: Sequence[Block],
) -> list[Difference]:
    sources: dict[bytes, list[Mapping[str, Any]]] = {}
    marks: dict[bytes, int] = {}
    unnamed: Counter[bytes] = Counter()
    for name in reader.names(source, key_hashes):
        named = sources.setdefault(name.key_hash, [])
        if len(named) < NAMED_SOURCE_KEYS:
            named.append(name.key)
        else:
            unnamed[name.key_hash] += 1
        marks[name.key_hash] = marks.get(name.key_hash, 0) | name.marks
    keys = {name.key_hash: name.key for name in reader.names(destination, key_hashes)}
    return [
        Difference(
            key_hash=each,
            kind=Kind.CANDIDATE,
            key=keys.get(each),
            source_keys=tuple(sources.get(each, ())),
            seen=compared.differing[each],
            marks=marks.get(each, 0),
            unnamed=unnamed[each],
            counted=(len(sources.get(each, ())) + unnamed[each], int(each in keys)),
        )
        for each in key_hashes
    ]


def counts_of(findings: Findings) -> Counts:
    """What was found, in the words of the outcome.

    Of several source items with one destination key only one can be there: the others are missing.
    """
    counts = Counts(
        kept=findings.settled[Settled.KEPT],
        expired=findings.settled[Settled.EXPIRED],
        quarantined=findings.settled[Settled.QUARANTINED],
        newer=sum(each.newer for each in findings.differences),
        untold=sum(1 for _ in untold(findings.differences)),
        source_change=findings.source_change,
        destination_change=findings.destination_change,
    )
    for each in findings.differences:
        if each.kind is Kind.COLLISION:
            is_one_there = each.seen.destination is not None
            counts.missing += len(each.source_keys) + each.unnamed - is_one_there
            counts.unnamed += each.unnamed
        else:
            name = str(each.kind)
            setattr(counts, name, getattr(counts, name) + 1)
    return counts


def all_differences(objects: Objects, names: Sequence[str]) -> Iterator[Difference]:
    """What these objects hold, one object in memory at a time."""
    for name in names:
        yield from from_lines(objects.get(name))
