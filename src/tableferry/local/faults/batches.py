"""Batches done in part: what is held back from the engine, and an answer that names it as DynamoDB
would.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from tableferry.local.faults.asking import bare_name, statement_table

_Document = dict[str, Raw]
_document = msgspec.json.Decoder(_Document)
_list = msgspec.json.Decoder(list[Raw])
_lists = msgspec.json.Decoder(dict[str, list[Raw]])
_documents = msgspec.json.Decoder(dict[str, _Document])
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Entry:
    """One put or delete request, one key, or one statement of a batch, as the bytes it came in."""

    table: str
    raw: Raw


class Batch:
    """A batch request taken apart, to forward some of its entries and put the answer together
    again.
    """

    def __init__(self, operation: str, body: bytes) -> None:
        self.operation = operation
        self._body = _document.decode(body)
        self._groups: dict[str, list[Raw]] = {}
        self._settings: dict[str, _Document] = {}
        if operation == "BatchWriteItem":
            self._groups = _lists.decode(self._body["RequestItems"])
        elif operation == "BatchGetItem":
            self._settings = _documents.decode(self._body["RequestItems"])
            self._groups = {name: _list.decode(s["Keys"]) for name, s in self._settings.items()}
        else:
            self._groups = {"": _list.decode(self._body["Statements"])}
        self.entries = [
            Entry(_table(name, raw), raw) for name, raws in self._groups.items() for raw in raws
        ]

    def forwarded(self, held: Mapping[int, str]) -> bytes | None:
        """The request's body without the held entries (by position); None when nothing is left of
        it.
        """
        if len(held) == len(self.entries):
            return None
        kept = self._part(held, inside=False)
        if self.operation == "BatchExecuteStatement":
            return _encode(self._body | {"Statements": Raw(_encode(kept[""]))})
        return _encode(self._body | {"RequestItems": Raw(_encode(self._requests(kept)))})

    def answered(self, answer: bytes, held: Mapping[int, str]) -> bytes:
        """The engine's answer with the held entries named; `held` gives each its error code."""
        document = _document.decode(answer)
        if self.operation == "BatchExecuteStatement":
            return self._statements_answered(document, held)
        field = "UnprocessedItems" if self.operation == "BatchWriteItem" else "UnprocessedKeys"
        mine = self._requests(self._part(held, inside=True))
        theirs: dict[str, Any] = msgspec.json.decode(document.get(field, Raw(b"{}")))
        for name, requests in mine.items():
            theirs[name] = _merged(requests, theirs[name]) if name in theirs else requests
        return _encode(document | {field: Raw(_encode(theirs))})

    def _part(self, held: Mapping[int, str], *, inside: bool) -> dict[str, list[Raw]]:
        part: dict[str, list[Raw]] = {}
        position = 0
        for name, raws in self._groups.items():
            for raw in raws:
                if (position in held) == inside:
                    part.setdefault(name, []).append(raw)
                position += 1
        return part

    def _requests(self, part: dict[str, list[Raw]]) -> dict[str, Any]:
        if self.operation == "BatchWriteItem":
            return dict(part)
        return {name: self._settings[name] | {"Keys": raws} for name, raws in part.items()}

    def _statements_answered(self, document: _Document, held: Mapping[int, str]) -> bytes:
        done = iter(_list.decode(document["Responses"]) if "Responses" in document else [])
        responses: list[Any] = []
        for position, entry in enumerate(self.entries):
            if position in held:
                error = {"Code": held[position], "Message": _STATEMENT_TEXT.get(held[position], "")}
                responses.append({"Error": error, "TableName": entry.table})
            else:
                responses.append(next(done))
        return _encode(document | {"Responses": Raw(_encode(responses))})


_STATEMENT_TEXT = {
    "ThrottlingError": "Throughput exceeds the current capacity of your table or index.",
    "ProvisionedThroughputExceeded": (
        "The level of configured provisioned throughput for the table was exceeded."
    ),
    "AccessDenied": "User is not authorized to perform this statement.",
    "InternalServerError": "Internal server error",
}


def _table(name: str, raw: Raw) -> str:
    if name:
        return bare_name(name)
    return bare_name(statement_table(msgspec.json.decode(raw).get("Statement", "")))


def _merged(mine: Any, theirs: Any) -> Any:
    if isinstance(mine, list):
        return [*theirs, *mine]
    return theirs | {"Keys": [*theirs["Keys"], *mine["Keys"]]}
