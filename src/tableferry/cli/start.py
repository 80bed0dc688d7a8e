"""`tableferry start SPEC`."""

from pathlib import Path

import click

from tableferry.cli.options import Choices, stack_options, wait_option
from tableferry.cli.refusing import refuse_early
from tableferry.cli.starting import (
    announce,
    print_outcome,
    read_spec,
    report_started,
    start_execution,
    wait_for,
)


@click.command(short_help="Start a migration.")
@click.argument("spec_file", metavar="SPEC", type=click.Path(path_type=Path))
@wait_option
@stack_options
@click.pass_obj
def start(choices: Choices, spec_file: Path, wait: bool) -> int:
    """Start the migration that a spec file describes.

    All its mistakes are said at once, before anything is started. Then it prints account, Region
    and endpoint, and starts the state machine. With --wait it shows progress until the end and
    prints the outcome; Ctrl-C then ends the looking, not the migration.

    \b
    Examples:
      tableferry start prefs-v2.json
      tableferry start prefs-v2.json --wait --json > outcome.json
    """
    spec = read_spec(spec_file)
    stack = choices.stack()
    refuse_early(stack, spec)
    announce(stack, choices)
    execution_arn = start_execution(stack, spec)
    if not wait:
        return report_started(stack, spec.migration_id, execution_arn, choices)
    return print_outcome(wait_for(stack, spec.migration_id, execution_arn), choices)
