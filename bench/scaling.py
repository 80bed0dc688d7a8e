"""How much more 16 workers move than one, where neither the table's limit nor this machine holds
them up.

    python -m bench.scaling [--workers 1 --workers 16] [--latency 1.0] [--items 8000]

The engine acknowledges each write after a while, so that workers wait, as they do for a DynamoDB
that is far or throttled: 16 batches in flight of 25 items are 400 items a second and worker at a
latency of a second. All workers are threads of one process here; in the stack each has a
sandbox of its own.
"""

import argparse
import json
import time

from rich.console import Console
from rich.table import Table

from bench.processes import process
from bench.workers import Fleet

WORKERS = (1, 2, 4, 8, 16)


def measure(workers: int, items: int, latency: float) -> tuple[float, float]:
    """Items a second of all workers together, and the CPU seconds of a second that they took."""
    arguments = ("--items", str(items), "--latency", str(latency))
    with process("bench.engine", *arguments) as engine:
        fleet = Fleet.over_http(engine["endpoint"], engine["endpoint"], workers)
        began, cpu = time.monotonic(), time.process_time()
        with fleet.running(3600.0):
            pass
        seconds = time.monotonic() - began
        return workers * items / seconds, (time.process_time() - cpu) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--workers", type=int, action="append")
    parser.add_argument("--items", type=int, default=8_000, help="of each worker")
    parser.add_argument("--latency", type=float, default=1.0, help="seconds of each write")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {
        workers: measure(workers, options.items, options.latency)
        for workers in options.workers or WORKERS
    }
    (least, (base, _)), *_ = found.items()
    if options.json:
        print(json.dumps({workers: rate / base * least for workers, (rate, _) in found.items()}))
        return
    table = Table("workers", "items a second", "of linear", "cores used")
    for workers, (rate, cores) in found.items():
        linear = rate / base * least / workers
        table.add_row(str(workers), f"{rate:,.0f}", f"{linear:.0%}", f"{cores:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
