"""Ends the sweep once every lease is over: from now on a tombstone is an extra item."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.closing import enter_phase, settle_leases
from tableferry.model import Phase
from tableferry.observe import observed
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    settled = settle_leases(ports.checkpoints, run.name, ports.settings.lease_margin_seconds)
    if settled.done:
        enter_phase(ports.ledger, run.control, Phase.SYNCED)
    return settled.to_json()
