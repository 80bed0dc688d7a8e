"""Applies a batch of the source's stream to the destination."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.errors import TableferryError
from tableferry.live.changes import Change
from tableferry.live.measuring import count_failed_batch, count_sync
from tableferry.live.runtime import live_runtime
from tableferry.live.values import LeaseHeldError
from tableferry.observe import logger, observed


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    live = live_runtime()
    records = event["Records"]
    again = {"batchItemFailures": [{"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}]}
    run = live.run_of(records[0]["eventSourceARN"])
    if run is None:
        # The migration was given up: its destination is nobody's business any more.
        return {"batchItemFailures": []}
    changes = [Change.from_record(record, live.ports.keys(run).source) for record in records]
    try:
        applied = live.sync(run, context).apply(run.control, changes, live.destination(run))
    except LeaseHeldError as error:
        logger.info(error.cause)
        return again
    except TableferryError:
        count_failed_batch(run.name)
        raise
    if applied is None:
        return again
    count_sync(applied, changes, run.name)
    return {"batchItemFailures": []}
