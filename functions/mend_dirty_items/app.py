"""Mends the items with a record that sync could not apply, if they can be migrated by now."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.live.mending import Mended, MendTask, mend_dirty_items
from tableferry.live.runtime import live_runtime
from tableferry.model import Work
from tableferry.observe import observed
from tableferry.runs.closing import Settled
from tableferry.verification.comparing_ports import both_items


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    live = live_runtime()
    run = live.ports.admit(event)
    if not any(live.log.dirty(run.name)):
        return Mended(settled=Settled(True, 0, 0)).to_json()
    # What only waits for its expiry is verification's business, not a repair's.
    run.record["steps"].setdefault("expiry", {"source": None, "destination": None})
    segment = {"work": Work.MEND, "segment": 0, "totalSegments": 1}
    worker = live.ports.worker({**event, "segment": segment}, context)
    task = MendTask(
        run=run.name,
        log=live.log,
        leases=live.ports.checkpoints,
        margin_seconds=live.ports.settings.lease_margin_seconds,
        table=run.spec.destination.table_name,
        both=lambda worker: both_items(live.ports, run, worker),
        client=live.ports.wire(run.spec.destination),
    )
    mended = mend_dirty_items(worker, task)
    if mended.settled.done:
        # Here and not in the drain: a redrive begins with this state, and mends first.
        live.refuse_dirty(run)
    return mended.to_json()
