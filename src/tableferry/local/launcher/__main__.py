"""Entry point: claims the state directory, listens, closes the gaps, serves, and ends with its
workers.
"""

import argparse
import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tableferry.local.launcher import gaps, patching, scratch
from tableferry.local.launcher.variables import HOST, engine_variables

CLAIM_SECONDS = 2.0
SHUTDOWN_SECONDS = 3.0


class StartError(Exception):
    """The engine can not start: why, and what to do about it."""

    def __init__(self, cause: str, hint: str) -> None:
        self.hint = hint
        super().__init__(cause)


def main() -> None:
    arguments = _parse(sys.argv[1:])
    try:
        claim = _claim(arguments.state_directory)
        listener = _listen(arguments.port)
        _prepare(arguments, listener.getsockname()[1])
    except StartError as error:
        _report(arguments.report_fd, {"error": str(error), "hint": error.hint})
        sys.exit(1)
    except patching.GapError as error:
        hint = (
            f"install ministack=={patching.MINISTACK_VERSION}: the extra tableferry[local] pins it"
        )
        _report(arguments.report_fd, {"error": str(error), "hint": hint})
        sys.exit(1)
    ready = {"pid": os.getpid(), "port": listener.getsockname()[1], "bootId": arguments.boot_id}

    state_file = arguments.state_directory / "engine.json"
    if arguments.life_fd is not None:
        threading.Thread(target=_end_with, args=(arguments.life_fd,), daemon=True).start()

    def started() -> None:
        unfinished = state_file.with_suffix(".partial")
        unfinished.write_text(json.dumps(ready))
        unfinished.rename(state_file)
        _report(arguments.report_fd, ready)

    asyncio.run(_serve(listener, started))
    state_file.unlink(missing_ok=True)
    os.close(claim)
    # Threads may still wait for functions; nothing that they could do counts any more.
    os._exit(0)


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tableferry.local.launcher", description=__doc__
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--state-directory", type=Path, required=True)
    parser.add_argument("--boot-id", default="")
    parser.add_argument(
        "--report-fd", type=int, default=1, help="where one JSON line says ready, or why not"
    )
    parser.add_argument("--life-fd", type=int, help="the engine ends when this pipe is closed")
    parser.add_argument(
        "--leave-gap",
        action="append",
        default=[],
        choices=sorted(gaps.GAPS),
        help="for tests of the gaps",
    )
    return parser.parse_args(words)


def _claim(state_directory: Path) -> int:
    """Lock the state directory for this process's life, so that nobody mistakes a dead engine for
    it.
    """
    state_directory.mkdir(parents=True, exist_ok=True)
    claim = os.open(state_directory / "engine.lock", os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + CLAIM_SECONDS
    while True:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Of an engine that died: nobody may take it for this one.
            (state_directory / "engine.json").unlink(missing_ok=True)
            return claim
        except BlockingIOError:
            # Somebody who only looks holds it for an instant; an engine holds it for good.
            if time.monotonic() > deadline:
                raise StartError(
                    f"an engine of {state_directory} is starting or ending",
                    "wait for it, or stop it first: tableferry local down",
                ) from None
            time.sleep(0.05)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(512)
    except OSError as error:
        raise StartError(
            f"port {port} on {HOST} can not be used: {error.strerror}",
            f"end what listens on port {port}, or choose another one with --port",
        ) from None
    return listener


def _prepare(arguments: argparse.Namespace, port: int) -> None:
    """Set what MiniStack reads when it is imported, then import and mend it."""
    os.environ |= engine_variables(port)
    # It served to import this launcher; functions do not have it on AWS.
    os.environ.pop("PYTHONPATH", None)
    scratch.prepare(arguments.state_directory / "scratch")
    patching.require_version()
    gaps.close_all(leave=arguments.leave_gap)


def _end_with(life: int) -> None:
    """Ask this process to end when whoever holds the other end of the pipe is gone."""
    os.read(life, 1)
    os.kill(os.getpid(), signal.SIGTERM)


async def _serve(listener: socket.socket, started: Callable[[], None]) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    from tableferry.local.launcher import serving

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    application: Any = serving.Served(app, started)
    server = asyncio.ensure_future(serve(application, config, shutdown_trigger=stop.wait))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait([server, stopped], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait([server], timeout=SHUTDOWN_SECONDS)
    if server.done():
        server.result()
    serving.kill_workers()


def _report(descriptor: int, message: dict[str, Any]) -> None:
    os.write(descriptor, (json.dumps(message) + "\n").encode())
    if descriptor > 2:
        os.close(descriptor)


if __name__ == "__main__":
    main()
