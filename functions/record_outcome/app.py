"""Writes a run's outcome and report: as the machine's last task, and told of every execution that
ended badly.
"""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import logger, observed
from tableferry.reporting.writing import write_report
from tableferry.runs.recording import EndedBadly, Ending, record_end, record_stopped, record_success
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    where = (ports.ledger, ports.checkpoints, ports.artifacts)
    if "detail" in event:
        ended = EndedBadly.from_event(event)
        return {"recorded": record_end(*where, ended, publish=publish)}
    migration = event["migration"]
    if migration["mode"] == "stop":
        name, executions = migration["migrationId"], ports.executions
        return record_stopped(*where, name, executions=executions, publish=publish)
    state = ports.executions.describe(migration["owner"])
    return record_success(*where, migration["run"], state=state, publish=publish)


def publish(ending: Ending) -> None:
    """Writes the report. A migration that succeeded does not fail for want of a page."""
    ports = runtime()
    try:
        write_report(ending, ports.executions, ports.artifacts, time.time())
    except Exception:
        logger.exception("the report was not written; the outcome was")
