"""The command `tableferry` and its commands, one in each file."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import click

from tableferry.cli.approve import approve
from tableferry.cli.count import count
from tableferry.cli.demo import demo
from tableferry.cli.failing import guarded
from tableferry.cli.limit import limit
from tableferry.cli.local import local
from tableferry.cli.options import stack_options
from tableferry.cli.pause import pause
from tableferry.cli.plan import plan
from tableferry.cli.redrive import redrive
from tableferry.cli.report import report
from tableferry.cli.resume import resume
from tableferry.cli.run import run
from tableferry.cli.start import start
from tableferry.cli.status import status
from tableferry.cli.stop import stop
from tableferry.cli.verify import verify


class Tableferry(click.Group):
    """The commands in the order in which one meets them; errors end in an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 - errors are ours in any mode
        **extra: Any,
    ) -> Any:
        """Runs the command line and exits with 0, 1, 2 or 3."""
        words = list(sys.argv[1:] if args is None else args) or ["--help"]

        def run() -> Any:
            return super(Tableferry, self).main(
                words, prog_name or "tableferry", complete_var, standalone_mode=False, **extra
            )

        sys.exit(guarded(run, words))


@click.group(
    cls=Tableferry,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(version("tableferry"), message="%(prog)s %(version)s")
@stack_options
def main() -> None:
    """Moves the items of one DynamoDB table into another: reshaped, verified, with a way back.

    Exit status: 0 done; 1 the migration failed, is paused or does not match; 2 the input is wrong;
    3 the engine or AWS could not be reached or would not let us in.
    """


for command in (
    demo,
    local,
    plan,
    start,
    run,
    status,
    pause,
    resume,
    limit,
    redrive,
    approve,
    stop,
    verify,
    report,
    count,
):
    main.add_command(command)
