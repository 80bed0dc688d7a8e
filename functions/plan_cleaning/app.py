"""Cuts the destination into segments to clean, and opens the cleaning."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runs.planning_ports import open_cleaning
from tableferry.runtime import runtime


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    return open_cleaning(ports, ports.admit(event))
