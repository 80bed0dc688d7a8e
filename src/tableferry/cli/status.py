"""`tableferry status ID`."""

import click

from tableferry.cli.drawing import drawing
from tableferry.cli.following import follow, told_when_left
from tableferry.cli.looking import Look, Looker
from tableferry.cli.options import Choices, stack_options
from tableferry.cli.printing import print_document, say
from tableferry.cli.progress import print_styled, progress

_FAILED = 1


@click.command(short_help="Where a migration is, and why it stands still.")
@click.argument("migration_id", metavar="ID")
@click.option("--watch", is_flag=True, help="Look again until the execution has ended.")
@stack_options
@click.pass_obj
def status(choices: Choices, migration_id: str, watch: bool) -> int:
    """Show where a migration is: states, segments, rate, and why it stands still.

    Exit status 0 while it runs and when it succeeded, else 1.

    \b
    Examples:
      tableferry status prefs-v2
      tableferry status prefs-v2 --watch
      tableferry status prefs-v2 --json
    """
    stack = choices.stack()
    owner = stack.migration(migration_id).control.owner
    looker = Looker(stack, migration_id, owner)
    if watch:
        with told_when_left(migration_id, say), progress() as show:
            look = follow(looker, show)
    else:
        look = looker.look()
    if choices.as_json:
        print_document(look.to_json())
    else:
        print_styled(drawing(look))
    return _exit_status(look)


def _exit_status(look: Look) -> int:
    return 0 if look.status in {"RUNNING", "SUCCEEDED"} else _FAILED
