"""Compares one partition of both tables' digests."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.live.runtime import live_runtime
from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.verification.comparing_ports import bucket_objects, partition_rules
from tableferry.verification.partitions import compare_partition
from tableferry.verification.planning_comparison import partition_task


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    worker = ports.worker(event, context)
    objects = bucket_objects(ports)
    task = partition_task(run.steps, objects, run.name, event["segment"])
    watch_list = live_runtime().watch_list(run) if run.spec.live else None
    rules = partition_rules(ports, run, watch_list)
    return {"done": compare_partition(worker, task, rules, objects)}
