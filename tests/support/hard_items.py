"""The attributes that break careless code, one case each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Attributes = dict[str, Any]

HARD_STRINGS = (
    "",
    " ",
    "'",
    "''",
    '"',
    "\\",
    "\n",
    "\r\n\t",
    "\x00",
    "\x7f\x1f",
    "?",
    "--",
    "/*",
    "'; DELETE FROM t; --",
    '{"S": "x"}',
    "{% $now() %}",
    "${AWS::Region}",
    "null",
    "true",
    "01",
    "1E2",
    "äöü ß",
    "e\u0301",  # not the same as é
    "\u00e9",
    "\u202eright to left",
    "\u2028\u2029",
    "\ufeff",
    "\uffff",
    "😀",
    "👩‍👩‍👧‍👦",
    "𝒳" * 20,
)
# Reserved words and what PartiQL or an expression could take for something else.
HARD_NAMES = (
    *(text for text in HARD_STRINGS if text),
    "name",
    "size",
    "SELECT",
    "table",
    "value",
    "Key",
    "M",
    "S",
    "NULL",
    "a.b",
    "a[0]",
    "#x",
    ":x",
    "$x",
    "aws:x",
    "__proto__",
    "a b",
    "n" * 1000,
)
# Numbers that a double can not hold, and the ends of what DynamoDB takes.
HARD_NUMBERS = (
    "0",
    "1",
    "-1",
    "0.1",
    "-0.1",
    "12345678901234567890123456789012345678",
    "-12345678901234567890123456789012345678",
    "0.12345678901234567890123456789012345678",
    "1234567890123456789.0123456789012345678",
    "9007199254740993",
    "1E-130",
    "-1E-130",
    "1.2345678901234567890123456789012345678E-93",
    "9.9999999999999999999999999999999999999E+125",
    "-9.9999999999999999999999999999999999999E+125",
    "1E+125",
    "1000000000000000000000000000000000000000000",
)
LEVELS = 30


@dataclass(frozen=True, slots=True)
class HardCase:
    """A named set of attributes, made when it is asked for: some are large."""

    name: str
    attributes: Callable[[], Attributes]


def nested(levels: int) -> dict[str, Any]:
    """A value that many levels deep, lists and maps in turn."""
    value: dict[str, Any] = {"N": HARD_NUMBERS[5]}
    for level in range(levels):
        value = {"L": [value]} if level % 2 else {"M": {f"level {level}": value}}
    return value


def _listed(values: dict[str, dict[str, Any]]) -> Callable[[], Attributes]:
    return lambda: values


HARD_ATTRIBUTES = (
    HardCase("keys only", dict),
    HardCase("strings", _listed({f"s{n}": {"S": s} for n, s in enumerate(HARD_STRINGS)})),
    HardCase("names", _listed({name: {"S": name} for name in HARD_NAMES})),
    HardCase("numbers", _listed({f"n{n}": {"N": text} for n, text in enumerate(HARD_NUMBERS)})),
    HardCase("number set", lambda: {"ns": {"NS": list(HARD_NUMBERS)}}),
    HardCase("string set", lambda: {"ss": {"SS": list(HARD_STRINGS)}, "one": {"SS": ["only"]}}),
    HardCase(
        "binary set",
        lambda: {"bs": {"BS": [b"", b"\x00", b"\x00\x00", b"\xff\xfe", bytes(range(256))]}},
    ),
    HardCase(
        "binaries",
        _listed(
            {
                "empty": {"B": b""},
                "zero": {"B": b"\x00"},
                "all": {"B": bytes(range(256))},
                "not utf-8": {"B": b"\xc3\x28\xff"},
                "looks like base64": {"B": b"QUJD"},
            }
        ),
    ),
    HardCase(
        "empty",
        _listed({"s": {"S": ""}, "b": {"B": b""}, "l": {"L": []}, "m": {"M": {}}}),
    ),
    HardCase(
        "null and booleans",
        _listed({"null": {"NULL": True}, "yes": {"BOOL": True}, "no": {"BOOL": False}}),
    ),
    HardCase(
        "mixed list",
        _listed(
            {
                "list": {
                    "L": [
                        {"S": "1"},
                        {"N": "1"},
                        {"BOOL": True},
                        {"NULL": True},
                        {"B": b"1"},
                        {"SS": ["1"]},
                        {"NS": ["1"]},
                        {"BS": [b"1"]},
                        {"L": []},
                        {"M": {}},
                    ]
                }
            }
        ),
    ),
    HardCase(
        "names within a map",
        _listed({"map": {"M": {name: {"S": name} for name in HARD_NAMES}}}),
    ),
    HardCase("30 levels deep", lambda: {"deep": nested(LEVELS)}),
    HardCase("390 KB of text", lambda: {"text": {"S": "ä" * (195 * 1024)}}),
    HardCase("390 KB of bytes", lambda: {"bytes": {"B": bytes(range(256)) * (390 * 4)}}),
    HardCase(
        "390 KB of many",
        lambda: {"many": {"L": [{"N": str(10**37 + n)} for n in range(18_900)]}},
    ),
    # An INSERT that names them all is longer than the 8,192 bytes that PartiQL takes.
    HardCase("900 attributes", lambda: {f"attribute {n:04}": {"N": str(n)} for n in range(900)}),
    HardCase("a name of 10 KB", lambda: {"x" * 10_240: {"S": "long"}}),
)

# AWS's own engine refuses an empty name at any depth ("Empty attribute name"), MiniStack takes it.
EMPTY_NAME_WITHIN_A_MAP = HardCase(
    "empty name within a map",
    _listed({"map": {"M": {"": {"M": {"": {"S": "nameless"}}}, "other": {"N": "1"}}}}),
)
