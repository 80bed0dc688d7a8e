"""The gaps of MiniStack that the launcher closes; each module's docstring says what is wrong
without it.
"""

import importlib
from collections.abc import Collection

GAPS = {
    "python-worker": "python_worker",
    "tasks": "tasks",
    "executions": "executions",
    "distributed-map": "map_runs",
    "stream-mappings": "stream_mappings",
    "metrics": "metrics",
    "export": "export",
    "partiql": "partiql",
    "scan-pages": "scan_pages",
}


def close_all(*, leave: Collection[str] = ()) -> None:
    """Close every gap but those named in `leave` (for the tests that prove each is needed)."""
    for name, module in GAPS.items():
        if name not in leave:
            importlib.import_module(f"tableferry.local.launcher.{module}").close()
