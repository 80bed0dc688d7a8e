"""`tableferry local …`: the embedded engine on this machine."""

import shlex
import time

import click

from tableferry.cli.console.command import console
from tableferry.cli.load import load
from tableferry.cli.options import Choices, json_option
from tableferry.cli.printing import print_document, print_lines, say


@click.group(no_args_is_help=False, short_help="The embedded engine on this machine.")
@json_option
def local() -> None:
    """The embedded engine: AWS on this machine, without an account and without Docker."""


@local.command(short_help="Start it, and deploy the stack into it.")
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    help="Port on 127.0.0.1; by default 4566 or, where that is taken, any free one.",
)
@json_option
@click.pass_obj
def up(choices: Choices, port: int | None) -> int:
    """Start the engine, sam build and sam deploy the template into it; both again after a change.

    Its tables live in memory: they do not survive `tableferry local down`.

    \b
    Example:
      tableferry local up
    """
    from tableferry.local.bringing_up import bring_up
    from tableferry.local.loopback import loopback_only

    began = time.monotonic()
    with loopback_only():
        up = bring_up(port=port, progress=say)
    seconds = round(time.monotonic() - began, 1)
    if choices.as_json:
        print_document(
            {
                "endpoint": up.engine.endpoint_url,
                "stackName": up.deployment.stack_name,
                "started": up.started,
                "built": up.deployment.built,
                "seconds": seconds,
            }
        )
        return 0
    print_lines(
        [
            f"engine ready at {up.engine.endpoint_url} after {seconds} s, "
            f"stack {up.deployment.stack_name}",
            "tables live in memory: they do not survive `tableferry local down`",
            'use it: eval "$(tableferry local env)"',
        ]
    )
    return 0


@local.command(short_help="Stop it; its tables are gone then.")
@json_option
@click.pass_obj
def down(choices: Choices) -> int:
    """Stop the engine. Its tables, and all else that it holds, are gone then.

    \b
    Example:
      tableferry local down
    """
    from tableferry.local.bringing_up import project_engine
    from tableferry.local.loopback import loopback_only

    with loopback_only():
        stopped = project_engine().stop()
    if choices.as_json:
        print_document({"stopped": stopped})
    else:
        print_lines(["engine stopped; its tables are gone" if stopped else "no engine was running"])
    return 0


@local.command(short_help="Print export lines for other tools.")
@json_option
@click.pass_obj
def env(choices: Choices) -> int:
    """Print export lines that point other tools, and Tableferry's other commands, at the engine.

    \b
    Example:
      eval "$(tableferry local env)"
    """
    from tableferry.local.bringing_up import project_engine
    from tableferry.local.engine import local_environment
    from tableferry.local.loopback import loopback_only

    with loopback_only():
        running = project_engine().running()
    variables = local_environment(running.port)
    if choices.as_json:
        print_document(variables)
    else:
        print_lines(
            [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
            + ["unset AWS_PROFILE AWS_SESSION_TOKEN"]
        )
    return 0


local.add_command(load)
local.add_command(console)
