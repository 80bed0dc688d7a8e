"""The answers that AWS gives when it refuses: names, status codes and texts as clients see them.

Throttling reasons: DynamoDB's API model (`ThrottlingReasons`; spelt `throttlingReasons` in
ThrottlingException alone).
"""

import uuid
import zlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from tableferry.local.faults.messages import Message, response

Scope = Literal["table", "keyRange", "account", "onDemandMaximum"]
_DYNAMODB = "com.amazonaws.dynamodb.v20120810#"
_CORAL = "com.amazon.coral.service#"
_LIMIT_OF = {
    "table": "ProvisionedThroughputExceeded",
    "keyRange": "KeyRangeThroughputExceeded",
    "account": "AccountLimitExceeded",
    "onDemandMaximum": "MaxOnDemandThroughputExceeded",
}
_THROTTLE_TEXT = {
    "ProvisionedThroughputExceededException": (
        "The level of configured provisioned throughput for the table was exceeded. "
        "Consider increasing your provisioning level with the UpdateTable API."
    ),
    "ThrottlingException": (
        "Throughput exceeds the current capacity of your table or index. "
        "DynamoDB is automatically scaling your table or index so please try again shortly."
    ),
    "RequestLimitExceeded": (
        "Throughput exceeds the current throughput limit for your account. "
        "Please contact AWS Support to request a limit increase."
    ),
}
AMZ_DATE = "%Y%m%dT%H%M%SZ"
AMZ_JSON = b"application/x-amz-json-1.0"


def json_answer(status: int, document: Any, content_type: bytes = AMZ_JSON) -> Message:
    """A JSON response with the headers that AWS's clients look at."""
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    headers = {
        b"content-type": content_type,
        b"x-amzn-requestid": uuid.uuid4().hex.upper().encode(),
        b"x-amz-crc32": b"%d" % zlib.crc32(body),
    }
    return response(status, headers, body)


def access_denied(operation: str, table: str) -> Message:
    text = (
        "User: arn:aws:sts::000000000000:assumed-role/refused/by-the-fault-proxy is not authorized "
        f"to perform: dynamodb:{operation} on resource: {table_arn(table)} because no "
        f"identity-based policy allows the dynamodb:{operation} action"
    )
    return json_answer(400, {"__type": f"{_CORAL}AccessDeniedException", "Message": text})


def old_signature(signed_at: str, now: datetime, lifetime: timedelta) -> Message:
    """What AWS says to a signature that is older than five minutes (`lifetime`)."""
    oldest = (now - lifetime).strftime(AMZ_DATE)
    minutes = lifetime.total_seconds() / 60
    text = (
        f"Signature expired: {signed_at} is now earlier than {oldest} "
        f"({now.strftime(AMZ_DATE)} - {minutes:g} min.)"
    )
    return json_answer(400, {"__type": f"{_CORAL}InvalidSignatureException", "message": text})


def throttled(error: str, reasons: list[dict[str, str]]) -> Message:
    """A wholly throttled request. `reasons` come from `throttling_reason`."""
    key = "throttlingReasons" if error == "ThrottlingException" else "ThrottlingReasons"
    document = {"__type": _DYNAMODB + error, "message": _THROTTLE_TEXT[error], key: reasons}
    return json_answer(400, document)


def throttling_reason(
    scope: Scope, table: str, *, write: bool, index: str | None = None
) -> dict[str, str]:
    """One of AWS's sixteen reasons, with the table's or the index's ARN."""
    arn = table_arn(table)
    what = "Index" if index else "Table"
    kind = "Write" if write else "Read"
    return {
        "reason": f"{what}{kind}{_LIMIT_OF[scope]}",
        "resource": f"{arn}/index/{index}" if index else arn,
    }


def transaction_cancelled(actions: int, refused: Collection[int]) -> Message:
    """A transaction of which some actions, by position, were throttled: nothing of it was done."""
    code = "ProvisionedThroughputExceeded"
    text = _THROTTLE_TEXT["ProvisionedThroughputExceededException"]
    reasons = [
        {"Code": code, "Message": text} if position in refused else {"Code": "None"}
        for position in range(actions)
    ]
    listed = ", ".join(reason["Code"] for reason in reasons)
    document = {
        "__type": f"{_DYNAMODB}TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons "
        f"[{listed}]",
        "CancellationReasons": reasons,
    }
    return json_answer(400, document)


def server_fault(status: int) -> Message:
    name = "InternalServerError" if status == 500 else "ServiceUnavailableException"
    return json_answer(status, {"__type": _DYNAMODB + name, "message": name})


def table_arn(table: str) -> str:
    return f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}"


def error_name(answer: Message) -> str:
    """The error's class name in an answer that is not a success; empty where it has none."""
    try:
        document = msgspec.json.decode(answer.body)
    except msgspec.MsgspecError:
        return ""
    kind = document.get("__type", "") if isinstance(document, dict) else ""
    return str(kind).rpartition("#")[2]
