"""Copies one segment of the source into the destination."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.segments.copying import CopyRules, copy_segment
from tableferry.segments.marks import SkippedFolder
from tableferry.segments.working import Scan
from tableferry.verification.comparing_ports import bucket_objects


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    worker = ports.worker(event, context)
    keys = ports.keys(run)
    quarantine = ports.artifacts.quarantine(run.spec.migration_id, "copy", worker.task.segment)
    skipped = SkippedFolder(bucket_objects(ports), run.spec.migration_id, worker.task.segment)
    rules = CopyRules(
        transform=ports.transform(run),
        source_key=keys.source,
        destination=keys.destination,
        keep=run.spec.keep,
        live=run.spec.live,
        quarantine=quarantine if run.spec.quarantine else None,
        kept=skipped if run.spec.keep else None,
    )
    done = copy_segment(
        worker,
        rules,
        Scan(ports.wire(run.spec.source), run.spec.source.table_name, {"ConsistentRead": True}),
        destination=ports.wire(run.spec.destination),
        table=run.spec.destination.table_name,
    )
    return worker.answer(done)
