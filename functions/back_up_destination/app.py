"""Backs the destination up before it is cleaned, overwritten or repaired."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.snapshots.undo import back_up_destination
from tableferry.verification.content_verifying import REPAIR


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    return back_up_destination(
        run.steps,
        run.name,
        run.spec,
        table=ports.tables.table(run.spec.destination, "destination"),
        snapshots=ports.tables.snapshots(run.spec.destination, "destination"),
        repairs=event.get("comparison", {}).get("next") == REPAIR,
    )
