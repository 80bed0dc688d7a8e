"""Creates the destination if the spec says so, or finds it there."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.destination.preparing import prepare_destination
from tableferry.observe import observed
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    return prepare_destination(run.steps, run.name, run.spec, ports.tables).to_json()
