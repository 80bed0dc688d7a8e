"""Turns capture on, proves it, and hands the stream to the sync function, before the first scan."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.live.capturing import start_sync
from tableferry.live.runtime import live_runtime
from tableferry.observe import observed
from tableferry.runs.planning_ports import described_tables
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    source = ports.tables.table(run.spec.source, "source")
    described_tables(ports, run)
    live = live_runtime()
    capture = start_sync(
        run.steps,
        run.name,
        source=source,
        streams=live.streams(run.spec.source),
        mappings=live.mappings,
        claims=live.log,
        unsafe=live.unsafe(run),
        recapture=live.recapture(run),
    )
    return capture.to_json()
