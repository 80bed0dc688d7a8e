"""One kept-alive HTTP/1.1 connection: a request's bytes out, the final answer in."""

import select
import socket
import time
from dataclasses import dataclass

from botocore.awsrequest import HeadersDict

_RECEIVE_BYTES = 256 * 1024
_MAX_HEAD_BYTES = 64 * 1024
_BODILESS = frozenset({204, 304})


class BrokenConnectionError(Exception):
    """The connection ended before the answer did, or what came is not HTTP."""


class SlowConnectionError(Exception):
    """The answer did not come in time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that arrived whole."""

    status: int
    headers: HeadersDict
    body: bytes
    keeps_alive: bool


class Connection:
    """A connected socket, for one exchange at a time."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)
        self._received = b""
        self._used_at = time.time()
        self._ends_at = 0.0

    def is_usable(self, idle_seconds: float) -> bool:
        """Whether another request may be sent: the other side closed nothing, as far as we know.

        By the wall clock: it goes on while a sandbox is frozen.
        """
        return abs(time.time() - self._used_at) < idle_seconds and not self._poll.poll(0)

    def close(self) -> None:
        self._socket.close()

    def exchange(self, message: bytes, seconds: float) -> Reply:
        """Sends a POST; raises BrokenConnectionError, SlowConnectionError, OSError."""
        self._ends_at = time.monotonic() + seconds
        try:
            self._socket.sendall(message)
            reply = self._reply()
        except TimeoutError as error:
            raise SlowConnectionError(str(error)) from error
        except ValueError as error:
            raise BrokenConnectionError(f"not HTTP: {error}") from error
        self._used_at = time.time()
        return reply

    def _reply(self) -> Reply:
        version, status, headers = self._head()
        while status < 200:
            version, status, headers = self._head()
        is_framed = True
        if status in _BODILESS:
            body = b""
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            body = self._chunks()
        elif "content-length" in headers:
            body = self._exactly(int(headers["content-length"]))
        else:
            body, is_framed = self._rest(), False
        closes = version != "HTTP/1.1" or headers.get("connection", "").lower() == "close"
        # What came beyond the answer belongs to nothing that we asked.
        return Reply(status, headers, body, is_framed and not closes and not self._received)

    def _head(self) -> tuple[str, int, HeadersDict]:
        start, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, _, rest = start.partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/") or not status.isdigit():
            raise BrokenConnectionError(f"not an HTTP status: {start[:80]!r}")
        headers = HeadersDict()
        for line in lines:
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        return version, int(status), headers

    def _chunks(self) -> bytes:
        chunks = []
        while size := int(self._until(b"\r\n").partition(b";")[0], 16):
            chunks.append(self._exactly(size))
            self._until(b"\r\n")
        while self._until(b"\r\n"):  # trailers
            pass
        return b"".join(chunks)

    def _until(self, mark: bytes) -> bytes:
        """The bytes before the mark, which is taken away too."""
        while mark not in self._received:
            if len(self._received) > _MAX_HEAD_BYTES:
                raise BrokenConnectionError("the head of the answer is too long")
            self._received += self._receive()
        found, _, self._received = self._received.partition(mark)
        return found

    def _exactly(self, length: int) -> bytes:
        parts, have = [self._received], len(self._received)
        while have < length:
            parts.append(self._receive())
            have += len(parts[-1])
        whole = parts[0] if len(parts) == 1 else b"".join(parts)
        self._received = whole[length:]
        return whole if have == length else whole[:length]

    def _rest(self) -> bytes:
        """Everything until the other side closes the connection."""
        parts, self._received = [self._received], b""
        try:
            while True:
                parts.append(self._receive())
        except BrokenConnectionError:
            return b"".join(parts)

    def _receive(self) -> bytes:
        received = self._socket.recv(_RECEIVE_BYTES)
        if not received:
            raise BrokenConnectionError("the connection was closed before the answer was complete")
        # An answer that drips in must not outlive its request's time.
        if time.monotonic() > self._ends_at:
            raise SlowConnectionError("the answer took too long")
        return received
