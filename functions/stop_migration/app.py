"""Gives a migration up for good, once no worker can write any more."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.stopping import stop_migration


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    margin = ports.settings.lease_margin_seconds
    migration_id = event["migration"]["migrationId"]
    return stop_migration(ports.ledger, ports.checkpoints, migration_id, margin).to_json()
