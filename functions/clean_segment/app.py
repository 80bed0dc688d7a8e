"""Deletes one segment of the destination, or what `cleanWhere` is true for."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.segments.cleaning import clean_scan, clean_segment
from tableferry.transform import Transform


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    worker = ports.worker(event, context)
    key_names = ports.keys(run).destination.primary
    condition = run.spec.clean_where
    where = None if condition is None else Transform.compile([{"filter": condition}])
    table = run.spec.destination
    scan = clean_scan(ports.wire(table), table.table_name, key_names, where)
    return worker.answer(clean_segment(worker, scan, key_names, where))
