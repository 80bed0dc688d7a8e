"""What an estimate and the check of permissions are told about the deployed stack."""

import platform

from tableferry.aws.simulating import Roles
from tableferry.checking.validating import StackRun
from tableferry.estimates.costing import StackFacts
from tableferry.estimates.timing import Pace
from tableferry.runtime import Runtime
from tableferry.settings import PlanSettings


def stack_run(ports: Runtime, execution_arn: str) -> StackRun:
    """The stack whose machine runs the execution."""
    sync = PlanSettings.from_env().sync_function_arn
    others = {"sync_changes": sync} if sync else {}
    roles = Roles(ports.sessions, execution_arn, others)
    return StackRun(roles, ports.settings.artifacts_bucket)


def stack_facts() -> StackFacts:
    """The workers' size and time as the template gives them; functions share one architecture."""
    settings = PlanSettings.from_env()
    return StackFacts(
        worker_megabytes=settings.worker_megabytes,
        worker_seconds=settings.worker_seconds,
        is_arm=platform.machine().lower() in {"arm64", "aarch64"},
        prices_file=settings.prices_file,
        pace=Pace(settings.state_seconds, settings.backup_seconds, settings.machine_items),
    )
