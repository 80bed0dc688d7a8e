"""Writes a run's outcome: as the machine's last task, and told of every execution that ended
badly.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.recording import EndedBadly, record_end, record_stopped, record_success
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    if "detail" in event:
        ended = EndedBadly.from_event(event)
        return {"recorded": record_end(ports.ledger, ports.checkpoints, ports.artifacts, ended)}
    migration = event["migration"]
    if migration["mode"] == "stop":
        return record_stopped(
            ports.ledger,
            ports.checkpoints,
            ports.artifacts,
            migration["migrationId"],
            executions=ports.executions,
        )
    return record_success(
        ports.ledger,
        ports.checkpoints,
        ports.artifacts,
        migration["run"],
        state=ports.executions.describe(migration["owner"]),
    )
