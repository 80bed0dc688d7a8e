"""The worker of a repair: one partition's differences, stretch by stretch, under a lease."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tableferry import canonical
from tableferry.aws.wire import WireClient
from tableferry.items import WireItem, from_typed, key_of
from tableferry.model import Counts, SegmentRecord
from tableferry.repair.conditional_writes import ConditionalWrite
from tableferry.repair.repairing import Action, Look, Mender, Repair, RepairRules, WriteAnswer
from tableferry.segments.working import HAND_BACK_ERRORS, Hook, Worker, no_hook
from tableferry.verification.differences import Difference, from_lines
from tableferry.verification.digest_reading import Objects
from tableferry.verification.fingerprints import key_hash
from tableferry.verification.rereading import BothItems, ItemReader

_answers = msgspec.json.Decoder(WriteAnswer)

# How many differences are in hand at once, and after how long a checkpoint is due.
SLICE = 200
STRETCH_SECONDS = 30.0
# Where in an object the next stretch begins.
OFFSET = "differences"


@dataclass(slots=True)
class SingleItems:
    """Both tables, one key at a time (repairing.RepairTables)."""

    both: BothItems
    client: WireClient
    hook: Hook = no_hook
    read_units: float = field(default=0.0)

    def look(self, difference: Difference) -> Look:
        """Reads the source, then the destination, then a source key that only that one tells."""
        wanted = self._wanted(difference, difference.source_keys)
        key = difference.key
        if key is None and wanted:
            key = key_of(wanted[0], self.both.keys.primary)
        held = None if key is None else self._one(key)
        told = None if held is None or wanted else self.both.teller.source_key(held)
        if told is not None and not self._is_among(told, difference.source_keys):
            wanted = self._wanted(difference, [told])
        self.hook("looked to repair", key=key)
        return Look(wanted, held)

    def write(self, request: ConditionalWrite) -> WriteAnswer:
        return self.both.destination.retrier.call(
            lambda: _answers.decode(self.client.call(request.operation, request.body)),
            operation=request.operation,
            table=self.both.destination.table,
        )

    def _wanted(self, difference: Difference, keys: Sequence[Mapping[str, Any]]) -> list[WireItem]:
        """What source items become that map to the difference's key."""
        found = []
        for item in self._read(self.both.source, keys):
            new = self.both.changed(item)
            if new is not None and self._hash(new) == difference.key_hash:
                found.append(new)
        return found

    def _one(self, key: Mapping[str, Any]) -> WireItem | None:
        return next(iter(self._read(self.both.destination, [key])), None)

    def _read(self, reader: ItemReader, keys: Sequence[Mapping[str, Any]]) -> list[WireItem]:
        if not keys:
            return []
        items, consumed = reader.read_group([from_typed(dict(key)) for key in keys])
        self.read_units += consumed
        return list(items)

    def _hash(self, item: WireItem) -> bytes:
        return key_hash(item, self.both.keys.primary)

    def _is_among(self, told: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> bool:
        names = self.both.source.key_names
        wanted = canonical.key_bytes(from_typed(dict(told)), names)
        return any(canonical.key_bytes(from_typed(dict(key)), names) == wanted for key in keys)


@dataclass(frozen=True, slots=True)
class RepairTask:
    """One partition's repair: objects with its differences, and where to tell what was done."""

    inputs: Sequence[str]
    prefix: str
    rules: RepairRules
    both: Callable[[Worker], BothItems]
    client: WireClient


def repair_partition(worker: Worker, task: RepairTask, objects: Objects) -> bool:
    """Repairs the worker's partition; True when it is done, False when time was up.

    Counts `written` and `deleted` items, those that were left as `skipped`; its record's objects
    tell about each (Repair.to_json). Killed, what no checkpoint vouches for is gone through again:
    what is equal by then is left alone.
    """

    def work(record: SegmentRecord) -> None:
        record.done = not task.inputs
        while not record.done:
            _repair_stretch(worker, task, objects, record)

    return worker.hold(work)


def _repair_stretch(
    worker: Worker, task: RepairTask, objects: Objects, record: SegmentRecord
) -> None:
    """Repairs from the checkpoint to the end of its object, or as far as the time lets it, and
    moves the checkpoint there: a table with little capacity may take hours for one object.
    """
    began, number = worker.now(), record.pages
    differences = from_lines(objects.get(task.inputs[number]))
    first = record.last_key[OFFSET] if record.last_key else 0
    counts, repairs, ended = Counts(), list[Repair](), None
    for start in range(first, len(differences), SLICE):
        try:
            more, mended = _repair_slice(worker, task, differences[start : start + SLICE])
        except HAND_BACK_ERRORS as error:
            if not repairs:
                raise
            ended = error
            break
        counts.add(more)
        repairs += mended
        if worker.now() - began > STRETCH_SECONDS:
            break
    segment, following = worker.task, first + len(repairs)
    key = f"{task.prefix}/{segment.round:03d}/{segment.segment:05d}-{number:05d}-{first:05d}.jsonl"
    objects.put(key, _to_lines(repairs))
    record.objects.append(key)
    is_ended = following == len(differences)
    record.pages = number + is_ended
    record.last_key = None if is_ended else {OFFSET: following}
    record.done = record.pages == len(task.inputs)
    worker.checkpoint(record, counts, seconds=worker.now() - began)
    worker.hook("differences repaired", number=number, count=following)
    if ended is not None:
        raise ended


def _repair_slice(
    worker: Worker, task: RepairTask, differences: Sequence[Difference]
) -> tuple[Counts, list[Repair]]:
    both = task.both(worker)

    def mend(difference: Difference) -> tuple[Repair, float]:
        items = SingleItems(both, task.client, worker.hook)
        return Mender(items, task.rules).mend(difference), items.read_units

    counts, repairs = Counts(), []
    for repair, read_units in worker.pool.map(mend, differences):
        repairs.append(repair)
        counts.read_units += read_units
        counts.write_units += repair.write_units
        counts.add(_counts_of(repair))
    return counts, repairs


def _counts_of(repair: Repair) -> Counts:
    if not repair.is_equal:
        return Counts(skipped=1)
    if repair.action is Action.DELETE:
        return Counts(deleted=1)
    return Counts(written=int(repair.action is not Action.LEAVE))


def _to_lines(repairs: Sequence[Repair]) -> bytes:
    return "".join(
        f"{json.dumps(each.to_json(), ensure_ascii=False)}\n" for each in repairs
    ).encode()
