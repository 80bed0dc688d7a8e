"""`tableferry report ID`."""

import click

from tableferry.cli.options import Choices, stack_options
from tableferry.cli.outcomes import outcome_of_migration
from tableferry.cli.starting import print_outcome


@click.command(short_help="The outcome of a migration.")
@click.argument("migration_id", metavar="ID")
@stack_options
@click.pass_obj
def report(choices: Choices, migration_id: str) -> int:
    """Print the outcome of a migration: what was copied, verified, saved, and what went wrong.

    Exit status 0 while it runs and when it succeeded, 3 when access was refused to it, else 1.

    \b
    Examples:
      tableferry report prefs-v2
      tableferry report prefs-v2 --json
    """
    return print_outcome(outcome_of_migration(choices.stack(), migration_id), choices)
