"""Reading single items of both tables again, consistently, by key."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec

from tableferry import canonical
from tableferry.aws.retrying import Retrier
from tableferry.aws.wire import BatchGetAnswer, WireClient, units
from tableferry.errors import ItemError
from tableferry.items import WireItem, from_typed, key_of, shown
from tableferry.segments.copying import KeyRules
from tableferry.transform import Transform
from tableferry.verification.candidates import Claim, Held, Reading
from tableferry.verification.differences import Difference
from tableferry.verification.expiry import Expiry
from tableferry.verification.fingerprints import content_hash, key_hash
from tableferry.verification.source_keys import SourceKeyTeller

# AWS takes 100 keys; 25 items of 400 KB make 10 MB, and of those so many may be in memory at once.
GROUP_KEYS = 25
GROUPS_AT_ONCE = 8
_answers = msgspec.json.Decoder(BatchGetAnswer)

Key = Mapping[str, Any]


@dataclass(slots=True)
class ItemReader:
    """Consistent reads of one table's items; adds up the read units that they took."""

    client: WireClient
    table: str
    key_names: Sequence[str]
    retrier: Retrier
    pool: ThreadPoolExecutor
    read_units: float = 0.0

    def read(self, keys: Iterable[Key]) -> Iterator[WireItem]:
        """The items that are there, in no order; a key that is named twice is read once."""
        distinct = {
            canonical.key_bytes(wire, self.key_names): wire
            for wire in (from_typed(dict(key)) for key in keys)
        }
        wanted = list(distinct.values())
        groups = [wanted[at : at + GROUP_KEYS] for at in range(0, len(wanted), GROUP_KEYS)]
        for at in range(0, len(groups), GROUPS_AT_ONCE):
            for items, consumed in self.pool.map(self.read_group, groups[at : at + GROUPS_AT_ONCE]):
                self.read_units += consumed
                yield from items

    def read_group(self, keys: Sequence[WireItem]) -> tuple[list[WireItem], float]:
        """The items of so few keys that one request takes them, and the read units."""
        items: list[WireItem] = []
        consumed, tries = 0.0, 0
        request: Any = {"Keys": keys, "ConsistentRead": True}
        while request is not None:
            body = {"RequestItems": {self.table: request}, "ReturnConsumedCapacity": "TOTAL"}
            answer = self._get(body)
            consumed += units(answer.consumed_capacity)
            found = [item for some in answer.responses.values() for item in some]
            items += found
            request = next(iter(answer.unprocessed_keys.values()), None)
            if request is not None:
                tries = 0 if found else tries + 1
                self.retrier.progress.saw_throttle()
                self.retrier.pause(tries, f"BatchGetItem on {self.table}", "UnprocessedKeys")
        return items, consumed

    def _get(self, body: dict[str, Any]) -> BatchGetAnswer:
        return self.retrier.call(
            lambda: _answers.decode(self.client.call("BatchGetItem", body)),
            operation="BatchGetItem",
            table=self.table,
        )


@dataclass(frozen=True, slots=True)
class BothItems:
    """Both tables by key, the source's items as the transform makes them (`BothTables`)."""

    source: ItemReader
    destination: ItemReader
    transform: Transform
    keys: KeyRules
    source_expiry: Expiry
    destination_expiry: Expiry
    teller: SourceKeyTeller
    lenient: bool
    now: Callable[[], float]

    def read(self, wanted: Sequence[Difference]) -> dict[bytes, Reading]:
        """Reads the source first, then the destination, then source keys that items there tell."""
        readings = {each.key_hash: Reading() for each in wanted}
        asked = [key for each in wanted for key in each.source_keys]
        self._claim(readings, asked)
        keys = [each.key for each in wanted if each.key is not None]
        keys += [claim.key for reading in readings.values() for claim in reading.claims]
        for item in self.destination.read(keys):
            found = readings.get(key_hash(item, self.keys.primary))
            if found is not None:
                found.held = self._held(item)
        self._claim(readings, self._told(readings, asked))
        return readings

    def _told(self, readings: Mapping[bytes, Reading], asked: Iterable[Key]) -> list[Key]:
        """The source keys that unclaimed items tell, without those that were read already."""
        names = self.source.key_names
        known = {canonical.key_bytes(from_typed(dict(key)), names) for key in asked}
        unclaimed = [each.held for each in readings.values() if each.held and not each.claims]
        told = [held.told for held in unclaimed if held.told is not None]
        return [
            key for key in told if canonical.key_bytes(from_typed(dict(key)), names) not in known
        ]

    def _claim(self, readings: dict[bytes, Reading], source_keys: Iterable[Key]) -> None:
        """Reads source items and puts each where it maps to."""
        for item in self.source.read(source_keys):
            new = self.changed(item)
            if new is not None:
                claim = self._claim_of(item, new)
                readings.setdefault(claim.key_hash, Reading()).claims.append(claim)

    def changed(self, item: WireItem) -> WireItem | None:
        """The item as it should stand in the destination; None when it should not stand there.

        Raises ItemError for an item that can not be migrated, unless that is allowed.
        """
        try:
            new = self.transform.apply(item)
            problem = None if new is None else self.keys.problem(new)
        except ItemError as error:
            new, problem = None, error.cause
        if problem is None:
            return new
        if self.lenient:
            return None
        named = shown(key_of(item, self.source.key_names))
        raise ItemError(f"the source item {named} can not be migrated any more: {problem}")

    def _claim_of(self, item: WireItem, new: WireItem) -> Claim:
        now = self.now()
        return Claim(
            source_key=key_of(item, self.source.key_names),
            key_hash=key_hash(new, self.keys.primary),
            content=content_hash(new),
            key=key_of(new, self.keys.primary),
            is_expired=self.source_expiry.is_over(item, now)
            or self.destination_expiry.is_over(new, now),
        )

    def _held(self, item: WireItem) -> Held:
        return Held(
            key=key_of(item, self.keys.primary),
            content=content_hash(item),
            told=self.teller.source_key(item),
            is_expired=self.destination_expiry.is_over(item, self.now()),
        )
