"""`tableferry approve ID`."""

import click

from tableferry.cli.approving import approve_migration
from tableferry.cli.options import Choices, stack_options
from tableferry.cli.printing import print_document, print_lines


@click.command(short_help="Let a migration go on that waits for a person.")
@click.argument("migration_id", metavar="ID")
@stack_options
@click.pass_obj
def approve(choices: Choices, migration_id: str) -> int:
    """Let a migration go on that waits for a person ("approval": true); so far it touched nothing.

    \b
    Examples:
      tableferry approve prefs-v2
      tableferry approve prefs-v2 --json
    """
    stack = choices.stack()
    migration = approve_migration(stack, migration_id)
    if choices.as_json:
        document = {
            "migrationId": migration_id,
            "status": "RUNNING",
            "executionArn": migration.control.owner,
        }
        print_document(document)
    else:
        print_lines(
            [
                f"{migration_id}: approved, it goes on ({stack.place})",
                f"watch it: tableferry status {migration_id} --watch",
            ]
        )
    return 0
