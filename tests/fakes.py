"""An in-memory DynamoDB whose calls take and give wire form, and obey the rules a copy meets.

Limits and refusals are AWS's: `tests/dynamo_rules.py` runs the same checks against this and against
AWS's DynamoDB Local.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.memory_table import BadItemError, Identity, Item, MemoryTable, check_values, item_size

Request = dict[str, Any]

REQUEST_BYTES = 16 * 1024 * 1024
NAMES = re.compile(r"'((?:[^']|'')*)': \?(?:, )?")
STATEMENT = re.compile(r'INSERT INTO "([^"]+)" VALUE \{(.*)\}', re.DOTALL)


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self.time = start
        self.slept = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.time += seconds
            self.slept += seconds


def refusal(code: str, message: str = "", status: int = 400, **more: Any) -> ClientError:
    """The exception that botocore makes of an error answer."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "Fake")


def lost_answer() -> Exception:
    """What botocore raises when the request arrived and the answer did not."""
    return ReadTimeoutError(endpoint_url="http://fake")


THROTTLE = "ProvisionedThroughputExceededException"


class Faults:
    """What goes wrong, by seed: every kind at the same `rate`. Rate 0 is a perfect world."""

    def __init__(self, seed: int = 0, rate: float = 0.0, total: int = 1_000_000) -> None:
        self._random = Random(seed)
        self._rate = rate
        self.left = total
        self._lock = threading.Lock()

    def strikes(self) -> bool:
        if self._rate == 0.0 or self.left <= 0:
            return False
        with self._lock:
            struck = self._random.random() < self._rate
            self.left -= struck
        return struck

    def before(self, operation: str) -> None:
        """May raise instead of what the request asks for."""
        if self.strikes():
            raise refusal(THROTTLE)
        if self.strikes():
            raise refusal("InternalServerError", status=500)

    def after(self, operation: str) -> None:
        """May lose the answer to what was done."""
        if self.strikes():
            raise lost_answer()


class PartialFaults(Faults):
    """Requests arrive and are answered; parts of them are left undone."""

    def before(self, operation: str) -> None:
        return

    def after(self, operation: str) -> None:
        return


def _nothing(operation: str, request: Request) -> None:
    return


