"""`tableferry pause ID`."""

import click

from tableferry.cli.options import Choices, stack_options
from tableferry.cli.pausing import Pauser
from tableferry.cli.printing import print_document, print_lines, say


@click.command(short_help="Pause a running migration.")
@click.argument("migration_id", metavar="ID")
@stack_options
@click.pass_obj
def pause(choices: Choices, migration_id: str) -> int:
    """Pause a running migration, as the console's Stop button does, and wait for its workers.

    They hand back within seconds, each at a checkpoint. Exit status 0 when none writes any more; 1
    when some did not hand back within 30 s: it says which, and until when they may write.

    \b
    Examples:
      tableferry pause prefs-v2
      tableferry pause prefs-v2 --json
    """
    stack = choices.stack()
    say(f"pausing {migration_id} ({stack.place})")
    paused = Pauser(stack).pause(migration_id)
    if choices.as_json:
        print_document(paused.to_json())
    else:
        print_lines(list(paused.lines()))
    return 1 if paused.held else 0
