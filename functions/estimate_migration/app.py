"""Mode plan: what a migration would take, changing nothing."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.checking.validating import validate_migration
from tableferry.estimates.estimating import estimate_migration
from tableferry.estimates.plan_facts import stack_facts, stack_run
from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.spec import MigrationSpec


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    spec = MigrationSpec.parse(event["spec"])
    found = validate_migration(
        spec,
        spec.migration_id,
        ports.tables,
        ports.ledger_place,
        stack=stack_run(ports, event["execution"]),
    )
    return estimate_migration(spec, found, stack_facts())
