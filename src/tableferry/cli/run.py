"""`tableferry run SPEC`."""

from pathlib import Path

import click

from tableferry.cli.options import Choices, stack_options
from tableferry.cli.outcomes import Outcome, exit_status_of
from tableferry.cli.printing import say
from tableferry.cli.starting import print_outcome, read_spec


@click.command(short_help="Move a table with this machine alone, without a stack.")
@click.argument("spec_file", metavar="SPEC", type=click.Path(path_type=Path))
@stack_options
@click.pass_obj
def run(choices: Choices, spec_file: Path) -> int:
    """Move a table with this machine's cores and your credentials; nothing is deployed.

    The same spec, workers, verification and outcome as with a stack, for tables that one machine
    can carry; "strategy": "copy" only. What it remembers lies in .tableferry-run/ in the current
    directory: run the same spec there again to go on after Ctrl-C, a crash or a failure.

    \b
    Examples:
      tableferry run prefs-v2.json
      tableferry run prefs-v2.json --json > outcome.json
    """
    # Imported here, so that `--help` and a wrong spec answer at once.
    from tableferry.machine.running import run_here

    spec = read_spec(spec_file)
    document = run_here(spec, Path.cwd(), region=choices.region, profile=choices.profile, say=say)
    return print_outcome(Outcome(document, exit_status_of(document)), choices)
