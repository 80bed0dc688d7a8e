"""Insert if absent, in batches: what is there is never overwritten.

A statement of BatchExecuteStatement answers for itself, so a batch of 25 costs one request. What
PartiQL can not carry goes as a PutItem with a condition.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import msgspec

from tableferry import canonical
from tableferry.aws.retrying import DENIED_CODES
from tableferry.aws.wire import (
    BatchGetAnswer,
    PutAnswer,
    StatementAnswer,
    StatementsAnswer,
    units,
)
from tableferry.errors import PermissionMissingError, RequestRefusedError
from tableferry.segments.writing import (
    ITEM_ERRORS,
    Entry,
    Refusal,
    Writer,
    Written,
    one_by_one,
    refused,
)

STATEMENT_BYTES = 8_192  # [measured against DynamoDB Local; UTF-8]

_statement_answers = msgspec.json.Decoder(StatementsAnswer)
_get_answers = msgspec.json.Decoder(BatchGetAnswer)
_put_answers = msgspec.json.Decoder(PutAnswer)

RETRIED_STATEMENT_ERRORS = frozenset(
    {
        "RequestLimitExceeded",
        "ProvisionedThroughputExceeded",
        "TransactionConflict",
        "ThrottlingError",
        "InternalServerError",
    }
)


@dataclass(slots=True)
class Inserter:
    """Inserts into the writer's table; one for a worker, whose threads share it."""

    writer: Writer
    _partiql: bool = True

    def __post_init__(self) -> None:
        # PartiQL takes no table of another account [DDB:rbac-iam-actions].
        self._partiql = not self.writer.table.startswith("arn:")

    def insert(self, batch: list[Entry]) -> Written:
        """Inserts the items whose keys hold nothing.

        An item that is there and equals ours counts as written: by a try whose answer was lost, as
        far as anybody can tell. One that was there and is gone by now is inserted again.
        """
        result = Written()
        while batch:
            tried, existing = self._insert_absent(batch)
            result.add(tried)
            batch = self._compare(existing, result) if existing else []
        return result

    def insert_only(self, batch: list[Entry]) -> Written:
        """Inserts the items whose keys hold nothing; every other one is skipped."""
        result, existing = self._insert_absent(batch)
        result.skipped += len(existing)
        return result

    def _insert_absent(self, batch: list[Entry]) -> tuple[Written, list[Entry]]:
        """Inserts; the entries whose keys hold an item come back."""
        result = Written()
        existing: list[Entry] = []
        short, long = [], []
        for entry in batch:
            statement = _statement(self.writer.table, tuple(entry.item)) if self._partiql else None
            if statement is None:
                long.append(entry)
            else:
                short.append((entry, statement))
        if short:
            try:
                inserted, existing = self._insert_statements(short)
                result.add(inserted)
            except PermissionMissingError:
                # A role without dynamodb:PartiQLInsert can still put on condition, one by one.
                self._partiql = False
                long += [entry for entry, _ in short]
            except RequestRefusedError as error:
                if error.code not in ITEM_ERRORS:
                    raise
                # One bad item refused the whole batch; put one by one, it names itself.
                long += [entry for entry, _ in short]
        result.add(one_by_one(long, partial(self._insert_one, existing)))
        return result, existing

    def _insert_statements(self, pending: list[tuple[Entry, str]]) -> tuple[Written, list[Entry]]:
        result, tries = Written(), 0
        existing: list[Entry] = []
        while pending:
            body = {
                "Statements": [
                    {"Statement": statement, "Parameters": list(entry.item.values())}
                    for entry, statement in pending
                ],
                "ReturnConsumedCapacity": "TOTAL",
            }
            answer = self.writer.call(
                "BatchExecuteStatement",
                body,
                _statement_answers,
                is_progress=_has_answered,
                guess=len(pending),
                refused_share=_throttled_share,
            )
            result.write_units += units(answer.consumed_capacity)
            left: list[tuple[Entry, str]] = []
            # strict: a 200 whose statements are not all answered would lose items silently.
            for one, each in zip(pending, answer.responses, strict=True):
                if each.code == "DuplicateItem":
                    existing.append(one[0])
                elif each.code in RETRIED_STATEMENT_ERRORS:
                    left.append(one)
                else:
                    result.add(self._inserted(one[0], each))
            tries = 0 if len(left) < len(pending) else tries + 1
            pending = left
            if left:
                self.writer.pause(tries, "BatchExecuteStatement", "throttled statements")
        return result, existing

    def _inserted(self, entry: Entry, answer: StatementAnswer) -> Written:
        """What a statement's answer says; raises for a refusal that is not the item's."""
        error = answer.error
        if error is None:
            return Written(1)
        reason = f"{error.code}: {error.message}"
        if error.code in ITEM_ERRORS:
            return Written(refused=[Refusal(entry, reason)])
        what = f"a statement of BatchExecuteStatement on {self.writer.table}: {reason}"
        if error.code in DENIED_CODES:
            raise PermissionMissingError(what)
        raise RequestRefusedError(what, code=error.code)

    def _insert_one(self, existing: list[Entry], entry: Entry) -> Written:
        body = {
            "TableName": self.writer.table,
            "Item": entry.item,
            "ConditionExpression": "attribute_not_exists(#k0)",
            "ExpressionAttributeNames": {"#k0": self.writer.key_names[0]},
            "ReturnConsumedCapacity": "TOTAL",
        }
        try:
            answer = self.writer.call("PutItem", body, _put_answers)
        except RequestRefusedError as error:
            if error.code == "ConditionalCheckFailedException":
                existing.append(entry)
                return Written()
            return refused(entry, error)
        return Written(1, write_units=units(answer.consumed_capacity))

    def _compare(self, existing: list[Entry], result: Written) -> list[Entry]:
        """Counts entries by what is there; those where nothing is come back."""
        absent = {canonical.key_bytes(each.item, self.writer.key_names): each for each in existing}
        keys = [{name: each.item[name] for name in self.writer.key_names} for each in existing]
        request: Any = {"Keys": keys, "ConsistentRead": True}
        tries = 0
        while request is not None:
            body = {"RequestItems": {self.writer.table: request}, "ReturnConsumedCapacity": "TOTAL"}
            answer = self.writer.call(
                "BatchGetItem",
                body,
                _get_answers,
                is_progress=_has_found,
                guess=len(absent),
                refused_share=partial(_unanswered_share, len(absent)),
            )
            result.read_units += units(answer.consumed_capacity)
            for found in (item for some in answer.responses.values() for item in some):
                entry = absent.pop(canonical.key_bytes(found, self.writer.key_names))
                is_equal = canonical.item_bytes(found) == canonical.item_bytes(entry.item)
                result.written += is_equal
                result.skipped += not is_equal
                result.kept += [] if is_equal else [entry.source_key]
            request = next(iter(answer.unprocessed_keys.values()), None)
            if request is not None:
                tries = 0 if _has_found(answer) else tries + 1
                self.writer.pause(tries, "BatchGetItem", "UnprocessedKeys")
        return list(absent.values())


@lru_cache(maxsize=4096)
def _statement(table: str, names: tuple[str, ...]) -> str | None:
    """A PartiQL INSERT with a parameter for each value; names are quoted with `'` doubled, so
    any name works. None where it is longer than AWS takes. Most items have the names of others.
    """
    fields = ", ".join("'" + name.replace("'", "''") + "': ?" for name in names)
    statement = f'INSERT INTO "{table}" VALUE {{{fields}}}'
    return statement if len(statement.encode()) <= STATEMENT_BYTES else None


def _has_answered(answer: StatementsAnswer) -> bool:
    return any(each.code not in RETRIED_STATEMENT_ERRORS for each in answer.responses)


def _throttled_share(answer: StatementsAnswer) -> float:
    throttled = sum(each.code in RETRIED_STATEMENT_ERRORS for each in answer.responses)
    return throttled / max(1, len(answer.responses))


def _unanswered_share(sent: int, answer: BatchGetAnswer) -> float:
    left = sum(len(found) for found in answer.responses.values())
    return 1 - min(1.0, left / max(1, sent)) if answer.unprocessed_keys else 0.0


def _has_found(answer: BatchGetAnswer) -> bool:
    return any(answer.responses.values()) or not answer.unprocessed_keys
