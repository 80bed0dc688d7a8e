"""Removes the tombstones of one segment of the destination."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.live.sweeping import sweep_scan, sweep_segment
from tableferry.observe import observed
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    worker = ports.worker(event, context)
    key_names = ports.keys(run).destination.primary
    table = run.spec.destination
    scan = sweep_scan(ports.wire(table), table.table_name, key_names)
    return worker.answer(sweep_segment(worker, scan, key_names))
