"""JSONata's values as jsonata-python 0.7.1 has them: null is `NULL`, undefined is None."""

import json
from collections.abc import Callable
from typing import Any

from jsonata import JException, Utils

from tableferry.transform.faults import FaultError

NULL = Utils.NULL_VALUE
# More characters or members than an item can hold [DDB:Constraints]; nothing useful is refused.
MAX_LENGTH = 1_000_000
# A value takes at least a byte, and an item holds 400 KB [DDB:Constraints].
MAX_VALUES = 409_600


class ExpressionFaultError(FaultError, JException):  # type: ignore[misc]
    """Why an expression does not fit an item; a JException, for jsonata-python hides any other."""

    def __init__(self, reason: str, hint: str = "") -> None:
        JException.__init__(self, reason)
        FaultError.__init__(self, reason, hint)


def utf8_text(text: str) -> str:
    r"""The text with surrogate pairs joined: jsonata-python reads "\ud83d\ude00" as two halves."""
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            reason = "a text holds half a surrogate pair, which UTF-8 can not carry"
            raise ExpressionFaultError(reason) from None
    return text


def json_of(value: Any, number: Callable[[int | float], str]) -> str:
    """Compact JSON, not escaped beyond ASCII; functions are empty text, as in JSONata."""
    return _Spelling(number, Allowance()).text(value)


class Allowance:
    """Counts the values of an answer; an expression can use one part of it many times over."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def take_one(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ExpressionFaultError(f"the result holds more than {MAX_VALUES:,} values")


class _Spelling:
    def __init__(self, number: Callable[[int | float], str], allowance: Allowance) -> None:
        self._number = number
        self._allowance = allowance

    def text(self, value: Any) -> str:
        self._allowance.take_one()
        if isinstance(value, str):
            return json.dumps(utf8_text(value), ensure_ascii=False)
        if isinstance(value, dict):
            members = (f"{self.text(name)}:{self.text(each)}" for name, each in value.items())
            return "{" + ",".join(members) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(self.text, value)) + "]"
        return self._scalar(value)

    def _scalar(self, value: Any) -> str:
        if value is None or value is NULL:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, int | float):
            return '""'
        try:
            return self._number(value)
        except ValueError as error:
            raise ExpressionFaultError(f"a number {error}") from None
