"""The console over a stack in memory."""

from pathlib import Path
from typing import Any

from tableferry.aws.execution_details import ExecutionDetails
from tableferry.cli.console.views import Console
from tests.unit.cli.fake_stack import World

ROOT = Path(__file__).parents[3]


class NoDetails:
    """A client that nothing may ask."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


def console_of(world: World | None = None) -> Console:
    return Console((world or World()).stack, ExecutionDetails(NoDetails()), ROOT)
