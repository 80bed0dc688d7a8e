"""Searches one segment of the source for items that map to extra keys."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.segments.working import Scan
from tableferry.verification.comparing_ports import bucket_objects, copy_rules
from tableferry.verification.content_verifying import Standing, segment_folder
from tableferry.verification.planning_search import searched_keys
from tableferry.verification.searching import search_segment, wanted_keys


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    worker = ports.worker(event, context)
    objects = bucket_objects(ports)
    standing = Standing.of(run.steps, run.name)
    scan = Scan(ports.wire(run.spec.source), run.spec.source.table_name, {"ConsistentRead": True})
    done = search_segment(
        worker,
        scan,
        copy_rules(ports, run),
        wanted=wanted_keys(searched_keys(objects, run.name, standing)),
        folder=segment_folder(objects, worker.task),
        lenient=run.spec.quarantine,
    )
    return worker.answer(done)
