"""Numbers without loss: DynamoDB's decimal text, and the doubles that JSONata computes with."""

import re
from decimal import Decimal

# 38 digits, 1E-130 to 9.99…E+125 [DDB:Constraints]
MAX_DIGITS = 38
_SMALLEST_MAGNITUDE = -130
_LARGEST_MAGNITUDE = 125

_SYNTAX = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SHORT_INTEGER = re.compile(r"0|-?[1-9]\d{0,14}", re.ASCII)
_EXACT_INTEGERS = 2**53
# A double gives back any decimal of up to this many digits (DBL_DIG of IEEE 754 binary64).
SAFE_DIGITS = 15


class ItemFraction(float):
    """A fraction of 16 or 17 digits that came from an item: its text keeps all of them."""

    __slots__ = ()


def number_text(text: str) -> str:
    """The one spelling of a DynamoDB number: no leading or trailing zeros, no plus sign, all digits kept.

    Raises ValueError, whose text says what is wrong, for what DynamoDB refuses.
    """
    if _SHORT_INTEGER.fullmatch(text):
        return text
    if not _SYNTAX.fullmatch(text):
        raise ValueError("is not a number")
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ValueError("is beyond 1E-130 to 9.99E+125, the range of DynamoDB") from None
    sign, all_digits, exponent = value.as_tuple()
    digits = "".join(map(str, all_digits)).lstrip("0")
    if not digits:
        return "0"
    if not isinstance(exponent, int):
        raise ValueError("is not a number")
    significant = digits.rstrip("0")
    if len(significant) > MAX_DIGITS:
        raise ValueError(f"has {len(significant)} significant digits; DynamoDB holds {MAX_DIGITS}")
    if not _SMALLEST_MAGNITUDE <= value.adjusted() <= _LARGEST_MAGNITUDE:
        raise ValueError("is beyond 1E-130 to 9.99E+125, the range of DynamoDB")
    exponent += len(digits) - len(significant)
    return _decimal_text("-" if sign else "", significant, exponent)


def _decimal_text(sign: str, digits: str, exponent: int) -> str:
    magnitude = len(digits) - 1 + exponent
    trimmed = Decimal(f"{sign}{digits}E{exponent}")
    return format(trimmed, "f") if abs(magnitude) <= MAX_DIGITS else str(trimmed)


def number_text_of_json(value: int | float | Decimal) -> str:
    """A JSON number as DynamoDB's text, exactly as the document had it.

    Raises ValueError for a fraction of more than 15 digits: the parser's double may already have changed it.
    """
    if not isinstance(value, float):
        return number_text(str(value))
    text = number_text(repr(value))
    if significant_digits(text) > SAFE_DIGITS:
        raise ValueError(f"has more than {SAFE_DIGITS} digits, which a JSON parser may have rounded")
    return text


def significant_digits(text: str) -> int:
    mantissa = re.split("[eE]", text)[0]
    return len(mantissa.lstrip("+-").replace(".", "").strip("0"))


def double_of(text: str) -> int | float:
    """The number that JSONata sees; whole numbers as int. Raises ValueError where a double would change it."""
    if _SHORT_INTEGER.fullmatch(text):
        return int(text)
    value = float(text)
    if value in (float("inf"), float("-inf")) or Decimal(repr(value)) != Decimal(text):
        raise ValueError("would be changed by a double")
    if value.is_integer() and abs(value) < _EXACT_INTEGERS:
        return int(value)
    return ItemFraction(value) if significant_digits(text) > SAFE_DIGITS else value


def number_text_of_double(value: int | float) -> str:
    """DynamoDB's text of a number that JSONata computed: the shortest decimal that gives the same double."""
    if isinstance(value, int) and abs(value) < _EXACT_INTEGERS:
        return str(value)
    return number_text(repr(_double(value)))


def json_text(value: int | float) -> str:
    """The number as `JSON.stringify` writes it (ECMAScript Number::toString; RFC 8785 takes the same)."""
    if isinstance(value, int) and abs(value) < _EXACT_INTEGERS:
        return str(value)
    sign, all_digits, exponent = Decimal(repr(_double(value))).as_tuple()
    digits = "".join(map(str, all_digits)).strip("0")
    if not digits or not isinstance(exponent, int):
        return "0"
    trailing = len(all_digits) - len("".join(map(str, all_digits)).rstrip("0"))
    point = len(digits) + exponent + trailing
    return ("-" if sign else "") + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    """ECMAScript's layout of digits whose decimal point stands after `point` of them."""
    if 0 < point <= 21:
        if point >= len(digits):
            return digits + "0" * (point - len(digits))
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    exponent = f"e{point - 1:+d}"
    return digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "") + exponent


def jsonata_text(value: int | float) -> str:
    """The number as JSONata's `$string` and `&` write it: computed fractions rounded to 15 digits, the rest exact."""
    if isinstance(value, int) or isinstance(value, ItemFraction) or float(value).is_integer():
        return json_text(value)
    return json_text(float(f"{value:.15g}"))


def _double(value: int | float) -> float:
    try:
        found = float(value)
    except OverflowError:
        found = float("inf")
    if found != found or found in (float("inf"), float("-inf")):
        raise ValueError("is not a finite number")
    return found
