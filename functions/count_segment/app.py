"""Counts the items of one segment of either table."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.model import Work
from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.segments.counting import count_scan, count_segment


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    worker = ports.worker(event, context)
    is_source = worker.task.work == Work.COUNT_SOURCE
    table = run.spec.source if is_source else run.spec.destination
    transform = ports.transform(run) if is_source else None
    # Only the filter says which items count, and only mode count may read eventually consistently.
    filtered = transform is not None and transform.has_filter
    scan = count_scan(
        ports.wire(table), table.table_name, filtered, consistent=run.spec.mode != "count"
    )
    lenient = run.spec.quarantine
    keys = ports.keys(run).source
    done = count_segment(worker, scan, transform if filtered else None, keys, lenient=lenient)
    return worker.answer(done)
