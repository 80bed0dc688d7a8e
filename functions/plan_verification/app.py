"""Cuts both tables into segments to read."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.planning_reading import copied_segments, plan_reading
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    source = ports.tables.table(run.spec.source, "source").describe()
    destination = ports.tables.table(run.spec.destination, "destination").describe()
    ports.remember_keys(run, source=source, destination=destination)
    if run.spec.compares_content:
        expiry = {
            "source": ports.tables.options(run.spec.source, "source").ttl_attribute(),
            "destination": ports.tables.options(
                run.spec.destination, "destination"
            ).ttl_attribute(),
        }
        run.steps.record_step(run.name, "expiry", expiry)
    return plan_reading(
        run.steps,
        ports.artifacts,
        run.name,
        run.spec,
        tables=(source, destination),
        copied_segments=copied_segments(ports.ledger.record(run.spec.migration_id), run.spec),
    )
