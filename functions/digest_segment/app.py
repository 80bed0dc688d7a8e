"""Digests one segment of either table."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.model import Work
from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.segments.working import Scan
from tableferry.verification.comparing_ports import bucket_objects, digest_rules
from tableferry.verification.content_verifying import segment_folder
from tableferry.verification.digesting import digest_segment


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    worker = ports.worker(event, context)
    is_source = worker.task.work is Work.DIGEST_SOURCE
    table = run.spec.source if is_source else run.spec.destination
    scan = Scan(ports.wire(table), table.table_name, {"ConsistentRead": True})
    folder = segment_folder(bucket_objects(ports), worker.task)
    return worker.answer(digest_segment(worker, scan, digest_rules(ports, run, worker), folder))
