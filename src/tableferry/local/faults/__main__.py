"""`python -m tableferry.local.faults --upstream http://127.0.0.1:8000`: the fault proxy as a
process of its own.

Prints one line of JSON, {"endpoint": "http://127.0.0.1:PORT"}, when it listens; ends on SIGTERM,
SIGINT, or, with `--until-stdin-closes`, with the process that started it.
"""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence

from tableferry.errors import TableferryError
from tableferry.local.faults.proxy import SIGNATURE_SECONDS, FaultProxy
from tableferry.local.faults.scripts import play, read_script, script_names


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        proxy = FaultProxy(
            options.upstream, port=options.port, signature_seconds=options.signature_seconds or None
        ).start()
    except TableferryError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    if options.script:
        tables = {"source": options.source, "destination": options.destination}
        play(read_script(options.script), proxy, tables)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    if options.until_stdin_closes:
        threading.Thread(target=_wait_for_stdin, args=(ended,), daemon=True).start()
    print(json.dumps({"endpoint": proxy.endpoint_url}), flush=True)
    ended.wait()
    proxy.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tableferry.local.faults",
        description="Stands before a DynamoDB engine and lets go wrong what it is told to.",
    )
    parser.add_argument(
        "--upstream", required=True, help="the engine, such as http://127.0.0.1:8000"
    )
    parser.add_argument("--port", type=int, default=0, help="where to listen; 0: a free port")
    parser.add_argument(
        "--signature-seconds",
        type=float,
        default=SIGNATURE_SECONDS,
        help="refuse signatures older than this; 0: take any (default: %(default)s)",
    )
    parser.add_argument("--script", help="a file, or " + ", ".join(script_names()))
    parser.add_argument("--source", default="source", help="the script's source, a table's name")
    parser.add_argument("--destination", default="destination", help="its destination")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end when standard input ends"
    )
    return parser


def _wait_for_stdin(ended: threading.Event) -> None:
    # Not through sys.stdin: a daemon thread that holds its lock is fatal at the process's end.
    while os.read(0, 4096):
        pass
    ended.set()


if __name__ == "__main__":
    sys.exit(main())
