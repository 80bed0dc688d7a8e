"""`tableferry local console`."""

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tableferry.cli.options import DEFAULT_STACK, Choices, json_option
from tableferry.cli.printing import print_document, print_lines
from tableferry.errors import UnreachableError

if TYPE_CHECKING:
    from tableferry.cli.console.server import ConsoleServer


@click.command(short_help="A page that shows what AWS's console would.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Port on 127.0.0.1; by default any free one.",
)
@json_option
@click.pass_obj
def console(choices: Choices, port: int) -> int:
    """Serve a page with the engine's executions until Ctrl-C, and print its URL.

    It shows the live state graph, input, output and error of each state, Map Runs with their
    children, and the ledger's progress; it starts, stops and redrives. The URL holds a token that
    is new each time: who has it can do what the page can. Nobody else's page is answered.

    \b
    Example:
      tableferry local console
    """
    from tableferry.aws.execution_details import ExecutionDetails
    from tableferry.aws.session import Sessions
    from tableferry.cli.console.server import ConsoleServer
    from tableferry.cli.console.views import Console
    from tableferry.cli.stack import connect
    from tableferry.local.bringing_up import project_engine
    from tableferry.local.deploy import project_root
    from tableferry.local.engine import REGION
    from tableferry.local.loopback import loopback_only

    with loopback_only():
        running = project_engine().wait_ready()
    with loopback_only(running):
        stack = connect(DEFAULT_STACK, REGION, None, running.endpoint_url)
        sessions = Sessions(region=REGION, endpoint_url=running.endpoint_url)
        details = ExecutionDetails(sessions.client("stepfunctions"))
        try:
            server = ConsoleServer(Console(stack, details, project_root(Path.cwd())), port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise UnreachableError(
                f"port {port} is taken", hint="choose another with --port, or leave it out"
            ) from error
        _serve(server, choices)
    return 0


def _serve(server: "ConsoleServer", choices: Choices) -> None:
    """Until Ctrl-C, which is how it ends."""
    if choices.as_json:
        print_document({"url": server.access.url})
    else:
        print_lines([f"console at {server.access.url}", "Ctrl-C ends it; what was started goes on"])
    click.get_text_stream("stdout").flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return
    finally:
        server.server_close()
