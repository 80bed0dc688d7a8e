"""Numbers without loss: DynamoDB's decimal text, and the doubles that JSONata computes with."""

import math
import re
from decimal import Decimal

# 38 digits, 1E-130 to 9.99…E+125 [DDB:Constraints]
MAX_DIGITS = 38
_SMALLEST_MAGNITUDE = -130
_LARGEST_MAGNITUDE = 125
_OUT_OF_RANGE = "is beyond 1E-130 to 9.99E+125, the range of DynamoDB"

_SYNTAX = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SHORT_INTEGER = re.compile(r"0|-?[1-9]\d{0,14}", re.ASCII)
_EXACT_INTEGERS = 2**53
# A double gives back any decimal of up to this many digits (DBL_DIG of IEEE 754 binary64).
SAFE_DIGITS = 15


class ItemFraction(float):
    """A fraction of 16 or 17 digits that came from an item: its text keeps all of them."""

    __slots__ = ()


def number_text(text: str) -> str:
    """The one spelling of a number: no leading or trailing zeros, no plus sign, every digit kept.

    Raises ValueError, whose text says what is wrong, for what DynamoDB refuses.
    """
    if _SHORT_INTEGER.fullmatch(text):
        return text
    if not _SYNTAX.fullmatch(text):
        raise ValueError("is not a number")
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ValueError(_OUT_OF_RANGE) from None
    negative, digits, exponent = _significant(value)
    if not digits:
        return "0"
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"has {len(digits)} significant digits; DynamoDB holds {MAX_DIGITS}")
    if not _SMALLEST_MAGNITUDE <= value.adjusted() <= _LARGEST_MAGNITUDE:
        raise ValueError(_OUT_OF_RANGE)
    trimmed = Decimal(f"{'-' if negative else ''}{digits}E{exponent}")
    return format(trimmed, "f") if abs(value.adjusted()) <= MAX_DIGITS else str(trimmed)


def _significant(value: Decimal) -> tuple[bool, str, int]:
    """Whether it is negative, its digits without zeros around them, and the last one's exponent."""
    sign, all_digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("is not a finite number")
    digits = "".join(map(str, all_digits))
    shortened = digits.rstrip("0")
    return bool(sign), shortened.lstrip("0"), exponent + len(digits) - len(shortened)


def number_text_of_json(value: int | float | Decimal) -> str:
    """A JSON number as DynamoDB's text, exactly as the document has it.

    Raises ValueError for a fraction of more than 15 digits: a parser may already have rounded it.
    """
    if isinstance(value, int | Decimal):
        return number_text(_text_of_integer(value) if isinstance(value, int) else str(value))
    text = number_text(repr(value))
    if significant_digits(text) > SAFE_DIGITS:
        raise ValueError(
            f"has over {SAFE_DIGITS} digits, of which a JSON parser may round the last"
        )
    return text


def _text_of_integer(value: int) -> str:
    # Python refuses to print an integer of over 4,300 digits; this many are too many here as well.
    if value.bit_length() > 1_000:
        raise ValueError(_OUT_OF_RANGE)
    return str(value)


def significant_digits(text: str) -> int:
    return len(_significant(Decimal(text))[1])


def double_of(text: str) -> int | float:
    """The number that JSONata sees, whole ones as int; raises ValueError where a double differs."""
    if _SHORT_INTEGER.fullmatch(text):
        return int(text)
    value = float(text)
    if math.isinf(value) or Decimal(repr(value)) != Decimal(text):
        raise ValueError("would be changed by a double")
    if value.is_integer() and abs(value) < _EXACT_INTEGERS:
        return int(value)
    return ItemFraction(value) if significant_digits(text) > SAFE_DIGITS else value


def number_text_of_double(value: int | float) -> str:
    """DynamoDB's text of a computed number: the shortest decimal that gives the same double."""
    if isinstance(value, int) and abs(value) < _EXACT_INTEGERS:
        return str(value)
    return number_text(repr(_finite(value)))


def json_text(value: int | float) -> str:
    """The number as `JSON.stringify` writes it (ECMAScript Number::toString, as RFC 8785)."""
    if isinstance(value, int) and abs(value) < _EXACT_INTEGERS:
        return str(value)
    negative, digits, exponent = _significant(Decimal(repr(_finite(value))))
    if not digits:
        return "0"
    return ("-" if negative else "") + _place_point(digits, len(digits) + exponent)


def _place_point(digits: str, point: int) -> str:
    """ECMAScript's layout of digits whose decimal point stands after `point` of them."""
    if 0 < point <= 21:
        if point >= len(digits):
            return digits + "0" * (point - len(digits))
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


def jsonata_text(value: int | float) -> str:
    """The number as `$string` and `&` write it: as JSONata does, computed fractions in 15 digits.

    Whole numbers, and fractions that come from an item, keep all their digits.
    """
    if isinstance(value, int | ItemFraction) or value.is_integer():
        return json_text(value)
    return json_text(float(f"{value:.15g}"))


def _finite(value: int | float) -> float:
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise ValueError("is not a finite number")
    return found
