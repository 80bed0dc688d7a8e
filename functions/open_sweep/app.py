"""Lets sync delete plainly, and cuts the destination for the sweep once no older batch is alive."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.live.runtime import live_runtime
from tableferry.live.sweeping import settle_sync
from tableferry.model import Phase, Work
from tableferry.observe import observed
from tableferry.runs.closing import enter_phase
from tableferry.runtime import runtime
from tableferry.segments.listing import cut, plan_work


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    enter_phase(ports.ledger, run.control, Phase.SWEEPING)
    settled = settle_sync(live_runtime().log, run.name, ports.settings.lease_margin_seconds)
    source = ports.tables.table(run.spec.source, "source").describe()
    cuts = {Work.SWEEP: cut(run.spec.document, source.items, source.size_bytes)}
    planned = plan_work(run.steps, ports.artifacts, run.name, "sweeping", cuts=cuts)
    return {**settled.to_json(), **planned}
