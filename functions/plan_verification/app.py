"""Cuts both tables into segments to read, each by the larger of the two sizes."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.model import Work
from tableferry.observe import observed
from tableferry.planning import cut, plan_work
from tableferry.runtime import runtime
from tableferry.verifying import reading_round


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    source = ports.tables.table(run.spec.source, "source").describe()
    destination = ports.tables.table(run.spec.destination, "destination").describe()
    ports.remember_keys(run, source=source, destination=destination)
    # A table's size is refreshed every six hours: the destination's may be that of before the
    # copy.
    items = max(source.items, destination.items)
    segments = cut(run.spec.document, items, max(source.size_bytes, destination.size_bytes))
    return plan_work(
        run.steps,
        ports.artifacts,
        run.name,
        "verifying",
        cuts={Work.COUNT_SOURCE: segments, Work.COUNT_DESTINATION: segments},
        round_number=reading_round(run.steps, run.name),
    )
