"""The JSONata functions that Tableferry provides, and those of jsonata-python 0.7.1 that it must correct.

Corrected are functions whose answer would silently change data or depend on the time or the Python version;
each says how. All follow JSONata: an undefined argument gives undefined (None).
"""

import datetime
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from jsonata import Functions, JException, Utils  # type: ignore[import-untyped]

from tableferry.transform.decimals import double_of, json_text, jsonata_text

NULL = Utils.NULL_VALUE
# More than an item can hold [DDB:Constraints], so nothing useful is refused.
MAX_LENGTH = 1_000_000

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
# What JSON calls a number; Python's float() takes more, such as "1_000" and "nan".
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_OTHER_BASE = re.compile(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_PICTURE_COMPONENT = re.compile(r"\[\s*([A-Za-z])")


class ExpressionFaultError(JException):  # type: ignore[misc]
    """Why an expression can not be evaluated on an item; a JException, so that jsonata-python passes it on."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class ProvidedFunctions:
    """Implementations by the name of the function; jsonata-python looks them up here."""

    @staticmethod
    def uuid5(namespace: Any, value: Any) -> str | None:
        if namespace is None or value is None:
            return None
        if not isinstance(namespace, str):
            raise ExpressionFaultError("$uuid5: the namespace must be text")
        space = uuid.UUID(namespace) if _UUID.fullmatch(namespace) else _uuid5(uuid.NAMESPACE_URL, namespace)
        return str(_uuid5(space, _hashed_text("$uuid5", value)))

    @staticmethod
    def sha256(value: Any) -> str | None:
        if value is None:
            return None
        return hashlib.sha256(utf8_text(_hashed_text("$sha256", value)).encode()).hexdigest()

    @staticmethod
    def string(value: Any, prettify: Any) -> str | None:
        """Keeps the digits of whole numbers and of what came from an item, and letters beyond ASCII."""
        if isinstance(value, Utils.JList) and value.outer_wrapper:
            value = value[0]
        if value is None or isinstance(value, str):
            return value
        text = text_of(value, jsonata_text)
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) if prettify else text

    @staticmethod
    def number(value: Any) -> int | float | None:
        """Takes what JSON calls a number, and refuses digits that a double would change."""
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, str) and _OTHER_BASE.fullmatch(value):
            return double_of(str(int(value, 0)))
        if not isinstance(value, str) or not _JSON_NUMBER.fullmatch(value):
            raise ExpressionFaultError(f"$number: {_brief(value)} is not a number")
        try:
            return double_of(value)
        except (ValueError, ArithmeticError):
            raise ExpressionFaultError(f"$number: {_brief(value)} would be changed by a double") from None

    @staticmethod
    def lowercase(value: Any) -> str | None:
        """Lower case, not case folding: ß stays ß."""
        return None if value is None else _checked_text("$lowercase", value).lower()

    @staticmethod
    def sum(values: Any) -> int | float | None:
        """Adds from left to right; Python's own sum() compensates from 3.12 on, and so differs by version."""
        if values is None:
            return None
        total: int | float = 0
        for value in values:
            total += value
        return total

    @staticmethod
    def average(values: Any) -> float | None:
        return ProvidedFunctions.sum(values) / len(values) if values else None  # type: ignore[operator]

    @staticmethod
    def pad(value: Any, width: Any, character: Any) -> str | None:
        if isinstance(width, int | float) and abs(width) > MAX_LENGTH:
            raise ExpressionFaultError(f"$pad: a text of more than {MAX_LENGTH:,} characters does not fit into an item")
        padded: str | None = Functions.pad(value, width, character)
        return padded

    @staticmethod
    def to_millis(value: Any, picture: Any) -> int | None:
        """Exact to the millisecond; a picture without a year is refused, for today's date would fill it in."""
        if value is None:
            return None
        if picture is not None:
            return _millis_by_picture(value, picture)
        text = _checked_text("$toMillis", value)
        try:
            if text.isdigit():
                moment = datetime.datetime(int(text), 1, 1, tzinfo=datetime.UTC)
            else:
                moment = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise ExpressionFaultError(f"$toMillis: {_brief(value)} is not a time in ISO 8601") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return (moment - _EPOCH) // datetime.timedelta(milliseconds=1)

    @staticmethod
    def replace(value: Any, pattern: Any, replacement: Any, limit: Any) -> str | None:
        """Backslashes in the replacement are text, and what was replaced is not looked at again."""
        if value is None:
            return None
        text = _checked_text("$replace", value)
        if pattern == "" or (limit is not None and limit < 0):
            raise ExpressionFaultError("$replace: the pattern must not be empty, nor the limit negative")
        count = len(text) + 1 if limit is None else int(limit)
        if isinstance(pattern, str):
            return text.replace(pattern, _checked_text("$replace", replacement), count)
        return _replace_pattern(text, pattern, replacement, count)


# name -> (JSONata signature, method of ProvidedFunctions)
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


def utf8_text(text: str) -> str:
    r"""The text with surrogate pairs joined: jsonata-python reads "\ud83d\ude00" as two halves."""
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise ExpressionFaultError("the text holds half a surrogate pair, which UTF-8 can not carry") from None
    return text


def text_of(value: Any, number: Callable[[int | float], str]) -> str:
    """Compact JSON of a JSONata value, characters beyond ASCII as they are, functions as empty text."""
    if value is None or value is NULL:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _checked_number(value, number)
    if isinstance(value, str):
        return json.dumps(utf8_text(value), ensure_ascii=False)
    if isinstance(value, dict):
        members = (f"{text_of(k, number)}:{text_of(v, number)}" for k, v in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(text_of(v, number) for v in value) + "]"
    return '""'


def _checked_number(value: int | float, number: Callable[[int | float], str]) -> str:
    try:
        return number(value)
    except ValueError as error:
        raise ExpressionFaultError(f"a number {error}") from None


def _uuid5(namespace: uuid.UUID, name: str) -> uuid.UUID:
    return uuid.uuid5(namespace, utf8_text(name))


def _hashed_text(function: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise ExpressionFaultError(f"{function}: the value must be text or an array; write [value] for the JSON of one")
    if _holds_object(value):
        raise ExpressionFaultError(f"{function}: an object in the array has no order of its members to rely on")
    return text_of(value, json_text)


def _holds_object(values: list[Any]) -> bool:
    scalars = (str, int, float, type(NULL), type(None))
    return any(_holds_object(v) if isinstance(v, list) else not isinstance(v, scalars) for v in values)


def _checked_text(function: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ExpressionFaultError(f"{function}: the argument must be text")
    return value


def _brief(value: Any) -> str:
    text = text_of(value, json_text)
    return text if len(text) <= 60 else text[:60] + "…"


def _millis_by_picture(value: Any, picture: Any) -> int | None:
    components = set(_PICTURE_COMPONENT.findall(_checked_text("$toMillis", picture)))
    if "Y" not in components or components & set("XxWw"):
        raise ExpressionFaultError("$toMillis: the picture must hold the year [Y] and no weeks; today would fill the gaps")
    found: int | None = Functions.datetime_to_millis(_checked_text("$toMillis", value), picture)
    return found


def _replace_pattern(text: str, pattern: Any, replacement: Any, count: int) -> str:
    pieces: list[str] = []
    position = 0
    for match in pattern.finditer(text):
        if count == 0:
            break
        if not match.group():
            raise ExpressionFaultError("$replace: the regular expression matches the empty text")
        count -= 1
        pieces.append(text[position : match.start()])
        if isinstance(replacement, str):
            pieces.append(_expanded(replacement, match.group(), match.groups()))
        else:
            pieces.append(_called(replacement, match.group(), match.start(), match.groups()))
        position = match.end()
    return "".join([*pieces, text[position:]])


def _called(function: Any, matched: str, start: int, groups: tuple[str | None, ...]) -> str:
    """What a function of the expression answers to a match; its argument is as JSONata describes it."""
    found = {"match": matched, "start": start, "end": start + len(matched), "groups": [g or "" for g in groups]}
    answer = Functions.func_apply(function, [found])
    if not isinstance(answer, str):
        raise ExpressionFaultError("$replace: the function must answer with text")
    return answer


def _expanded(replacement: str, matched: str, groups: tuple[str | None, ...]) -> str:
    """JSONata's `$$`, `$0` and `$1` … in a replacement; any other `$` is text."""

    def expand(found: re.Match[str]) -> str:
        mark = found.group(1)
        if mark == "$":
            return "$"
        if mark.startswith("0"):
            return matched + mark[1:]
        length = min(len(str(len(groups))), len(mark))
        if length > 1 and int(mark[:length]) > len(groups):
            length -= 1
        index = int(mark[:length])
        return ((groups[index - 1] or "") if index <= len(groups) else "") + mark[length:]

    return re.sub(r"\$(\$|[0-9]+)", expand, replacement)
