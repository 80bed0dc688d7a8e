"""Takes the source's snapshot, as backup or export."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.observe import observed
from tableferry.runtime import runtime
from tableferry.snapshots.snapshotting import snapshot_source


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    run = ports.admit(event)
    return snapshot_source(
        run.steps,
        run.name,
        run.spec,
        options=ports.tables.options(run.spec.source, "source"),
        snapshots=ports.tables.snapshots(run.spec.source, "source"),
        bucket=ports.artifacts.bucket,
    )
