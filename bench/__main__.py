"""`make bench`: every way to move items against a plain boto3 client loop, in one table.

    python -m bench [--items 100000] [--rounds 3] [--json]

Each way runs in a process of its own; rounds alternate and the best of each counts, for the machine
may be busy. Read the ratios: the CPU beside them is this machine's.
"""

import argparse
import json
import platform
import subprocess
import sys
from typing import Any

import botocore
import msgspec
from botocore.compat import HAS_CRT
from rich.console import Console
from rich.table import Table

from bench.measure import WAYS
from bench.processes import ROOT, process

BASE = "boto3"
_WAY_SECONDS = 900
Results = dict[str, dict[str, float]]


def measure(items: int, rounds: int, ways: tuple[str, ...] = tuple(WAYS)) -> Results:
    """The best round of each way, by CPU."""
    best: Results = {}
    with process("bench.engine", "--items", str(items)) as engine:
        for _ in range(rounds):
            for way in ways:
                found = _one(way, engine["endpoint"], items)
                if way not in best or found["cpuMicros"] < best[way]["cpuMicros"]:
                    best[way] = found
    return best


def _one(way: str, endpoint: str, items: int) -> dict[str, float]:
    words = [sys.executable, "-m", "bench.measure", way]
    words += ["--endpoint", endpoint, "--items", str(items)]
    done = subprocess.run(
        words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=_WAY_SECONDS
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "botocore": botocore.__version__ + (" with awscrt" if HAS_CRT else ""),
        "msgspec": msgspec.__version__,
        "system": f"{platform.system()} {platform.machine()}",
    }


def table_of(results: Results, items: int) -> Table:
    """Ratios first: times as quick as the base, by CPU."""
    base = results[BASE]["cpuMicros"]
    table = Table(
        "way",
        "times as quick",
        "CPU, µs per item",
        "items a second",
        "peak MB",
        title=f"{items:,} items of 261 bytes, one worker, over HTTP on loopback",
    )
    for way, found in results.items():
        table.add_row(
            way,
            f"{base / found['cpuMicros']:.1f}",
            f"{found['cpuMicros']:.1f}",
            f"{found['itemsPerSecond']:,.0f}",
            f"{found['peakMegabytes']:.0f}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = measure(options.items, options.rounds)
    if options.json:
        print(json.dumps({"machine": machine(), "items": options.items, "ways": results}))
        return
    console = Console()
    console.print(table_of(results, options.items))
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))


if __name__ == "__main__":
    main()
