"""An application that keeps writing to a table, by seed, and knows what must be there in the end.

It puts, updates, deletes and inserts again, some of it in transactions, over a set of hot keys,
each of which one thread alone writes: so its own count is exact. Every item has the attribute
`ledger`, a number that updates add to; inserts less deletes are the items, and the sum over all
items is what was added less what went with deletes. A write that got lost is found even where two
tables lack it alike.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

Item = dict[str, Any]
KEYS = 1300
PLACES = ("east", "north", "west")
KINDS = ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")


@dataclass(slots=True)
class Tally:
    """What was written; `total` is the sum of all ledgers that must be there."""

    inserts: int = 0
    updates: int = 0
    replaced: int = 0
    deletes: int = 0
    transactions: int = 0
    total: int = 0

    @property
    def count(self) -> int:
        """How many items must be there."""
        return self.inserts - self.deletes

    @property
    def writes(self) -> int:
        return self.inserts + self.updates + self.replaced + self.deletes

    def add(self, other: "Tally") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass
class SeededWriter:
    """Writes to `table` (key: `id`, S) through clients of its own, one a thread.

    `rate` is writes a second of all threads together. Items carry `place` (changes now and then,
    for keys that move) and, some, `hidden` (for filters).
    """

    make_client: Callable[[], Any]
    table: str
    seed: int
    keys: int = KEYS
    threads: int = 2
    rate: float = 150.0
    tally: Tally = field(default_factory=Tally)
    items: dict[str, Item] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: list[threading.Thread] = field(default_factory=list)

    def load(self, share: float = 0.6) -> None:
        """Inserts so large a share of the keys, before anything else."""
        hand = _Hand(self, random.Random(f"{self.seed}:load"), _names(range(self.keys)))
        for name in hand.names[: int(self.keys * share)]:
            hand.put(name)
        hand.settle()

    @contextmanager
    def writing(self) -> Iterator["SeededWriter"]:
        """Writes while the block runs; raises afterwards what went wrong."""
        self.start()
        try:
            yield self
        finally:
            self.stop()
        self.check_errors()

    def start(self) -> None:
        self._stop.clear()
        self._running = [
            threading.Thread(target=self._write, args=(number,), daemon=True)
            for number in range(self.threads)
        ]
        for thread in self._running:
            thread.start()

    def stop(self) -> None:
        """Returns once the last write was answered."""
        self._stop.set()
        for thread in self._running:
            thread.join()

    def check_errors(self) -> None:
        assert not self.errors, (self.seed, self.errors)

    def _write(self, number: int) -> None:
        dice = random.Random(f"{self.seed}:{number}:{self.tally.writes}")
        hand = _Hand(self, dice, _names(range(number, self.keys, self.threads)))
        try:
            while not self._stop.is_set():
                began = time.monotonic()
                hand.step()
                pause = self.threads / self.rate - (time.monotonic() - began)
                self._stop.wait(max(0.0, pause))
        except BaseException as error:
            self.errors.append(error)
        hand.settle()

    def require(self, found: Iterable[Item]) -> None:
        """Fails unless the items add up to what was written."""
        found = list(found)
        count, total = len(found), sum(int(item["ledger"]["N"]) for item in found)
        said = f"seed {self.seed}: {self.tally}"
        assert (count, total) == (self.tally.count, self.tally.total), f"{said}; {count}, {total}"


@dataclass
class _Hand:
    """One thread's: nobody else writes its keys, so it knows what is under them."""

    writer: SeededWriter
    dice: random.Random
    names: list[str]
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.client = self.writer.make_client()
        self.items = {name: it for name, it in self.writer.items.items() if name in set(self.names)}

    def settle(self) -> None:
        """Gives what this hand did to the writer."""
        with _settling:
            for name in self.names:
                self.writer.items.pop(name, None)
            self.writer.items |= self.items
            self.writer.tally.add(self.tally)

    def step(self) -> None:
        """One write, or one transaction of two or three."""
        # The same few keys again and again, and all of them now and then.
        most = len(self.names) if self.dice.random() < 0.5 else min(20, len(self.names))
        if self.dice.random() < 0.1:
            chosen = self.dice.sample(self.names[:most], min(most, self.dice.randint(2, 3)))
            self._transact(chosen)
            return
        name = self.dice.choice(self.names[:most])
        draw = self.dice.random()
        if name not in self.items or draw < 0.15:
            self.put(name)
        elif draw < 0.75:
            self._update(name)
        else:
            self._delete(name)

    def put(self, name: str) -> None:
        item = self._new(name)
        self.client.put_item(TableName=self.writer.table, Item=item)
        self._was_put(name, item)

    def _update(self, name: str) -> None:
        request, added = self._update_of(name)
        answer = self.client.update_item(**request, ReturnValues="ALL_NEW")
        self._was_updated(name, added, answer["Attributes"])

    def _delete(self, name: str) -> None:
        self.client.delete_item(TableName=self.writer.table, Key={"id": {"S": name}})
        self._was_deleted(name)

    def _transact(self, names: list[str]) -> None:
        actions: list[dict[str, Any]] = []
        settle: list[Callable[[], None]] = []
        for name in names:
            if name in self.items and self.dice.random() < 0.5:
                key = {"TableName": self.writer.table, "Key": {"id": {"S": name}}}
                actions.append({"Delete": key})
                settle.append(partial(self._was_deleted, name))
            else:
                item = self._new(name)
                actions.append({"Put": {"TableName": self.writer.table, "Item": item}})
                settle.append(partial(self._was_put, name, item))
        self.client.transact_write_items(TransactItems=actions)
        self.tally.transactions += 1
        for each in settle:
            each()

    def _new(self, name: str) -> Item:
        item = {
            "id": {"S": name},
            "ledger": {"N": str(self.dice.randint(0, 9))},
            "place": {"S": self.dice.choice(PLACES)},
            f"v{self.dice.randint(0, 3)}": _value(self.dice, 2),
        }
        if self.dice.random() < 0.1:
            item["hidden"] = {"BOOL": True}
        return item

    def _update_of(self, name: str) -> tuple[dict[str, Any], int]:
        added = self.dice.randint(1, 9)
        names = {"#l": "ledger", "#v": f"v{self.dice.randint(0, 3)}"}
        values = {":l": {"N": str(added)}, ":v": _value(self.dice, 2)}
        changes = "SET #v = :v"
        if self.dice.random() < 0.2:
            names["#p"], values[":p"] = "place", {"S": self.dice.choice(PLACES)}
            changes += ", #p = :p"
        removed = ""
        if self.dice.random() < 0.1:
            names["#h"] = "hidden"
            if "hidden" in self.items[name]:
                removed = " REMOVE #h"
            else:
                values[":h"] = {"BOOL": True}
                changes += ", #h = :h"
        request = {
            "TableName": self.writer.table,
            "Key": {"id": {"S": name}},
            "UpdateExpression": f"{changes}{removed} ADD #l :l",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        return request, added

    # --- what became of it ---

    def _was_put(self, name: str, item: Item) -> None:
        old = self.items.get(name)
        if old is None:
            self.tally.inserts += 1
        else:
            self.tally.replaced += 1
            self.tally.total -= int(old["ledger"]["N"])
        self.tally.total += int(item["ledger"]["N"])
        self.items[name] = item

    def _was_updated(self, name: str, added: int, item: Item) -> None:
        self.tally.updates += 1
        self.tally.total += added
        ledger = int(self.items[name]["ledger"]["N"]) + added
        assert int(item["ledger"]["N"]) == ledger, f"the source lost an update of {name}"
        self.items[name] = item

    def _was_deleted(self, name: str) -> None:
        self.tally.deletes += 1
        self.tally.total -= int(self.items.pop(name)["ledger"]["N"])


_settling = threading.Lock()


def _names(numbers: Iterable[int]) -> list[str]:
    return [f"hot-{number:05d}" for number in numbers]


def _value(dice: random.Random, depth: int) -> dict[str, Any]:
    """A value of any type, small."""
    kind = dice.choice(KINDS if depth else KINDS[:8])
    if kind == "L":
        return {kind: [_value(dice, depth - 1) for _ in range(dice.randint(0, 3))]}
    if kind == "M":
        return {kind: {f"m{n}": _value(dice, depth - 1) for n in range(dice.randint(0, 3))}}
    if kind in {"BOOL", "NULL"}:
        return {kind: kind == "NULL" or dice.random() < 0.5}
    if kind in {"SS", "NS", "BS"}:
        return {kind: sorted({_scalar(dice, kind[0]) for _ in range(dice.randint(1, 3))})}
    return {kind: _scalar(dice, kind)}


def _scalar(dice: random.Random, kind: str) -> Any:
    if kind == "N":
        return str(dice.randrange(-(10**37), 10**37))
    if kind == "B":
        return dice.randbytes(dice.randint(0, 12)) + b"\0"
    return "".join(dice.choices("aä🜁 '\"", k=dice.randint(0, 8))) + "."
