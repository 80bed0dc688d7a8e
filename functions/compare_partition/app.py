"""Compares one partition of both tables' digests."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.live.runtime import live_runtime
from tableferry.live.watching import SYNCHRONISED_BY
from tableferry.observe import observed
from tableferry.runtime import Run, runtime
from tableferry.verification.candidates import WatchList
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
    rules = partition_rules(ports, run, _watch_list(run))
    return {"done": compare_partition(worker, task, rules, objects)}


def _watch_list(run: Run) -> WatchList | None:
    """That of the migration whose sync writes this destination while it is compared."""
    name = run.name if run.spec.mode == "migrate" else run.record.get(SYNCHRONISED_BY)
    if name is None or (run.spec.mode == "migrate" and not run.spec.live):
        return None
    return live_runtime().watch_list_of(name, run.control.destination)
