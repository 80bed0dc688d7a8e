"""`tableferry redrive ID`."""

import click

from tableferry.cli.options import Choices, stack_options, wait_option
from tableferry.cli.printing import say
from tableferry.cli.redriving import Redriver
from tableferry.cli.starting import announce, print_outcome, report_started, wait_for


@click.command(short_help="Run again what failed.")
@click.argument("migration_id", metavar="ID")
@click.option(
    "--new-execution",
    is_flag=True,
    help="Go on in a new execution, which runs the state machine as it is deployed now.",
)
@wait_option
@stack_options
@click.pass_obj
def redrive(choices: Choices, migration_id: str, new_execution: bool, wait: bool) -> int:
    """Run again what failed, from the state that failed; finished segments are not copied again.

    It redrives the execution, as the console's Redrive button does. When that is not to be had (14
    days gone), or with --new-execution, a new execution goes on from the ledger.

    \b
    Examples:
      tableferry redrive prefs-v2 --wait
      tableferry redrive prefs-v2 --new-execution
    """
    stack = choices.stack()
    announce(stack, choices)
    redriver = Redriver(stack)
    execution_arn = None if new_execution else redriver.redrive(migration_id)
    if execution_arn is None:
        if not new_execution:
            say("the old execution can not be redriven any more: a new one goes on from the ledger")
        execution_arn = redriver.continue_anew(migration_id)
    if not wait:
        return report_started(stack, migration_id, execution_arn, choices)
    return print_outcome(wait_for(stack, migration_id, execution_arn), choices)
