"""Looks every few minutes whether sync keeps ahead of the stream's 24 hours."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.errors import TableferryError
from tableferry.live.measuring import count_failed_look, count_sighting
from tableferry.live.runtime import live_runtime
from tableferry.observe import logger, observed


@observed
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    live = live_runtime()
    seen, failed = {}, []
    for run in live.log.live_runs():
        try:
            sighting = live.look_after(run, time.time())
        except TableferryError as error:
            # One migration that can not be looked at must not hide the others.
            logger.error(error.cause, extra={"run": run})
            count_failed_look(run)
            failed.append(run)
            continue
        count_sighting(sighting, run, dirty=sum(1 for _ in live.log.dirty(run)))
        seen[run] = sighting.unsafe or sighting.warning or "in order"
    return {"seen": seen, "failed": failed}
