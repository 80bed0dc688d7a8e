"""Regular expressions that end: matching is given up after a second.

The standard library's engine can neither be interrupted nor told to stop: one bad pattern on one
item would hang a worker until Lambda kills it. `regex` takes the same syntax, and a timeout.
"""

from collections.abc import Callable, Iterator
from typing import Any

import regex  # type: ignore[import-untyped]

TIMEOUT_SECONDS = 1.0


class BoundedPattern:
    """What jsonata-python asks of a pattern; matching raises TimeoutError after a second."""

    def __init__(self, pattern: str, *, case_insensitive: bool, multiline: bool) -> None:
        flags = regex.IGNORECASE if case_insensitive else 0
        self._pattern = regex.compile(pattern, flags | (regex.MULTILINE if multiline else 0))

    def search(self, text: str) -> Any:
        return self._pattern.search(text, timeout=TIMEOUT_SECONDS)

    def finditer(self, text: str) -> Iterator[Any]:
        found: Iterator[Any] = self._pattern.finditer(text, timeout=TIMEOUT_SECONDS)
        return found

    def sub(self, replacement: str | Callable[[Any], str], text: str, count: int = 0) -> str:
        replaced: str = self._pattern.sub(replacement, text, count, timeout=TIMEOUT_SECONDS)
        return replaced

    def split(self, text: str, maxsplit: int = 0) -> list[str]:
        parts: list[str] = self._pattern.split(text, maxsplit, timeout=TIMEOUT_SECONDS)
        return parts


def compile_bounded(pattern: str, flags: Any) -> BoundedPattern:
    """jsonata-python's hook for the literals of an expression."""
    return BoundedPattern(
        pattern, case_insensitive=flags.case_insensitive, multiline=flags.multiline
    )
