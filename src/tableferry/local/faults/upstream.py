"""The engine behind the proxy: kept-alive connections to it, on loopback only."""

import asyncio
from urllib.parse import urlsplit

from tableferry.errors import InvalidSpecError, Problem
from tableferry.local.faults.messages import MAX_HEAD_BYTES, BadMessageError, Message, read_response

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Large enough that a scan page of 1 MB is read without the transport being paused and resumed many
# times.
_BUFFER_BYTES = 1024 * 1024

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class NoAnswerError(Exception):
    """The engine closed the connection on a request: whether it did the work is not known."""


class UnreachableEngineError(Exception):
    """No connection to the engine could be made: it did not get the request."""


class Upstream:
    """Sends requests to one engine, each on a connection of its own while it lasts."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.port is None:
            raise InvalidSpecError(
                [
                    Problem(
                        "upstream",
                        url,
                        "the engine is an http:// address on loopback, with its port",
                        "give something like http://127.0.0.1:8000",
                    )
                ]
            )
        self.url = url
        self._host = parts.hostname
        self._port = parts.port
        self._idle: list[_Connection] = []

    async def send(self, request: Message) -> Message:
        """The engine's answer; a request is never sent twice."""
        reader, writer = await self._connection()
        try:
            writer.write(request.head + request.body)
            await writer.drain()
            answer = await read_response(reader, to_head_request=request.start.startswith(b"HEAD "))
        except (OSError, BadMessageError) as error:
            writer.close()
            raise NoAnswerError(f"{self.url} broke off: {error}") from error
        except asyncio.CancelledError:
            writer.close()
            raise
        if answer is None:
            writer.close()
            raise NoAnswerError(f"{self.url} closed the connection without an answer")
        if answer.keeps_alive and request.keeps_alive:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return answer

    async def _connection(self) -> _Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        try:
            return await asyncio.open_connection(self._host, self._port, limit=_BUFFER_BYTES)
        except OSError as error:
            raise UnreachableEngineError(f"{self.url} does not answer: {error}") from error

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


assert MAX_HEAD_BYTES < _BUFFER_BYTES
