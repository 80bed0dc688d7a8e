"""Requests to the ledger's table: consistent reads and conditional writes, and nothing of their
meaning.
"""

import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from tableferry.aws.refusals import translated
from tableferry.errors import RequestRefusedError, TransientError

BATCH_GET_LIMIT = 100  # [BC BatchGetItem]
CONFLICT_TRIES = 20
# Reasons for which a transaction, or a write that met one, fails without a word on its conditions
# [BC TransactWriteItems]. Each worker's start checks the control record, so they do meet there.
CONDITION_FAILED = "ConditionalCheckFailed"
PASSING_REASONS = frozenset(
    {"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
)
METHODS = {
    "GetItem": "get_item",
    "BatchGetItem": "batch_get_item",
    "Query": "query",
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "DeleteItem": "delete_item",
    "TransactWriteItems": "transact_write_items",
}


class ConditionFailedError(Exception):
    """A conditional write lost; `failed` tells which actions of the transaction. Never leaves
    the use cases.
    """

    def __init__(self, failed: frozenset[int]) -> None:
        self.failed = failed
        super().__init__(f"conditions failed: {sorted(failed)}")


def text(value: str) -> dict[str, str]:
    return {"S": value}


def key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": text(pk), "sk": text(sk)}


class LedgerTable:
    """One DynamoDB table with keys `pk` and `sk`."""

    def __init__(
        self,
        client: Any,
        table: str,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.table = table
        self.now = now
        self._sleep = sleep

    def get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        answer = self._send("GetItem", TableName=self.table, Key=key, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def batch_get(self, keys: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        wait = 0.05
        while keys:
            request = {self.table: {"Keys": keys, "ConsistentRead": True}}
            answer = self._send("BatchGetItem", RequestItems=request)
            yield from answer["Responses"].get(self.table, [])
            keys = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            if keys:
                self._sleep(wait)
                wait = min(wait * 2, 5.0)

    def query(self, pk: str, sk_prefix: str = "") -> Iterable[dict[str, Any]]:
        """Every item of the partition whose sort key begins so."""
        if not sk_prefix:
            return self._query("pk = :pk", {":pk": pk})
        return self._query(
            "pk = :pk AND begins_with(sk, :prefix)", {":pk": pk, ":prefix": sk_prefix}
        )

    def query_between(self, pk: str, first: str, last: str) -> Iterable[dict[str, Any]]:
        """Every item of the partition whose sort key is in the range, both ends included."""
        return self._query(
            "pk = :pk AND sk BETWEEN :first AND :last", {":pk": pk, ":first": first, ":last": last}
        )

    def _query(self, condition: str, values: dict[str, str]) -> Iterable[dict[str, Any]]:
        request: dict[str, Any] = {
            "TableName": self.table,
            "ConsistentRead": True,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {name: text(value) for name, value in values.items()},
        }
        while True:
            answer = self._send("Query", **request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def update(
        self,
        key: dict[str, Any],
        update: str,
        condition: str,
        values: dict[str, Any],
        *,
        names: dict[str, str] | None = None,
    ) -> None:
        """Raises ConditionFailedError."""
        request: dict[str, Any] = {
            "TableName": self.table,
            "Key": key,
            "UpdateExpression": update,
            "ExpressionAttributeValues": values,
        }
        if condition:
            request["ConditionExpression"] = condition
        if names:
            request["ExpressionAttributeNames"] = names
        self._send("UpdateItem", **request)

    def put(self, item: dict[str, Any]) -> None:
        self._send("PutItem", TableName=self.table, Item=item)

    def delete(self, key: dict[str, Any]) -> None:
        self._send("DeleteItem", TableName=self.table, Key=key)

    def delete_if(self, key: dict[str, Any], name: str, value: str) -> None:
        with suppress(ConditionFailedError):
            self._send(
                "DeleteItem",
                TableName=self.table,
                Key=key,
                ConditionExpression="#name = :value",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": text(value)},
            )

    def transact(self, actions: list[dict[str, Any]]) -> None:
        """Raises ConditionFailedError."""
        for action in actions:
            next(iter(action.values()))["TableName"] = self.table
        self._send("TransactWriteItems", TransactItems=actions)

    def _send(self, operation: str, **request: Any) -> dict[str, Any]:
        """One request, made again while transactions are in its way.

        Raises ConditionFailedError, TransientError (the state machine's retrier knows it), and
        what else `translated` raises.
        """
        method = getattr(self.client, METHODS[operation])
        tries = 0
        while True:
            try:
                with translated(f"dynamodb:{operation}", f"the ledger {self.table}"):
                    answer: dict[str, Any] = method(**request)
                    return answer
            except RequestRefusedError as error:
                reasons = _reasons(error)
                failed = [place for place, each in enumerate(reasons) if each == CONDITION_FAILED]
                if failed:
                    raise ConditionFailedError(frozenset(failed)) from error
                if not reasons or not PASSING_REASONS.issuperset(reasons):
                    raise
                tries += 1
                if tries == CONFLICT_TRIES:
                    raise TransientError(
                        f"{operation} met other transactions {tries} times",
                        hint="it is tried again",
                    ) from error
                # Full jitter: those that met once would meet again.
                self._sleep(random.uniform(0, min(0.05 * 2.0**tries, 2.0)))


def _reasons(error: RequestRefusedError) -> list[str]:
    """Why each action of a write failed; empty where the error is of another kind."""
    if error.code in {"ConditionalCheckFailedException", "TransactionConflictException"}:
        return [error.code.removesuffix("Exception")]
    if error.code != "TransactionCanceledException" or not isinstance(error.__cause__, ClientError):
        return []
    response: dict[str, Any] = dict(error.__cause__.response)
    return [reason.get("Code", "None") for reason in response.get("CancellationReasons", [])]
