"""Ends the sweep and waits until every lease is over: from now on a tombstone is an extra item."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.model import Phase
from tableferry.observe import observed
from tableferry.runs.closing import enter_phase, settle_leases
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    # First the phase: no sweeper that comes late gets a lease any more.
    enter_phase(ports.ledger, run.control, Phase.SYNCED)
    margin = ports.settings.lease_margin_seconds
    return settle_leases(ports.checkpoints, run.name, margin).to_json()
