"""Repairs what verification found in one partition."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.repair.repair_work import repair_partition
from tableferry.runtime import runtime
from tableferry.verification.comparing_ports import bucket_objects, repair_task


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    if run.spec.mode == "verify":
        # Only these need the spec's parser, which costs a cold start.
        from tableferry.runs.claiming import Others, borrow_again

        # Failed, it gave its destination back; a redrive of the Map enters no state before this.
        others = Others(ports.executions, ports.checkpoints, ports.settings.lease_margin_seconds)
        borrow_again(ports.ledger, others, run.control)
    worker = ports.worker(event, context)
    task = repair_task(ports, run, event["segment"])
    return worker.answer(repair_partition(worker, task, bucket_objects(ports)))
