"""Keeps this process to the engine on loopback, whatever its environment says."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tableferry.local.engine import RunningEngine, local_environment

# A proxy of the environment must not see what is meant for this machine.
_NO_PROXY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
# The bundle is for real endpoints; loopback speaks plain HTTP.
_PREFIX = "AWS_"


@contextmanager
def loopback_only(engine: RunningEngine | None = None) -> Iterator[None]:
    """Inside, no credential, profile, endpoint or proxy of the caller's environment is seen.

    With an engine, AWS clients talk to it and to nothing else. The environment is put back after.
    """
    before = dict(os.environ)
    for name in tuple(os.environ):
        if name.startswith(_PREFIX):
            del os.environ[name]
    os.environ.update(_NO_PROXY)
    if engine is not None:
        os.environ.update(local_environment(engine.port))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
