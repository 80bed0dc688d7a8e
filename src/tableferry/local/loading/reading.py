"""Files line by line, compressed or not, and JSON without loss."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tableferry.errors import InvalidSpecError, NotFoundError, Problem

_GZIP = b"\x1f\x8b"
_BOM = "\ufeff"


class JsonNumber(str):
    """A number as the document spells it: no float in between rounds it."""

    __slots__ = ()


class RepeatedNameError(ValueError):
    """An object has a name twice; readers would silently take the last."""


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1; the bytes that are not UTF-8 come as lone surrogates.

    Raises NotFoundError for a file that can not be read, InvalidSpecError for a broken archive.
    """
    number = 0
    try:
        with _opened(path) as file:
            for number, raw in enumerate(file, 1):
                text = raw.decode("utf-8", "surrogateescape")
                yield number, text.removeprefix(_BOM) if number == 1 else text
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        remedy = "copy the file again; nothing of it was taken"
        place = f"{path.name}:{number + 1}"
        raise InvalidSpecError([Problem(place, None, f"gzip: {error}", remedy)]) from error
    except OSError as error:
        raise NotFoundError(
            f"{path} can not be read: {error.strerror}", hint="name a file or an export's folder"
        ) from error


def json_of(text: str) -> Any:
    """The document in a text, numbers as JsonNumber; ValueError says what is wrong with it."""
    return json.loads(
        text,
        parse_int=JsonNumber,
        parse_float=JsonNumber,
        parse_constant=_refuse_constant,
        object_pairs_hook=_object,
    )


def typed_of(value: Any) -> Any:
    """The DynamoDB JSON of plain JSON that `json_of` read."""
    if isinstance(value, JsonNumber):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, list):
        return {"L": [typed_of(each) for each in value]}
    return {"M": {name: typed_of(each) for name, each in value.items()}}


def _opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    with path.open("rb") as file:
        is_gzip = file.read(2) == _GZIP
    return gzip.open(path, "rb") if is_gzip else path.open("rb")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON or DynamoDB has")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise RepeatedNameError(f"has {json.dumps(twice)} twice in one object")
    return found
