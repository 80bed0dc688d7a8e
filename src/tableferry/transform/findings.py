"""What a check of steps finds: problems with path, value, rule and remedy, all of them."""

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tableferry.errors import Problem

_SHOWN_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the document that is checked, and the problems of the whole document so far."""

    path: str
    problems: list[Problem] = field(default_factory=list)

    def field(self, name: object) -> "Place":
        text = str(name)
        shown_name = text if text.isprintable() and is_utf8(text) else quoted(text)
        return Place(f"{self.path}.{shown_name}", self.problems)

    def index(self, index: int) -> "Place":
        return Place(f"{self.path}[{index}]", self.problems)

    def refuse(self, value: object, rule: str, remedy: str) -> None:
        self.problems.append(Problem(self.path, shown(value), readable(rule), remedy))


def shown(value: object) -> Any:
    """The value as a problem shows it: itself, or the beginning of its text where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        return _shortened(_as_ascii(value))
    return value if len(text) <= _SHOWN_CHARACTERS else _shortened(text)


def readable(reason: str) -> str:
    """Text that quotes data: cut where it is long, and without what UTF-8 can not carry."""
    return _shortened(reason).encode("utf-8", "backslashreplace").decode()


def quoted(name: str) -> str:
    """A name in a message: quotes, newlines and control characters can not hide in it."""
    return _shortened(json.dumps(name, ensure_ascii=not is_utf8(name)))


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known word that `name` most likely meant, whatever its case and underscores."""
    folded = {word.casefold(): word for word in known}
    meant = str(name)[:100].replace("_", "").casefold()
    close = difflib.get_close_matches(meant, folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    words = list(known)
    guess = nearest(name, words)
    return f"did you mean {guess}?" if guess else f"use one of {', '.join(words)}"


def is_utf8(text: str) -> bool:
    """False for text with half a surrogate pair, which JSON can spell and UTF-8 can not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _as_ascii(value: object) -> str:
    try:
        return ascii(value)
    except (RecursionError, ValueError):  # too deep, or an integer of over 4,300 digits
        return type(value).__name__