class MemoryDynamo:
    """The tables of one place, as a wire client sees them; `calls` are all requests made.

    `arriving` and `answered` are told of every request before and after its effect, may block, and
    may raise: whatever is to happen in between happens there.
    """

    def __init__(self, *tables: MemoryTable, faults: Faults | None = None) -> None:
        self.tables = {table.name: table for table in tables}
        self.faults = faults or Faults()
        self.arriving: Callable[[str, Request], None] = _nothing
        self.answered: Callable[[str, Request], None] = _nothing
        self.page_bytes = 1024 * 1024
        self.counts_units = True
        self.denied: set[str] = set()
        self.calls: list[tuple[str, Request]] = []
        self._lock = threading.Lock()

    def call(self, operation: str, body: dict[str, Any]) -> bytes:
        encoded = msgspec.json.encode(body)
        request = json.loads(encoded)
        self.arriving(operation, request)
        self.faults.before(operation)
        with self._lock:
            self.calls.append((operation, request))
            if operation in self.denied:
                raise refusal("AccessDeniedException", "not authorized")
            if len(encoded) > REQUEST_BYTES:
                raise refusal("ValidationException", "request too large")
            answer = getattr(self, f"_{operation}")(request)
        self.faults.after(operation)
        self.answered(operation, request)
        return json.dumps(answer).encode()

    def count(self, operation: str) -> int:
        return Counter(name for name, _ in self.calls)[operation]

    def _table(self, name: str) -> MemoryTable:
        bare = name.rpartition("/")[2]
        if bare not in self.tables:
            raise refusal("ResourceNotFoundException", f"table {bare} not found")
        return self.tables[bare]

    def _units(self, amount: float, *, many: bool = False) -> dict[str, Any]:
        if not self.counts_units:
            return {"ConsumedCapacity": None} if many else {}
        capacity = {"TableName": "t", "CapacityUnits": amount}
        return {"ConsumedCapacity": [capacity] if many else capacity}

    def _Scan(self, request: Request) -> dict[str, Any]:
        table = self._table(request["TableName"])
        segment, segments = request["Segment"], request["TotalSegments"]
        ordered = table.in_scan_order(segment, segments)
        start = request.get("ExclusiveStartKey")
        if start is not None:
            after = table.identity(start)
            if table.place(after) * segments >> 32 != segment:
                raise refusal("ValidationException", "The provided starting key is invalid")
            mark = (table.place(after), after)
            ordered = [each for each in ordered if (table.place(each[0]), each[0]) > mark]
        page, size = [], 0
        for _, item in ordered:
            page.append(item)
            size += item_size(item)
            # A page ends with the item that reaches a limit, be it the last one.
            if size >= self.page_bytes or len(page) == request.get("Limit"):
                break
        answer = {"Count": len(page), "ScannedCount": len(page), **self._units(size / 4096)}
        if request.get("Select") != "COUNT":
            names = request.get("ExpressionAttributeNames", {}).values()
            answer["Items"] = [{n: i[n] for n in names if n in i} if names else i for i in page]
        if page and (size >= self.page_bytes or len(page) == request.get("Limit")):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in table.keys}
        return answer

    def _BatchWriteItem(self, request: Request) -> dict[str, Any]:
        ((name, writes),) = request["RequestItems"].items()
        table = self._table(name)
        _check_count(len(writes), 25)
        identities = []
        for write in writes:
            try:
                put = write.get("PutRequest")
                item = put["Item"] if put else write["DeleteRequest"]["Key"]
                identities.append(table.check(item) if put else table.identity(item))
            except BadItemError as error:
                raise refusal("ValidationException", str(error)) from None
        _refuse_twice(identities)
        left = [write for write in writes if self.faults.strikes()]
        for write, identity in zip(writes, identities, strict=True):
            if write in left:
                continue
            if "PutRequest" in write:
                table.put(write["PutRequest"]["Item"])
            else:
                table.items.pop(identity, None)
        unprocessed = {f"arn:aws:dynamodb:::table/{table.name}": left} if left else {}
        return {"UnprocessedItems": unprocessed, **self._units(len(writes), many=True)}

    def _BatchExecuteStatement(self, request: Request) -> dict[str, Any]:
        statements = request["Statements"]
        _check_count(len(statements), 25)
        parsed = [_inserted(each) for each in statements]
        identities = []
        for name, item in parsed:
            try:
                check_values(item)
            except BadItemError as error:
                raise refusal("ValidationException", str(error)) from None
            try:
                identities.append(self._table(name).identity(item))
            except BadItemError:
                identities.append(())
        _refuse_twice([each for each in identities if each])
        return {
            "Responses": [self._insert(self._table(name), item) for name, item in parsed],
            **self._units(len(statements), many=True),
        }

    def _insert(self, table: MemoryTable, item: Item) -> dict[str, Any]:
        def failed(code: str, message: str = "") -> dict[str, Any]:
            return {"TableName": table.name, "Error": {"Code": code, "Message": message}}

        if "PartiQLInsert" in self.denied:
            return failed("AccessDenied")
        if self.faults.strikes():
            return failed("ThrottlingError")
        try:
            if table.check(item) in table.items:
                return failed("DuplicateItem", "Duplicate primary key exists in table")
        except BadItemError as error:
            return failed("ValidationError", str(error))
        table.put(item)
        return {"TableName": table.name}

    def _BatchGetItem(self, request: Request) -> dict[str, Any]:
        ((name, wanted),) = request["RequestItems"].items()
        table = self._table(name)
        _check_count(len(wanted["Keys"]), 100)
        identities = [table.identity(key) for key in wanted["Keys"]]
        _refuse_twice(identities)
        left = [key for key in wanted["Keys"] if self.faults.strikes()]
        found = [
            table.items[identity]
            for key, identity in zip(wanted["Keys"], identities, strict=True)
            if key not in left and identity in table.items
        ]
        unprocessed = {name: {**wanted, "Keys": left}} if left else {}
        return {
            "Responses": {name: found},
            "UnprocessedKeys": unprocessed,
            **self._units(len(found), many=True),
        }

    def _PutItem(self, request: Request) -> dict[str, Any]:
        table = self._table(request["TableName"])
        assert request["ConditionExpression"] == "attribute_not_exists(#k0)"
        assert request["ExpressionAttributeNames"]["#k0"] in table.keys
        try:
            if table.check(request["Item"]) in table.items:
                raise refusal("ConditionalCheckFailedException", "The conditional request failed")
        except BadItemError as error:
            raise refusal("ValidationException", str(error)) from None
        table.put(request["Item"])
        return self._units(1.0)


def _check_count(found: int, most: int) -> None:
    if not 1 <= found <= most:
        raise refusal("ValidationException", f"{found} is not between 1 and {most}")


def _refuse_twice(identities: list[Identity]) -> None:
    if len(set(identities)) < len(identities):
        raise refusal("ValidationException", "Provided list of item keys contains duplicates")


def _inserted(statement: Request) -> tuple[str, Item]:
    """Table and item of an INSERT statement."""
    text = statement["Statement"]
    if len(text.encode()) > 8192:
        raise refusal("ValidationException", "statement is longer than 8192")
    found = STATEMENT.fullmatch(text)
    names = NAMES.findall(found[2]) if found else []
    if found is None or NAMES.sub("", found[2]) or len(names) != len(statement["Parameters"]):
        raise refusal("ValidationException", f"Statement wasn't well formed: {text}")
    values = zip(names, statement["Parameters"], strict=True)
    return found[1], {name.replace("''", "'"): value for name, value in values}
