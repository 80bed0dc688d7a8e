"""What a check of steps finds: problems with path, value, rule and remedy, collected rather than raised."""

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tableferry.errors import Problem

_SHOWN_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Findings:
    """The problems found so far, in the order of the document."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, path: str, value: Any, rule: str, remedy: str) -> None:
        self.problems.append(Problem(path, shown(value), rule, remedy))


def shown(value: Any) -> Any:
    """The value as it stands in a problem: itself where it is short plain JSON, else the beginning of its text."""
    try:
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        return _shortened(ascii(type(value).__name__))
    return value if len(text) <= _SHOWN_CHARACTERS else _shortened(text)


def quoted(name: str) -> str:
    """An attribute name in a message: quotes, newlines and control characters can not hide in it."""
    return _shortened(json.dumps(name, ensure_ascii=not _is_utf8(name)))


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known word that `name` most likely meant, whatever its case and underscores."""
    folded = {word.casefold(): word for word in known}
    meant = str(name).replace("_", "").casefold()
    close = difflib.get_close_matches(meant[:100], folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    words = list(known)
    guess = nearest(name, words)
    return f"did you mean {guess}?" if guess else f"use one of {', '.join(words)}"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
