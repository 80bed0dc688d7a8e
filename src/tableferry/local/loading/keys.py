"""The keys of a table that a file is loaded into: checked where they are known, else guessed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import permutations

from tableferry.errors import InvalidSpecError, Problem
from tableferry.local.loading.entries import Entry, Item

KEY_TYPES = ("S", "N", "B")
# [DDB:Constraints] partition key, sort key
_MOST_BYTES = (2048, 1024)
_ROLES = ("partition key", "sort key")
_GIVE_KEYS = "give them: --key NAME[:TYPE] [--sort-key NAME[:TYPE]]"


@dataclass(frozen=True, slots=True)
class Key:
    """A key attribute; `kind` is S, N or B, empty while it is not known."""

    name: str
    kind: str = ""

    @classmethod
    def of_text(cls, text: str) -> "Key":
        """`NAME` or `NAME:TYPE`."""
        name, _, kind = text.rpartition(":")
        return cls(name, kind) if name and kind in KEY_TYPES else cls(text)

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})" if self.kind else self.name


@dataclass(slots=True)
class KeyCheck:
    """Holds each item against the keys; a type that was not given is that of the first item."""

    keys: tuple[Key, ...]
    _places: dict[tuple[str, ...], str] = field(default_factory=dict)

    def problems(self, entry: Entry) -> list[Problem]:
        found: list[Problem] = []
        for index, key in enumerate(self.keys):
            found += self._fault(entry, index, key)
        if found:
            return found
        values = tuple(content(entry.item, key.name) for key in self.keys)
        first = self._places.setdefault(values, entry.place)
        if first is entry.place:
            return []
        rule = f"has the same key as {first}"
        return [Problem(entry.place, list(values), rule, "keep one, or give a key that is unique")]

    def _fault(self, entry: Entry, index: int, key: Key) -> Iterator[Problem]:
        place, role = f"{entry.place}.{key.name}", _ROLES[index]
        if key.name not in entry.item:
            yield Problem(place, None, f"is missing; it is the {role}", "add it")
            return
        value = entry.item[key.name]
        ((kind, text),) = value.items()
        if not key.kind and kind in KEY_TYPES:
            known = Key(key.name, kind)
            self.keys = (*self.keys[:index], known, *self.keys[index + 1 :])
        elif kind != key.kind:
            wanted = key.kind or "S, N or B"
            yield Problem(place, value, f"is {kind}; the {role} is {wanted}", "mend the value")
            return
        if not text or len(text.encode()) > _MOST_BYTES[index]:
            rule = f"must have 1 to {_MOST_BYTES[index]:,} bytes, as the {role}"
            yield Problem(place, value if len(text) < 100 else None, rule, "mend the value")


def content(item: Item, name: str) -> str:
    """The text of a scalar attribute."""
    ((_kind, text),) = item[name].items()
    return str(text)


@dataclass(slots=True)
class KeyGuess:
    """Which attributes could be keys by what the items hold."""

    kinds: dict[str, str] | None = None
    _seen: dict[str, set[str]] = field(default_factory=dict)

    def take(self, item: Item) -> None:
        fit = _fitting(item)
        if self.kinds is None:
            self.kinds = fit
            self._seen = {name: set() for name in fit}
        elif self.kinds.items() - fit.items():
            self.kinds = {name: kind for name, kind in self.kinds.items() if fit.get(name) == kind}
        for name in list(self._seen):
            if name not in self.kinds:
                del self._seen[name]
                continue
            text, seen = content(item, name), self._seen[name]
            if text in seen:
                del self._seen[name]
            else:
                seen.add(text)

    def keys(self, items: Iterable[Item]) -> tuple[Key, ...]:
        """One attribute that is unique, else two that are together (a second pass over `items`).

        Raises InvalidSpecError where there are none.
        """
        kinds = self.kinds or {}
        names = list(kinds)
        if self._seen:
            best = min(self._seen, key=lambda name: _rank(name, kinds[name], names))
            return (Key(best, kinds[best]),)
        for pair in self._pairs(items, names):
            return tuple(Key(name, kinds[name]) for name in pair)
        rule = "no attribute, and no two together, are in every item and unique"
        raise InvalidSpecError([Problem("--key", None, rule, _GIVE_KEYS)])

    def _pairs(self, items: Iterable[Item], names: list[str]) -> list[tuple[str, ...]]:
        """The pairs that are unique, the most likely first, each in its likely order."""
        ordered = sorted(names, key=lambda name: _rank(name, self.kinds_of(name), names))
        pairs = [
            pair for pair in permutations(ordered, 2) if names.index(pair[0]) < names.index(pair[1])
        ]
        seen: dict[tuple[str, ...], set[tuple[str, ...]]] = {pair: set() for pair in pairs}
        for item in items:
            for pair in list(seen):
                values = tuple(content(item, name) for name in pair)
                if values in seen[pair]:
                    del seen[pair]
                else:
                    seen[pair].add(values)
            if not seen:
                return []
        return list(seen)

    def kinds_of(self, name: str) -> str:
        return (self.kinds or {})[name]


def _fitting(item: Item) -> dict[str, str]:
    found = {}
    for name, value in item.items():
        ((kind, text),) = value.items()
        if kind in KEY_TYPES and text and len(text) <= _MOST_BYTES[1] // 4:
            found[name] = kind
    return found


def _rank(name: str, kind: str, names: list[str]) -> tuple[int, int, int]:
    """What is called an id goes first, then text, then what stands further to the front."""
    folded = name.casefold()
    is_named = folded in {"id", "pk", "sk", "key", "uuid"}
    ends = name.endswith(("Id", "ID", "_id", "-id", "Key", "_key"))
    return (0 if is_named else 1 if ends else 2, KEY_TYPES.index(kind), names.index(name))
