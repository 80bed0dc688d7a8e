"""Waits until everything that was written up to its first look is applied."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.live.draining import PAUSE_SECONDS, Drain, Drained
from tableferry.live.equality import Mentions
from tableferry.live.runtime import live_runtime
from tableferry.observe import observed
from tableferry.segments.working import WRITE_THREADS
from tableferry.verification.content_verifying import read_anew


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    live = live_runtime()
    run = live.ports.admit(event)
    live.refuse_unsafe(run)
    if live.has_refused_dirt(run):
        return Drained(False, "dirty items to be mended", mend=True).to_json()
    keys = live.ports.keys(run)
    retrier = live.retrier(run, context)
    with ThreadPoolExecutor(WRITE_THREADS) as pool:
        reader = partial(live.reader, retrier=retrier, pool=pool)
        drain = Drain(
            run=run.name,
            log=run.steps,
            stream=live.stream(run),
            markers=live.log,
            is_mapping_enabled=live.is_mapping_enabled(run),
            source=reader(run.spec.source, keys.source),
            destination=reader(run.spec.destination, keys.destination.primary),
            mentions=Mentions(live.ports.transform(run), keys.destination),
            pause=partial(time.sleep, PAUSE_SECONDS),
            began=time.time(),
        )
        drained = drain.look()
    if drained.done:
        read_anew(run.steps, run.name)
    return drained.to_json()
