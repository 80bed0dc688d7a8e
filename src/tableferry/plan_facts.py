"""What an estimate is told about the deployed stack."""

import platform

from tableferry.costing import StackFacts
from tableferry.settings import PlanSettings


def stack_facts() -> StackFacts:
    """The workers' size and time as the template gives them; functions share one architecture."""
    settings = PlanSettings.from_env()
    return StackFacts(
        worker_megabytes=settings.worker_megabytes,
        worker_seconds=settings.worker_seconds,
        is_arm=platform.machine().lower() in {"arm64", "aarch64"},
        prices_file=settings.prices_file,
    )
