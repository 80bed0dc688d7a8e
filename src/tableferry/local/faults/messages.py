"""HTTP/1.1 messages on asyncio streams: as much of the protocol as DynamoDB's clients and engines
speak.

A message keeps the bytes of its head as they were received, so that what no rule touches is passed
on unchanged.
"""

import asyncio
import zlib
from dataclasses import dataclass
from http import HTTPStatus

MAX_HEAD_BYTES = 65_536
# A BatchWriteItem carries 16 MB of items, which JSON and base64 can double on the wire.
MAX_BODY_BYTES = 64 * 1024 * 1024
_BODILESS = frozenset({b"204", b"304"})


class BadMessageError(Exception):
    """The bytes on the connection are not an HTTP/1.1 message that this proxy can carry."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response: its head as received, the same parsed (names in lower case), and its
    body.
    """

    head: bytes
    start: bytes
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def keeps_alive(self) -> bool:
        connection = self.headers.get(b"connection", b"").lower()
        return connection != b"close" and b"HTTP/1.0" not in self.start

    @property
    def status(self) -> int:
        """A response's status code."""
        return int(self.start.split(b" ", 2)[1])

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")

    def with_body(self, body: bytes) -> "Message":
        """The same message around another body, with that one's length and checksum."""
        headers = {n: v for n, v in self.headers.items() if n != b"transfer-encoding"}
        headers[b"content-length"] = b"%d" % len(body)
        if b"x-amz-crc32" in headers:
            headers[b"x-amz-crc32"] = b"%d" % zlib.crc32(body)
        return _built(self.start, headers, body)

    def without(self, header: bytes) -> "Message":
        headers = {name: value for name, value in self.headers.items() if name != header}
        return _built(self.start, headers, self.body)


def response(status: int, headers: dict[bytes, bytes], body: bytes) -> Message:
    """A response of the proxy's own."""
    start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()
    return _built(start, headers | {b"content-length": b"%d" % len(body)}, body)


def request(target: bytes, headers: dict[bytes, bytes], body: bytes) -> Message:
    """A POST of the proxy's own."""
    start = b"POST " + target + b" HTTP/1.1"
    return _built(start, headers | {b"content-length": b"%d" % len(body)}, body)


def _built(start: bytes, headers: dict[bytes, bytes], body: bytes) -> Message:
    lines = [start, *(name + b": " + value for name, value in headers.items()), b"", b""]
    return Message(b"\r\n".join(lines), start, headers, body)


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None = None
) -> Message | None:
    """The next request; None at the connection's end. `writer` answers a client that waits for 100
    Continue.
    """
    parsed = await _read_head(reader)
    if parsed is None:
        return None
    head, start, headers = parsed
    if writer is not None and headers.get(b"expect", b"").lower() == b"100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if b"transfer-encoding" not in headers and b"content-length" not in headers:
        return Message(head, start, headers, b"")
    return await _with_read_body(reader, head, start, headers)


async def read_response(
    reader: asyncio.StreamReader, *, to_head_request: bool = False
) -> Message | None:
    """The next final response; None when the engine closed the connection without one."""
    while True:
        parsed = await _read_head(reader)
        if parsed is None:
            return None
        head, start, headers = parsed
        code = start.split(b" ", 2)[1]
        if not code.startswith(b"1"):
            break
    if to_head_request or code in _BODILESS:
        return Message(head, start, headers, b"")
    if b"transfer-encoding" in headers or b"content-length" in headers:
        return await _with_read_body(reader, head, start, headers)
    body = await reader.read()  # framed by the connection's end
    return _built(start, headers | {b"connection": b"close"}, b"").with_body(body)


async def _read_head(
    reader: asyncio.StreamReader,
) -> tuple[bytes, bytes, dict[bytes, bytes]] | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise BadMessageError("the connection ended within a head") from end
        return None
    except asyncio.LimitOverrunError as overrun:
        raise BadMessageError("the head is too long") from overrun
    if len(head) > MAX_HEAD_BYTES:
        raise BadMessageError("the head is too long")
    start, *lines = head[:-4].split(b"\r\n")
    if start.count(b" ") < 2:
        raise BadMessageError("the start line is not HTTP")
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    return head, start, headers


async def _with_read_body(
    reader: asyncio.StreamReader, head: bytes, start: bytes, headers: dict[bytes, bytes]
) -> Message:
    try:
        if b"transfer-encoding" in headers:
            body = await _read_chunks(reader)
            return _built(start, headers, b"").with_body(body)
        body = await reader.readexactly(_length(headers[b"content-length"]))
    except asyncio.IncompleteReadError as end:
        raise BadMessageError("the connection ended within a body") from end
    return Message(head, start, headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while True:
        size_line = await reader.readuntil(b"\r\n")
        size = _length(size_line.split(b";")[0].strip(), base=16)
        total += size
        if total > MAX_BODY_BYTES:
            raise BadMessageError("the body is too long")
        if size == 0:
            break
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers carry nothing that DynamoDB's clients read
    return b"".join(chunks)


def _length(text: bytes, base: int = 10) -> int:
    try:
        length = int(text, base)
    except ValueError as error:
        raise BadMessageError("a length is not a number") from error
    if not 0 <= length <= MAX_BODY_BYTES:
        raise BadMessageError("the body is too long")
    return length
