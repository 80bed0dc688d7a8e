"""DynamoDB's data plane in wire form: request bodies and answers are bytes, never walked by
botocore.

Only botocore's public hooks are used, so its signing, credentials, connection pool and error
parsing stay (docs/decisions/0002-wire-form.md has the measurement). Each call makes exactly one
attempt: retries belong to `retrying.py`, which looks at the clock before every attempt.
"""

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from botocore.exceptions import ChecksumError
from msgspec import Raw

from tableferry.items import WireItem, encode

OPERATIONS = (
    "Scan",
    "BatchWriteItem",
    "BatchExecuteStatement",
    "BatchGetItem",
    "GetItem",
    "PutItem",
    "DeleteItem",
    "UpdateItem",
)


# What an answer must hold has no default: an answer that lacks it is an error, never an empty page.


class Capacity(msgspec.Struct, rename="pascal"):
    capacity_units: float = 0.0


class ScanAnswer(msgspec.Struct, rename="pascal"):
    count: int
    items: list[WireItem] = []
    last_evaluated_key: dict[str, Any] | None = None
    consumed_capacity: Capacity | None = None


class BatchWriteAnswer(msgspec.Struct, rename="pascal"):
    unprocessed_items: dict[str, list[Raw]]
    consumed_capacity: list[Capacity] | None = None


class StatementError(msgspec.Struct, rename="pascal"):
    code: str = ""
    message: str | None = None


class StatementAnswer(msgspec.Struct, rename="pascal"):
    error: StatementError | None = None

    @property
    def code(self) -> str:
        """The statement's error code; empty when it was executed."""
        return self.error.code if self.error else ""


class StatementsAnswer(msgspec.Struct, rename="pascal"):
    responses: list[StatementAnswer]
    consumed_capacity: list[Capacity] | None = None


class BatchGetAnswer(msgspec.Struct, rename="pascal"):
    responses: dict[str, list[WireItem]]
    unprocessed_keys: dict[str, Raw]
    consumed_capacity: list[Capacity] | None = None


class PutAnswer(msgspec.Struct, rename="pascal"):
    consumed_capacity: Capacity | None = None


def units(consumed: list[Capacity] | Capacity | None) -> float:
    """The capacity units of an answer; an engine that counts none leaves them out or says null."""
    if isinstance(consumed, Capacity):
        return consumed.capacity_units
    return sum((each.capacity_units for each in consumed or ()), 0.0)


class WireClient(Protocol):
    """One attempt of one operation: body in, answer's bytes out; raises botocore's exceptions."""

    def call(self, operation: str, body: dict[str, Any]) -> bytes: ...


class BotocoreWireClient:
    """A botocore DynamoDB client whose bodies pass through unwalked.

    `before_sign` runs before every signature and may raise: a worker's lease is checked there.
    """

    def __init__(self, client: Any, before_sign: Callable[[], None] = lambda: None) -> None:
        self._methods = {
            "Scan": client.scan,
            "BatchWriteItem": client.batch_write_item,
            "BatchExecuteStatement": client.batch_execute_statement,
            "BatchGetItem": client.batch_get_item,
            "GetItem": client.get_item,
            "PutItem": client.put_item,
            "DeleteItem": client.delete_item,
            "UpdateItem": client.update_item,
        }
        events = client.meta.events
        # Two tables may share a client: a handler that ran twice would keep the emptied body.
        for operation in OPERATIONS:
            for moment, handler in HANDLERS.items():
                name = f"{moment}.dynamodb.{operation}"
                events.register(name, handler, unique_id=f"tableferry {name}")
        events.register("before-sign.dynamodb.*", lambda **_: before_sign())

    def call(self, operation: str, body: dict[str, Any]) -> bytes:
        call = self._methods[operation]
        answer: bytes = call(WireBody=encode(body), **_addressed(body))["WireAnswer"]
        return answer


def _addressed(body: dict[str, Any]) -> dict[str, Any]:
    """The parameters that botocore's endpoint rules look at (an account's own endpoint by table
    ARN).
    """
    if "TableName" in body:
        return {"TableName": body["TableName"]}
    if "RequestItems" in body:
        return {"RequestItems": {table: {} for table in body["RequestItems"]}}
    return {}


def _take_body(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    # The request context is private to one call, so calls from several threads never meet here.
    if "WireBody" in params:
        context["tableferry_body"] = params.pop("WireBody")


def _send_body(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    if "tableferry_body" in context:
        params["body"] = context["tableferry_body"]


def _keep_answer(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] < 300:
        _check_sum(response_dict["headers"].get("x-amz-crc32"), response_dict["body"])
        customized_response_dict["WireAnswer"] = response_dict["body"]
        response_dict["body"] = b"{}"


def _check_sum(expected: str | None, body: bytes) -> None:
    """Raises ChecksumError for a damaged answer; botocore looks only where it retries by itself."""
    if expected is not None and zlib.crc32(body) != int(expected):
        raise ChecksumError(
            checksum_type="crc32",
            expected_checksum=expected,
            actual_checksum=str(zlib.crc32(body)),
        )


HANDLERS: dict[str, Callable[..., None]] = {
    "before-parameter-build": _take_body,
    "before-call": _send_body,
    "before-parse": _keep_answer,
}
