"""Gives the verdict on what was read of both tables, and says what is to be done next."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.verification.comparing_ports import bucket_objects
from tableferry.verification.verifying import compare_contents, compare_counted_tables


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    if not run.spec.compares_content:
        return compare_counted_tables(run.steps, ports.checkpoints, run.name, run.spec)
    return compare_contents(
        run.steps, ports.checkpoints, run.name, run.spec, objects=bucket_objects(ports)
    )
