"""The proxy's server: connections from clients, each request answered in turn."""

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from tableferry.local.faults import answers
from tableferry.local.faults.asking import read_call
from tableferry.local.faults.calls import Call, CallLog
from tableferry.local.faults.control import PREFIX, Control
from tableferry.local.faults.exchange import Exchanger
from tableferry.local.faults.messages import BadMessageError, Message, read_request
from tableferry.local.faults.outcome import Outcome
from tableferry.local.faults.rulebook import Rulebook

_BUFFER_BYTES = 1024 * 1024
_FIRST_ERROR = 400


@dataclass(slots=True)
class Server:
    """Answers on a listening socket until it is closed. `defects` are the proxy's own failures."""

    log: CallLog
    rulebook: Rulebook
    exchanger: Exchanger
    control: Control
    keep_bodies: bool
    clock: Callable[[], float]
    defects: list[Exception] = field(default_factory=list)

    async def serve(self, port: int, ready: Callable[[int], None], closing: asyncio.Event) -> None:
        """Listens on loopback (`port` 0: a free one), calls `ready` with the port, and ends when
        `closing` is set.

        Requests that are under way then, held ones too, are dropped: they never reach the engine.
        """
        open_connections: set[asyncio.Task[None]] = set()

        async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            open_connections.add(task)
            try:
                await self._connection(reader, writer)
            finally:
                open_connections.discard(task)
                writer.close()

        server = await asyncio.start_server(
            connection, "127.0.0.1", port, limit=_BUFFER_BYTES, backlog=1024
        )
        ready(server.sockets[0].getsockname()[1])
        await closing.wait()
        server.close()
        for task in list(open_connections):
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)
        await server.wait_closed()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, BadMessageError, asyncio.CancelledError):
            try:
                while await self._exchanged(reader, writer):
                    pass
            except (ConnectionError, BadMessageError):
                raise
            except Exception as error:
                # The client sees a lost connection and may try again: without this nobody would see
                # the defect.
                self.defects.append(error)
                logging.getLogger(__name__).exception("the fault proxy itself failed")
                raise ConnectionAbortedError from error

    async def _exchanged(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; whether the connection stays open."""
        request = await read_request(reader, writer)
        if request is None:
            return False
        answer = await self._answer(request)
        if answer is None:
            _reset(writer)
            return False
        writer.write(answer.head + answer.body)
        await writer.drain()
        return request.keeps_alive and answer.keeps_alive

    async def _answer(self, request: Message) -> Message | None:
        target = request.start.split(b" ", 2)[1]
        if target.startswith(PREFIX):
            return await self.control.answer(request)
        call = self.log.begin(self._read(request))
        struck = self.rulebook.striking(call, request.body)
        outcome = Outcome(error="dropped")
        try:
            outcome = await self.exchanger.exchange(call, request, struck)
        finally:
            self._log_end(call, outcome, tuple(each.rule.id for each in struck))
        return outcome.answer

    def _read(self, request: Message) -> Call:
        return read_call(request, self.clock(), keep_body=self.keep_bodies)

    def _log_end(self, call: Call, outcome: Outcome, struck: tuple[str, ...]) -> None:
        answer = outcome.answer
        status = 0 if answer is None else answer.status
        named = answers.error_name(answer) if answer and status >= _FIRST_ERROR else ""
        self.log.amend(
            call.number,
            ended=self.clock(),
            status=status,
            error=outcome.error or named,
            forwarded=outcome.forwarded,
            unprocessed=outcome.unprocessed,
            read_units=outcome.read_units,
            write_units=outcome.write_units,
            rules=struck,
        )


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with RST, as a peer does that is gone, not with an orderly FIN."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
