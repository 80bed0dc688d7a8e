"""JSONata functions: those that Tableferry provides, and those of jsonata-python 0.7.1 it corrects.

Corrected are functions whose answer would silently change data, or depend on the time or on the
version of Python; each says how. As in JSONata, an undefined argument (None) gives undefined.
"""

import datetime
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from jsonata import Functions, Utils

from tableferry.transform.decimals import double_of, json_text, jsonata_text
from tableferry.transform.jsonata_values import (
    MAX_LENGTH,
    NULL,
    ExpressionFaultError,
    json_of,
    utf8_text,
)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
# What JSON calls a number; Python's float() takes more, such as "1_000" and "nan".
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_OTHER_BASE = re.compile(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_PICTURE_COMPONENT = re.compile(r"\[\s*([A-Za-z])")


class ExpressionFunctions:
    """Implementations; jsonata-python looks them up here by name."""

    @staticmethod
    def uuid5(namespace: Any, value: Any) -> str | None:
        if namespace is None or value is None:
            return None
        space = _checked_text("$uuid5", namespace)
        if _UUID.fullmatch(space):
            identifier = uuid.UUID(space)
        else:
            identifier = uuid.uuid5(uuid.NAMESPACE_URL, utf8_text(space))
        return str(uuid.uuid5(identifier, _hashed_text("$uuid5", value)))

    @staticmethod
    def sha256(value: Any) -> str | None:
        if value is None:
            return None
        return hashlib.sha256(_hashed_text("$sha256", value).encode()).hexdigest()

    @staticmethod
    def string(value: Any, prettify: Any) -> str | None:
        """Keeps the digits of whole numbers and of an item's own, and letters beyond ASCII."""
        if isinstance(value, Utils.JList) and value.outer_wrapper:
            value = value[0]
        if value is None or isinstance(value, str):
            return value
        text = json_of(value, jsonata_text)
        if not prettify or not isinstance(value, list | dict):
            return text if isinstance(value, list | dict) else text.strip('"')
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)

    @staticmethod
    def number(value: Any) -> int | float | None:
        """Takes what JSON calls a number, and refuses digits that a double would change."""
        if isinstance(value, bool):
            return int(value)
        if value is None or isinstance(value, int | float):
            return value
        text = _checked_text("$number", value)
        try:
            if _OTHER_BASE.fullmatch(text):
                return double_of(str(int(text, 0)))
            if _JSON_NUMBER.fullmatch(text):
                return double_of(text)
        except (ValueError, ArithmeticError):
            reason = f"$number: {_brief(text)} would be changed by a double"
            raise ExpressionFaultError(reason) from None
        raise ExpressionFaultError(f"$number: {_brief(text)} is not a number")

    @staticmethod
    def lowercase(value: Any) -> str | None:
        """Lower case, not case folding: ß stays ß."""
        return None if value is None else _checked_text("$lowercase", value).lower()

    @staticmethod
    def sum(values: Any) -> int | float | None:
        """Adds from left to right; Python's sum() compensates from 3.12 on, so versions differ."""
        if values is None:
            return None
        total: int | float = 0
        for value in values:
            total += value
        return total

    @staticmethod
    def average(values: Any) -> int | float | None:
        total = ExpressionFunctions.sum(values)
        return total / len(values) if values and total is not None else None

    @staticmethod
    def pad(value: Any, width: Any, character: Any) -> str | None:
        if isinstance(width, int | float) and abs(width) > MAX_LENGTH:
            raise ExpressionFaultError(f"$pad: {MAX_LENGTH:,} characters do not fit into an item")
        padded: str | None = Functions.pad(value, width, character)
        return padded

    @staticmethod
    def to_millis(value: Any, picture: Any) -> int | None:
        """Exact to the millisecond; today's date never fills what a picture leaves out."""
        if value is None:
            return None
        text = _checked_text("$toMillis", value)
        if picture is not None:
            return _millis_by_picture(text, _checked_text("$toMillis", picture))
        try:
            if text.isdecimal():
                moment = datetime.datetime(int(text), 1, 1)
            else:
                moment = datetime.datetime.fromisoformat(text)
        except ValueError:
            reason = f"$toMillis: {_brief(text)} is not a time in ISO 8601"
            raise ExpressionFaultError(reason) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return (moment - _EPOCH) // datetime.timedelta(milliseconds=1)

    @staticmethod
    def replace(value: Any, pattern: Any, replacement: Any, limit: Any) -> str | None:
        """Backslashes in the replacement are text, and what was put in is not looked at again."""
        if value is None:
            return None
        text = _checked_text("$replace", value)
        if pattern == "" or (limit is not None and limit < 0):
            reason = "$replace: the pattern must not be empty, nor the limit negative"
            raise ExpressionFaultError(reason)
        count = len(text) if limit is None else int(limit)
        if isinstance(pattern, str):
            return text.replace(pattern, _checked_text("$replace", replacement), count)
        return _replace_matches(text, pattern, replacement, count)


