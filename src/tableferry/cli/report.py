"""`tableferry report ID`."""

import click

from tableferry.cli.estimate_text import estimate_lines
from tableferry.cli.options import Choices, stack_options
from tableferry.cli.outcomes import outcome_of_migration
from tableferry.cli.progress import print_styled
from tableferry.cli.starting import print_outcome


@click.command(short_help="The outcome of a migration.")
@click.argument("migration_id", metavar="ID")
@stack_options
@click.pass_obj
def report(choices: Choices, migration_id: str) -> int:
    """Print the outcome of a migration: what was copied, verified, saved, and what went wrong;
    and what was estimated beside what it took.

    Exit status 0 while it runs and when it succeeded, 3 when access was refused to it, else 1.

    \b
    Examples:
      tableferry report prefs-v2
      tableferry report prefs-v2 --json
    """
    stack = choices.stack()
    outcome = outcome_of_migration(stack, migration_id)
    status = print_outcome(outcome, choices)
    if not choices.as_json:
        print_styled(estimate_lines(stack.migration(migration_id).record, outcome.document))
    return status
