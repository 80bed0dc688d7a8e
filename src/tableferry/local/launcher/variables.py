"""The environment variables that MiniStack reads, and which of them its functions may see."""

import os

HOST = "127.0.0.1"
SCRATCH_VARIABLE = "TABLEFERRY_ENGINE_SCRATCH"
# What the engine's own process needs beside the variables below; a function on AWS has none of it.
PRIVATE = frozenset({SCRATCH_VARIABLE, "SFN_WAIT_SCALE", "PYTHONUNBUFFERED", "PYTHONPATH"})


def engine_variables(port: int) -> dict[str, str]:
    """How MiniStack is to run: on loopback, with no listener but its port, without containers."""
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": "localhost",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        # Nothing here runs in containers, and a daemon that hangs must not delay the start.
        "DOCKER_HOST": "unix:///nonexistent",
    }


def function_variables() -> dict[str, str]:
    """What functions get of the engine's environment."""
    hidden = PRIVATE | set(engine_variables(0))
    return {name: value for name, value in os.environ.items() if name not in hidden}
