"""Cuts both tables into segments to read."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runs.planning_ports import open_reading
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    return open_reading(ports, ports.admit(event))
