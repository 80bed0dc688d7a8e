"""The engine of a clone, started if need be, with the stack deployed into it."""

import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tableferry.local.deploy import (
    DEFAULT_STACK_NAME,
    Deployment,
    deploy,
    engine_parameters,
    project_root,
)
from tableferry.local.engine import DEFAULT_PORT, Engine, RunningEngine
from tableferry.local.pace import pace_parameters

# The engine answers at once, so no request is in flight when a lease has ended.
_PARAMETERS = {"LeaseMarginSeconds": "1"}
# Nothing in the engine takes minutes, as backups and new tables do on AWS.
_WAIT_SCALE = 0.05


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A running engine with the stack in it; `started` is False when it ran before."""

    engine: RunningEngine
    deployment: Deployment
    started: bool


def bring_up(
    *,
    port: int | None = None,
    stack_name: str = DEFAULT_STACK_NAME,
    progress: Callable[[str], None] = lambda _line: None,
) -> LocalStack:
    """Starts the engine of the clone that the working directory is in, builds, and deploys.

    Without `port` it takes 4566 or, where that is taken, any free one. Raises UnreachableError when
    the engine or SAM fail, NotFoundError outside of a clone.
    """
    project = project_root(Path.cwd())
    engine = Engine.of_project(project)
    running = engine.status()
    started = running is None
    if running is None or port is not None:
        wanted = _default_port() if port is None else port
        progress("starting the embedded engine")
        running = engine.start(port=wanted, wait_scale=_WAIT_SCALE)
    running = engine.wait_ready()
    pace = pace_parameters(running, engine.state_directory / "pace.json", anew=started)
    deployment = deploy(
        project,
        running,
        state_directory=engine.state_directory,
        stack_name=stack_name,
        parameters={**engine_parameters(), **_PARAMETERS, **pace},
        progress=progress,
    )
    return LocalStack(running, deployment, started)


def project_engine() -> Engine:
    """The engine of the clone that the working directory is in."""
    return Engine.of_project(project_root(Path.cwd()))


def _default_port() -> int:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            return 0
    return DEFAULT_PORT
