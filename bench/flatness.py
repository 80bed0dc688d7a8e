"""Whether a copy's CPU for each item, and its memory, stay what they are from 10,000 to 10 million
items.

    python -m bench.flatness [--items 10000 --items 10000000]

Pages and acknowledgements come from memory, for no engine here holds so much: what is measured is
the worker's own, without HTTP. Each size runs in a process of its own, for its peak.
"""

import argparse
import json
import subprocess
import sys
import time
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from bench.engine import Engine, Pages
from bench.measure import peak_megabytes
from bench.processes import ROOT
from bench.workers import Fleet
from tableferry.local.faults.messages import request

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)


class EngineInThisProcess:
    """A wire client that hands each request to the bench's engine."""

    def __init__(self, items: int) -> None:
        self._engine = Engine(Pages(items))

    def call(self, operation: str, body: dict[str, Any]) -> bytes:
        headers = {b"x-amz-target": b"DynamoDB_20120810." + operation.encode()}
        return self._engine.answer(request(b"/", headers, msgspec.json.encode(body)))


def measured(items: int) -> dict[str, float]:
    client = EngineInThisProcess(items)
    fleet = Fleet(client, client, 1)
    began = time.process_time()
    fleet.copy(0, seconds=100_000.0)
    return {
        "cpuMicros": (time.process_time() - began) / items * 1e6,
        "peakMegabytes": peak_megabytes(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.flatness", description=__doc__)
    parser.add_argument("--items", type=int, action="append")
    parser.add_argument("--one", type=int)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one)))
        return
    table = Table("items", "CPU of the worker's own, µs per item", "peak MB")
    for items in options.items or SIZES:
        command = [sys.executable, "-m", "bench.flatness", "--one", str(items)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        table.add_row(f"{items:,}", f"{found['cpuMicros']:.1f}", f"{found['peakMegabytes']:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
