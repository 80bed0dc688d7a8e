"""`tableferry stop ID`."""

import click

from tableferry.cli.options import Choices, stack_options
from tableferry.cli.starting import announce, print_outcome, start_execution, wait_for
from tableferry.spec import MigrationSpec


@click.command(short_help="Give a migration up for good.")
@click.argument("migration_id", metavar="ID")
@stack_options
@click.pass_obj
def stop(choices: Choices, migration_id: str) -> int:
    """Give a migration up for good: afterwards nothing can redrive or resume it.

    It starts the state machine with "mode": "stop" and waits until no worker can write any more.
    The destination keeps what was copied; another migration may write it then. To go on later, use
    `tableferry pause` instead.

    \b
    Examples:
      tableferry stop prefs-v2
      tableferry stop prefs-v2 --json
    """
    stack = choices.stack()
    destination = stack.migration(migration_id).record["spec"]["destination"]
    named = {name: destination.get(name) for name in ("tableName", "roleArn", "region")}
    spec = MigrationSpec.parse({"mode": "stop", "migrationId": migration_id, "destination": named})
    announce(stack, choices)
    outcome = wait_for(stack, migration_id, start_execution(stack, spec))
    print_outcome(outcome, choices)
    return outcome.exit_status
