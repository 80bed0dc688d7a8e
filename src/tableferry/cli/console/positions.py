"""Where in a JSON text the value of a path such as `transform[0].rename.from` stands."""

import json
import re

_SPACE = re.compile(r"[ \t\r\n]*")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_DECODER = json.JSONDecoder()


def line_of(text: str, path: str) -> int:
    """The line, from 1, of the value; of what should hold it, where it is not there."""
    at = _skip(text, 0)
    try:
        for index, name in _STEP.findall(path if path != "$" else ""):
            inside = _element(text, at, int(index)) if index else _member(text, at, name)
            if inside is None:
                break
            at = inside
    except (IndexError, ValueError):
        # Not JSON from here on: the last place that could be read is near enough.
        pass
    return text.count("\n", 0, at) + 1


def _member(text: str, at: int, wanted: str) -> int | None:
    """Where the member's value begins, in the object that begins at `at`."""
    if text[at] != "{":
        return None
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if name == wanted:
            return at
        at = _after(text, at)
    return None


def _element(text: str, at: int, wanted: int) -> int | None:
    if text[at] != "[":
        return None
    at = _skip(text, at + 1)
    for _ in range(wanted):
        at = _after(text, at)
    return None if text[at] == "]" else at


def _after(text: str, at: int) -> int:
    """Behind the value at `at` and the comma that follows it."""
    _value, at = _DECODER.raw_decode(text, at)
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
