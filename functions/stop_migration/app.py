"""Gives a migration up for good, once no worker and no batch of sync can write any more."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.live.ending import SyncEnder
from tableferry.live.runtime import live_runtime
from tableferry.observe import observed
from tableferry.runs.stopping import stop_migration


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    live = live_runtime()
    ports = live.ports
    margin = ports.settings.lease_margin_seconds
    return stop_migration(
        ports.ledger,
        ports.checkpoints,
        event["migration"]["migrationId"],
        event["migration"]["owner"],
        sync=SyncEnder(ports.ledger, live.log, live.mappings, margin),
        margin_seconds=margin,
    ).to_json()
