"""Requests to the ledger's table: consistent reads and conditional writes, and nothing of their
meaning.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import ClientError

BATCH_GET_LIMIT = 100  # [BC BatchGetItem]
TRANSACTION_TRIES = 12


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
        answer = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def batch_get(self, keys: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        wait = 0.05
        while keys:
            answer = self.client.batch_get_item(
                RequestItems={self.table: {"Keys": keys, "ConsistentRead": True}}
            )
            yield from answer["Responses"].get(self.table, [])
            keys = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            if keys:
                self._sleep(wait)
                wait = min(wait * 2, 5.0)

    def update(
        self,
        key: dict[str, Any],
        update: str,
        condition: str,
        values: dict[str, Any],
        *,
        names: dict[str, str] | None = None,
    ) -> None:
        request: dict[str, Any] = {
            "TableName": self.table,
            "Key": key,
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        if names:
            request["ExpressionAttributeNames"] = names
        try:
            self.client.update_item(**request)
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise ConditionFailedError(frozenset({0})) from error

    def delete_if(self, key: dict[str, Any], name: str, value: str) -> None:
        try:
            self.client.delete_item(
                TableName=self.table,
                Key=key,
                ConditionExpression="#name = :value",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": text(value)},
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return

    def transact(self, actions: list[dict[str, Any]]) -> None:
        for action in actions:
            next(iter(action.values()))["TableName"] = self.table
        for tries in range(TRANSACTION_TRIES):
            try:
                self.client.transact_write_items(TransactItems=actions)
                return
            except self.client.exceptions.TransactionCanceledException as error:
                failed = _failed_conditions(error)
                # Many workers check the control record at once; their transactions may collide on
                # it, which says nothing about the conditions.
                if not failed and tries + 1 < TRANSACTION_TRIES:
                    self._sleep(min(0.05 * 2.0**tries, 2.0))
                    continue
                if not failed:
                    raise
                raise ConditionFailedError(failed) from error


def _failed_conditions(error: ClientError) -> frozenset[int]:
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    return frozenset(
        place
        for place, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    )