# name -> (JSONata signature, method of ExpressionFunctions)
PROVIDED: Mapping[str, tuple[str, str]] = {
    "uuid5": ("<xx:s>", "uuid5"),
    "sha256": ("<x:s>", "sha256"),
    "string": ("<x-b?:s>", "string"),
    "number": ("<(nsb)-:n>", "number"),
    "lowercase": ("<s-:s>", "lowercase"),
    "sum": ("<a<n>:n>", "sum"),
    "average": ("<a<n>:n>", "average"),
    "pad": ("<s-ns?:s>", "pad"),
    "toMillis": ("<s-s?:n>", "to_millis"),
    "replace": ("<s-(sf)(sf)n?:s>", "replace"),
}


def _hashed_text(function: str, value: Any) -> str:
    if isinstance(value, str):
        return utf8_text(value)
    if not isinstance(value, list):
        reason = "the value must be text or an array; [value] is the array of one"
        raise ExpressionFaultError(f"{function}: {reason}")
    if _holds_other_than_scalars(value):
        reason = "an object in the array has no order of members to rely on"
        raise ExpressionFaultError(f"{function}: {reason}")
    return json_of(value, json_text)


def _holds_other_than_scalars(values: list[Any]) -> bool:
    scalars = (str, int, float, type(NULL))
    return any(
        _holds_other_than_scalars(value)
        if isinstance(value, list)
        else not isinstance(value, scalars)
        for value in values
    )


def _checked_text(function: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ExpressionFaultError(f"{function}: {_brief(value)} is not text")
    return value


def _brief(value: Any) -> str:
    text = json_of(value, json_text)
    return text if len(text) <= 60 else text[:60] + "…"


def _millis_by_picture(text: str, picture: str) -> int | None:
    components = set(_PICTURE_COMPONENT.findall(picture))
    if "Y" not in components or components & set("XxWw"):
        reason = "$toMillis: the picture must hold the year [Y] and no weeks: today would fill in"
        raise ExpressionFaultError(reason)
    found: int | None = Functions.datetime_to_millis(text, picture)
    return found


def _replace_matches(text: str, pattern: Any, replacement: Any, count: int) -> str:
    pieces: list[str] = []
    position = 0
    for match in pattern.finditer(text):
        if count == 0:
            break
        count -= 1
        if not match.group():
            raise ExpressionFaultError("$replace: the regular expression matches the empty text")
        pieces.append(text[position : match.start()])
        if isinstance(replacement, str):
            pieces.append(_expanded(replacement, match))
        else:
            pieces.append(_called(replacement, match))
        position = match.end()
    return "".join([*pieces, text[position:]])


def _called(function: Any, match: Any) -> str:
    found = {
        "match": match.group(),
        "start": match.start(),
        "end": match.end(),
        "groups": [group or "" for group in match.groups()],
    }
    answer = Functions.func_apply(function, [found])
    if not isinstance(answer, str):
        raise ExpressionFaultError("$replace: the function must answer with text")
    return answer


def _expanded(replacement: str, match: Any) -> str:
    """JSONata's `$$`, `$0` and `$1` … in a replacement; any other `$` is text."""
    groups: tuple[str | None, ...] = match.groups()

    def expand(found: re.Match[str]) -> str:
        mark = found.group(1)
        if mark == "$":
            return "$"
        if mark.startswith("0"):
            return str(match.group()) + mark[1:]
        length = min(len(str(len(groups))), len(mark))
        if length > 1 and int(mark[:length]) > len(groups):
            length -= 1
        index = int(mark[:length])
        return ((groups[index - 1] or "") if index <= len(groups) else "") + mark[length:]

    return re.sub(r"\$(\$|[0-9]+)", expand, replacement)
