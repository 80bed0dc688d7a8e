"""Cuts the source into scan segments, and opens the copy."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.model import Work
from tableferry.observe import observed, publish
from tableferry.runs.planning_ports import described_tables, open_copy
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    source, _ = described_tables(ports, run)
    if run.steps.step(run.name, "copying") is None:
        budget = run.record.get("estimate", {}).get("budget", {})
        publish(run.name, Work.COPY, {"ItemsPlanned": source.items, **budget})
    return open_copy(ports, run, source)
