"""Processes of a measurement: each says in one line where it is, and ends with its input."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_END_SECONDS = 20.0


@contextmanager
def process(module: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """Runs `python -m module`; yields the first line that it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            said: dict[str, Any] = json.loads(running.stdout.readline())
            yield said
        finally:
            running.stdin.close()
            try:
                running.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()
