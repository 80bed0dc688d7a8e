"""`tableferry resume ID`."""

import click

from tableferry.cli.options import Choices, stack_options, wait_option
from tableferry.cli.redriving import Redriver, not_redrivable
from tableferry.cli.starting import announce, print_outcome, report_started, wait_for


@click.command(short_help="Go on with a paused migration.")
@click.argument("migration_id", metavar="ID")
@wait_option
@stack_options
@click.pass_obj
def resume(choices: Choices, migration_id: str, wait: bool) -> int:
    """Go on with a paused migration, from its checkpoints: what is done is not done again.

    It redrives the execution that was stopped, as the console's Redrive button does. When that is
    not to be had any more (14 days), it says how to go on.

    \b
    Examples:
      tableferry resume prefs-v2
      tableferry resume prefs-v2 --wait
    """
    stack = choices.stack()
    announce(stack, choices)
    execution_arn = Redriver(stack).redrive(migration_id)
    if execution_arn is None:
        raise not_redrivable(migration_id)
    if not wait:
        return report_started(stack, migration_id, execution_arn, choices)
    return print_outcome(wait_for(stack, migration_id, execution_arn), choices)
