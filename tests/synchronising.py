"""Applications that write the source, and a sync that carries it over with a lag, in memory."""

from collections import deque
from collections.abc import Collection, Sequence
from random import Random
from typing import Any

from tableferry.items import from_typed
from tableferry.verification.fingerprints import key_hash
from tests.memory_table import Item, MemoryTable


class Synchroniser:
    """Writes of a seeded application, and records that are applied some steps later.

    `step` is one moment of both. It is a watch list too (candidates.WatchList): a key is restless
    while a record of it waits, or once one was applied since it was watched.
    """

    def __init__(
        self,
        source: MemoryTable,
        destination: MemoryTable,
        seed: int,
        *,
        keys: int = 1_300,
        flapping: Sequence[str] = (),
        restless: Sequence[str] = (),
    ) -> None:
        self.source, self.destination = source, destination
        self.luck = Random(seed)
        self.names = [f"key-{number:04d}" for number in range(keys)]
        self.flapping, self.never_still = flapping, restless
        self.records: deque[tuple[str, Item | None]] = deque()
        self.touched: set[bytes] = set()
        self.writes = 0
        self.spared: set[str] = set()

    # --- the application ---

    def step(self, writes: int = 10) -> None:
        """Some writes, and some of the records that wait; at least one record goes on waiting."""
        for _ in range(writes):
            name = self.luck.choice(self.names)
            if name not in self.spared:
                self.write(name, self._content(name))
        for name in self.flapping:
            if self.luck.random() < 0.6:
                now = self.source.items.get(self._identity(name), {}).get("v")
                self.write(name, {"v": {"S": "B" if now == {"S": "A"} else "A"}})
        for name in self.never_still:
            self.write(name, {"v": {"N": str(self.writes)}})
        while len(self.records) > self.luck.randint(1, 40):
            self.apply()

    def _content(self, name: str) -> dict[str, Any] | None:
        draw = self.luck.random()
        if draw < 0.2:
            return None
        if draw < 0.6:
            return {"v": {"N": str(self.luck.randint(1, 10**12))}, "s": {"SS": ["a", name]}}
        return {"v": {"M": {"deep": {"L": [{"N": str(self.luck.randint(0, 5))}]}}}}

    def write(self, name: str, content: dict[str, Any] | None) -> None:
        """Puts or (None) deletes an item of the source, and leaves its record."""
        self.writes += 1
        item = None if content is None else {"pk": {"S": name}, **content}
        _set(self.source, self._identity(name), item)
        self.records.append((name, item))

    # --- sync ---

    def apply(self) -> None:
        name, item = self.records.popleft()
        _set(self.destination, self._identity(name), item)
        self.touched.add(self._hash(name))

    def drain(self) -> None:
        while self.records:
            self.apply()

    def watch(self, key_hashes: Collection[bytes], /) -> None:
        self.touched -= set(key_hashes)

    def restless(self, key_hashes: Collection[bytes], /) -> Collection[bytes]:
        waiting = {self._hash(name) for name, _ in self.records}
        return set(key_hashes) & (self.touched | waiting)

    def _hash(self, name: str) -> bytes:
        return key_hash(from_typed({"pk": {"S": name}}), ("pk",))

    def _identity(self, name: str) -> tuple[Any, ...]:
        return self.source.identity({"pk": {"S": name}})


def _set(table: MemoryTable, identity: tuple[Any, ...], item: Item | None) -> None:
    if item is None:
        table.items.pop(identity, None)
    else:
        table.put(item)
