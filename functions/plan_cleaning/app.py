"""Cuts the destination into segments to clean, and opens the cleaning."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.closing import enter_phase
from tableferry.model import Phase, Work
from tableferry.observe import observed
from tableferry.planning import cut, plan_work
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    table = ports.tables.table(run.spec.destination, "destination").describe()
    ports.remember_keys(run, destination=table)
    cuts = {Work.CLEAN: cut(run.spec.document, table.items, table.size_bytes)}
    planned = plan_work(run.steps, ports.artifacts, run.name, "cleaning", cuts=cuts)
    enter_phase(ports.ledger, run.control, Phase.CLEANING)
    return planned
