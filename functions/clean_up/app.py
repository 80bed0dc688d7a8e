"""Closes the copy once every lease is over."""

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
    enter_phase(ports.ledger, run.control, Phase.CLOSING)
    settled = settle_leases(
        ports.checkpoints, run.control.writer, ports.settings.lease_margin_seconds
    )
    if settled.done:
        closing = ports.gate.admit(run.name, run.control.owner)
        enter_phase(ports.ledger, closing, Phase.CLOSED)
    return settled.to_json()
