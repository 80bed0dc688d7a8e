"""A real botocore client whose requests end at an in-memory DynamoDB instead of a socket."""

import io
import json
import zlib
from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError

from tableferry.addresses import TableAddress
from tableferry.aws import transport
from tableferry.aws.session import Sessions

Answers = Callable[[str, dict[str, Any]], bytes]


class _Body(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


class Bridge:
    """Gives each request that was built and signed to `answers`; `sent` are the requests."""

    def __init__(self, answers: Answers) -> None:
        self.client = Sessions(region="us-east-1").data_client(TableAddress("Source"), 20)
        events = self.client.meta.events
        events.unregister("before-send.dynamodb", unique_id=transport.UNIQUE_ID)
        events.register("before-send.dynamodb", self._send)
        self.sent: list[AWSPreparedRequest] = []
        self.damage: Callable[[bytes], bytes] = bytes
        self._answers = answers

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.sent.append(request)
        target: Any = request.headers["X-Amz-Target"]
        asked: Any = request.body
        operation = target.decode().partition(".")[2]
        status = 200
        try:
            body = self._answers(operation, json.loads(asked))
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            said = error.response["Error"]
            kind = f"com.amazonaws.dynamodb.v20120810#{said['Code']}"
            body = json.dumps({"__type": kind, "message": said["Message"]}).encode()
        headers: Any = {
            "Content-Type": "application/x-amz-json-1.0",
            "x-amz-crc32": str(zlib.crc32(body)),
        }
        return AWSResponse(request.url, status, headers, _Body(self.damage(body)))
