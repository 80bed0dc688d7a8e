"""Checks a spec against the tables, claims its run, and answers what the later states need."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.aws.sync_log import SyncLog
from tableferry.checking.validating import validate_migration
from tableferry.estimates.estimating import estimate_migration, remembered
from tableferry.estimates.plan_facts import stack_facts, stack_run
from tableferry.live.checking import refuse_second, synchroniser
from tableferry.live.watching import SYNCHRONISED_BY
from tableferry.observe import logger, observed
from tableferry.runs.claiming import Others, claim_run, claimed, run_name
from tableferry.runtime import runtime
from tableferry.spec import MigrationSpec
from tableferry.transform import Transform


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    ports = runtime()
    spec = MigrationSpec.parse(event["spec"])
    owner = event["execution"]
    run = run_name(spec, owner.rsplit(":", 1)[1])
    if spec.mode not in {"plan", "stop"}:
        stack = stack_run(ports, owner)
        found = validate_migration(spec, run, ports.tables, ports.ledger_place, stack=stack)
        synced_by = synchroniser(SyncLog(ports.ledger_table), found.source)
        if spec.mode == "migrate" and spec.strategy == "live" and found.source:
            refuse_second(found.source.name, run, synced_by)
        for warning in found.warnings:
            logger.warning(warning)
        destination = str(ports.sessions.place_of(spec.destination))
        facts: dict[str, Any] = {
            "transformFingerprint": Transform.compile(spec.transform).fingerprint
        }
        if spec.mode == "verify":
            facts[SYNCHRONISED_BY] = synced_by
        if spec.mode == "migrate":
            facts["estimate"] = remembered(estimate_migration(spec, found, stack_facts()))
        control = claimed(run, owner, destination)
        margin = ports.settings.lease_margin_seconds
        others = Others(ports.executions, ports.checkpoints, margin)
        claim_run(ports.ledger, others, spec, control, facts=facts)
    return {
        # Stopping acts on the migration's own run.
        "run": spec.migration_id if spec.mode == "stop" else run,
        "migrationId": spec.migration_id,
        "mode": spec.mode,
        "owner": owner,
        "strategy": spec.strategy,
        "approval": spec.approval,
        "clean": spec.clean_destination or spec.mode == "clean",
        "verify": spec.verify,
        "snapshot": spec.snapshot,
        "maxConcurrency": spec.limits.max_concurrency,
    }
