"""MiniStack's application, with what the launcher adds to it: a word when it is up, its workers."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ministack.core import lambda_runtime

WORKERS_PATH = "/_tableferry/workers"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class Served:
    """An ASGI application; calls `started` once the one that it wraps has started up."""

    def __init__(self, application: Application, started: Callable[[], None]) -> None:
        self._application = application
        self._started = started

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == WORKERS_PATH:
            await _answer(send, workers())
            return

        async def watched(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._started()

        await self._application(scope, receive, watched if scope["type"] == "lifespan" else send)


def workers() -> list[dict[str, Any]]:
    """The processes that run functions: `pid`, `functionName`, and whether one is at work."""
    found = []
    for pool in list(lambda_runtime._workers.values()):
        for worker in list(pool):
            process = worker._proc
            if process is not None and process.poll() is None:
                found.append(
                    {
                        "pid": process.pid,
                        "functionName": worker.func_name,
                        "isBusy": bool(worker.in_use),
                    }
                )
    return found


def kill_workers() -> None:
    """Kill the processes that run functions."""
    for pool in list(lambda_runtime._workers.values()):
        for worker in list(pool):
            process = worker._proc
            if process is not None:
                process.kill()


async def _answer(send: Send, content: Any) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
