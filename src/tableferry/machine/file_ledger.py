"""The ledger's table as a file: the same records under the same conditions, in SQLite.

Several processes of one machine share it; every write is one transaction on disk. Of DynamoDB's
expressions it knows what the ledger says; anything else is a ValueError, never a guess.
"""

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tableferry.aws.ledger_table import ConditionFailedError, LedgerTable

_BUSY_SECONDS = 60.0
_FUNCTION = re.compile(r"(attribute_exists|attribute_not_exists)\((\S+)\)")
_EQUALS = re.compile(r"(\S+) = (:\w+)")
_IN = re.compile(r"(\S+) IN \(([^)]*)\)")
_UPDATE = re.compile(r"(?:SET (?P<set>.*?))?\s*(?:REMOVE (?P<remove>.*))?")
_BEGINS = re.compile(r"pk = :pk AND begins_with\(sk, :prefix\)")
_BETWEEN = re.compile(r"pk = :pk AND sk BETWEEN :first AND :last")

Item = dict[str, Any]


class FileLedgerTable(LedgerTable):
    """A ledger's table in one file; safe between threads and processes."""

    def __init__(self, path: Path) -> None:
        super().__init__(None, str(path))
        self._lock = threading.RLock()
        self._file = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS items (pk TEXT, sk TEXT, item TEXT, PRIMARY KEY (pk, sk))"
        )
        self._operations: dict[str, Callable[[Item], Item]] = {
            "GetItem": self._get_item,
            "BatchGetItem": self._batch_get_item,
            "Query": self._query_items,
            "PutItem": lambda request: self._transact([{"Put": request}]),
            "UpdateItem": lambda request: self._transact([{"Update": request}]),
            "DeleteItem": lambda request: self._transact([{"Delete": request}]),
            "TransactWriteItems": lambda request: self._transact(request["TransactItems"]),
        }

    def _send(self, operation: str, **request: Any) -> Item:
        with self._lock:
            return self._operations[operation](request)

    def _get_item(self, request: Item) -> Item:
        found = self._read(request["Key"])
        return {} if found is None else {"Item": found}

    def _batch_get_item(self, request: Item) -> Item:
        ((table, wanted),) = request["RequestItems"].items()
        found = [self._read(key) for key in wanted["Keys"]]
        return {"Responses": {table: [item for item in found if item is not None]}}

    def _query_items(self, request: Item) -> Item:
        values = {n: v["S"] for n, v in request["ExpressionAttributeValues"].items()}
        condition = request["KeyConditionExpression"]
        rows = self._file.execute(
            "SELECT sk, item FROM items WHERE pk = ? ORDER BY sk", (values[":pk"],)
        )
        return {
            "Items": [json.loads(item) for sk, item in rows if _in_range(condition, values, sk)]
        }

    def _transact(self, actions: list[Item]) -> Item:
        with self._transaction():
            named = [next(iter(action.items())) for action in actions]
            failed = [place for place, each in enumerate(named) if not self._holds(*each)]
            if failed:
                raise ConditionFailedError(frozenset(failed))
            for kind, request in named:
                self._do(kind, request)
        return {}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    def _holds(self, kind: str, request: Item) -> bool:
        key = _key_of(request["Item"]) if kind == "Put" else request["Key"]
        return _is_true(request.get("ConditionExpression", ""), self._read(key) or {}, request)

    def _do(self, kind: str, request: Item) -> None:
        if kind == "Put":
            self._write(request["Item"])
        elif kind == "Update":
            item = self._read(request["Key"]) or dict(request["Key"])
            self._write(_updated(item, request))
        elif kind == "Delete":
            key = request["Key"]
            self._file.execute(
                "DELETE FROM items WHERE pk = ? AND sk = ?", (key["pk"]["S"], key["sk"]["S"])
            )

    def _read(self, key: Item) -> Item | None:
        found = self._file.execute(
            "SELECT item FROM items WHERE pk = ? AND sk = ?", (key["pk"]["S"], key["sk"]["S"])
        ).fetchone()
        return None if found is None else json.loads(found[0])

    def _write(self, item: Item) -> None:
        self._file.execute(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?)",
            (item["pk"]["S"], item["sk"]["S"], json.dumps(item, ensure_ascii=False)),
        )


def _key_of(item: Item) -> Item:
    return {name: item[name] for name in ("pk", "sk")}


def _in_range(condition: str, values: Mapping[str, str], sk: str) -> bool:
    if condition == "pk = :pk":
        return True
    if _BEGINS.fullmatch(condition):
        return sk.startswith(values[":prefix"])
    if _BETWEEN.fullmatch(condition):
        return values[":first"] <= sk <= values[":last"]
    raise ValueError(f"a key condition that the file does not know: {condition}")


def _is_true(condition: str, item: Item, request: Item) -> bool:
    """AND binds closer than OR, as in DynamoDB; parentheses are not known."""
    if not condition:
        return True
    return any(
        all(_is_term_true(term, item, request) for term in part.split(" AND "))
        for part in condition.split(" OR ")
    )


def _is_term_true(term: str, item: Item, request: Item) -> bool:
    function, equals = _FUNCTION.fullmatch(term), _EQUALS.fullmatch(term)
    if function is not None:
        return (_name(function[2], request) in item) == (function[1] == "attribute_exists")
    among = _IN.fullmatch(term)
    if equals is not None:
        return bool(item.get(_name(equals[1], request)) == _value(equals[2], request))
    if among is not None:
        found = item.get(_name(among[1], request))
        return found in [_value(word, request) for word in among[2].split(", ")]
    raise ValueError(f"a condition that the file does not know: {term}")


def _updated(item: Item, request: Item) -> Item:
    found = _UPDATE.fullmatch(request["UpdateExpression"])
    if found is None:
        raise ValueError(f"an update that the file does not know: {request['UpdateExpression']}")
    changed = dict(item)
    for each in (found["set"] or "").split(", ") if found["set"] else []:
        assignment = _EQUALS.fullmatch(each)
        if assignment is None:
            raise ValueError(f"an assignment that the file does not know: {each}")
        changed[_name(assignment[1], request)] = _value(assignment[2], request)
    for each in (found["remove"] or "").split(", ") if found["remove"] else []:
        changed.pop(_name(each, request), None)
    return changed


def _value(word: str, request: Item) -> Any:
    return request["ExpressionAttributeValues"][word]


def _name(word: str, request: Item) -> str:
    if not word.startswith("#"):
        return word
    name: str = request["ExpressionAttributeNames"][word]
    return name
