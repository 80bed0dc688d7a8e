"""Gap: PartiQL writes are as strict as DynamoDB's, and reach the table's stream.

Stock: an INSERT is not validated (numbers stay as they were written, a key of the wrong type
counts as text, an item as one parameter is taken apart), the same key twice in a batch is
accepted, a statement has no limit, and no PartiQL write leaves a stream record. Measured against
AWS's DynamoDB Local; the stream is Amazon DynamoDB developer guide, "Change data capture for
DynamoDB Streams".
"""

import re
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import dynamodb

from tableferry.local.launcher import patching

MAX_STATEMENT_BYTES = 8_192
WHOLE_ITEM = re.compile(r"\bVALUE\s*\?\s*;?\s*$", re.IGNORECASE)

Table = dict[str, Any]
Parsed = dict[str, Any]
Response = Any

# The statements of the batch being executed, parsed; by position, as MiniStack parses each twice.
_parsed: ContextVar[dict[tuple[str, int], Parsed] | None] = ContextVar("_parsed", default=None)


def close() -> None:
    _mend_parsing()
    _mend_batches()
    _mend_writes()


def _mend_parsing() -> None:
    stock = dynamodb._parse_partiql

    def parse(statement: str, parameters: list[Any]) -> Parsed:
        known = _parsed.get()
        key = (statement, id(parameters))
        if known is not None and key in known:
            return known[key]
        if len(statement.encode()) > MAX_STATEMENT_BYTES:
            raise ValueError(_too_long())
        if WHOLE_ITEM.search(statement):
            raise ValueError("Statement wasn't well formed, can't be processed: Expected an item")
        parsed: Parsed = stock(statement, parameters)
        if known is not None:
            known[key] = parsed
        return parsed

    patching.replace(dynamodb, "_parse_partiql", parse, digest="34f90fe3b74e")


def _mend_batches() -> None:
    stock = dynamodb._batch_execute_statement

    def batch_execute_statement(data: dict[str, Any]) -> Response:
        token = _parsed.set({})
        try:
            refused = _batch_refusal(data)
            return stock(data) if refused is None else _invalid(refused)
        finally:
            _parsed.reset(token)

    patching.replace(
        dynamodb, "_batch_execute_statement", batch_execute_statement, digest="122071342bc6"
    )


def _mend_writes() -> None:
    stock_update = dynamodb._partiql_update
    stock_delete = dynamodb._partiql_delete

    def update(table: Table, parsed: Parsed, data: Any = None) -> Response:
        return _with_stream_record(table, parsed, lambda: stock_update(table, parsed, data))

    def delete(table: Table, parsed: Parsed, data: Any = None) -> Response:
        return _with_stream_record(table, parsed, lambda: stock_delete(table, parsed, data))

    patching.replace(dynamodb, "_partiql_insert", insert, digest="53c143f0d22e")
    patching.replace(dynamodb, "_partiql_update", update, digest="ca421900a6ad")
    patching.replace(dynamodb, "_partiql_delete", delete, digest="f6995ca7e868")


def insert(table: Table, parsed: Parsed) -> Response:
    """Stands in for MiniStack's: an INSERT with the checks of PutItem, and its stream record."""
    item = parsed.get("item") or {}
    problem = _item_problem(table, item)
    if problem is not None:
        return _invalid(problem)
    error = dynamodb._validate_item(item, table["pk_name"], table["sk_name"])
    error = error or dynamodb._validate_index_key_values(table, item)
    if error:
        return error
    partition, sort = _key(table, item)
    if sort in table["items"].get(partition, {}):
        return error_response_json(
            "DuplicateItemException", "Duplicate primary key exists in table", 400
        )
    dynamodb._set_item(table, partition, sort, item)
    dynamodb._emit_stream_event(table["TableName"], "INSERT", None, item)
    return json_response({"Items": []})


def _item_problem(table: Table, item: dict[str, Any]) -> str | None:
    if "" in item:
        return "One or more parameter values were invalid: Attribute name must not be empty"
    for name in (table["pk_name"], table["sk_name"]):
        if name and name not in item:
            return f"One or more parameter values were invalid: Missing the key {name} in the item"
    mismatch: str | None = dynamodb._key_type_mismatch_reason(table, item)
    return mismatch


def _batch_refusal(data: dict[str, Any]) -> str | None:
    """Why the whole batch is refused, if it is; a wrong statement is an error of its own."""
    seen: set[tuple[str, str, str]] = set()
    for number, member in enumerate(data.get("Statements") or [], 1):
        statement = member.get("Statement", "")
        if len(statement.encode()) > MAX_STATEMENT_BYTES:
            return f"1 validation error detected: Value at 'statements.{number}' {_too_long()}"
        parameters = member.setdefault("Parameters", [])
        target = _target(statement, parameters)
        if target is not None:
            if target in seen:
                return "Provided list of item keys contains duplicates"
            seen.add(target)
    return None


def _target(statement: str, parameters: list[Any]) -> tuple[str, str, str] | None:
    """Table and key that a statement writes; None for a read, and when it will fail by itself."""
    try:
        parsed = dynamodb._parse_partiql(statement, parameters)
    except ValueError:
        return None
    table = dynamodb._tables.get(parsed["table"])
    if table is None or parsed["op"] not in ("INSERT", "UPDATE", "DELETE"):
        return None
    if parsed["op"] == "INSERT":
        item = parsed.get("item") or {}
        if _item_problem(table, item) is not None:
            return None
        partition, sort = _key(table, item)
    else:
        partition, sort, _where, error = dynamodb._partiql_key_target(table, parsed)
        if error:
            return None
    return parsed["table"], str(partition), str(sort)


def _key(table: Table, item: dict[str, Any]) -> tuple[Any, Any]:
    """The key as MiniStack stores it, with a number in its canonical form."""
    values = []
    for name in (table["pk_name"], table["sk_name"]):
        if not name:
            values.append("__no_sort__")
            continue
        value = item[name]
        canonical = dynamodb._ddb_canonicalize_number(value["N"]) if "N" in value else None
        values.append(canonical or dynamodb._extract_key_val(value))
    return values[0], values[1]


def _with_stream_record(table: Table, parsed: Parsed, execute: Any) -> Response:
    partition, sort, _where, error = dynamodb._partiql_key_target(table, parsed)
    if error:
        return error
    before = table["items"].get(partition, {}).get(sort)
    response = execute()
    after = table["items"].get(partition, {}).get(sort)
    if after is not before:
        kind = "REMOVE" if after is None else "MODIFY"
        dynamodb._emit_stream_event(table["TableName"], kind, before, after)
    return response


def _too_long() -> str:
    constraint = f"Member must have length less than or equal to {MAX_STATEMENT_BYTES}"
    return f"failed to satisfy constraint: {constraint}"


def _invalid(message: str) -> Response:
    return error_response_json("ValidationException", message, 400)
