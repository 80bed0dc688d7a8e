"""Cuts the source into scan segments, and opens the copy."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.closing import enter_phase
from tableferry.model import Phase, Work
from tableferry.observe import observed, publish
from tableferry.planning import cut, plan_work
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    source = ports.tables.table(run.spec.source, "source").describe()
    ports.remember_keys(
        run,
        source=source,
        destination=ports.tables.table(run.spec.destination, "destination").describe(),
    )
    cuts = {Work.COPY: cut(run.spec.document, source.items, source.size_bytes)}
    if run.steps.step(run.name, "copying") is None:
        budget = run.record.get("estimate", {}).get("budget", {})
        publish(run.name, Work.COPY, {"ItemsPlanned": source.items, **budget})
    planned = plan_work(run.steps, ports.artifacts, run.name, "copying", cuts=cuts)
    enter_phase(ports.ledger, run.control, Phase.COPYING)
    return planned
