"""`tableferry limit ID`."""

from typing import Any

import click

from tableferry.cli.limiting import Limiter, Wish
from tableferry.cli.options import Choices, stack_options
from tableferry.cli.printing import print_document, print_lines, say
from tableferry.spec.model import MAX_CONCURRENCY, percent_of


class Units(click.ParamType):
    """Units a second: a number over 0, a share such as 50%, or `none`."""

    name = "units"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002 - click's signature
    ) -> Any:
        """The wish: ("none", None) for no limit, else ("units", what it is)."""
        if isinstance(value, tuple):
            return value
        if value == "none":
            return ("none", None)
        if percent_of(value) is not None:
            return ("units", value)
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            self.fail(f'{value!r} is not a number over 0, a share such as "50%", or none', param)
        return ("units", int(number) if number.is_integer() else number)


@click.command()
@click.argument("migration_id", metavar="ID")
@click.option(
    "--write-units-per-second",
    "write_units",
    type=Units(),
    metavar="N|P%|none",
    help="Capacity units that all workers together may write.",
)
@click.option(
    "--read-units-per-second",
    "read_units",
    type=Units(),
    metavar="N|P%|none",
    help="The same for reading; of each table that is read.",
)
@click.option(
    "--max-concurrency",
    type=click.IntRange(1, MAX_CONCURRENCY),
    metavar="N",
    help="Workers at once, of the Map that runs.",
)
@click.option(
    "--nice/--not-nice",
    default=None,
    help="Whether to back off, and to hibernate, where applications need the tables.",
)
@click.option("--why", default="", metavar="TEXT", help="Stands in `status` beside your name.")
@stack_options
@click.pass_obj
def limit(choices: Choices, /, migration_id: str, why: str, **wishes: Any) -> int:
    """Change what a running migration may use; workers follow within 5 seconds.

    Units are capacity units a second of each table, for all workers together: a number, a share of
    what the table takes, or `none`. What you do not name stays as it is. The limits stay until they
    are set again, through pauses and redrives.

    \b
    Examples:
      tableferry limit prefs-v2 --write-units-per-second 2500 --why "sale until six"
      tableferry limit prefs-v2 --read-units-per-second 50%
      tableferry limit prefs-v2 --write-units-per-second none --max-concurrency 100
    """
    stack = choices.stack()
    say(f"limiting {migration_id} ({stack.place})")
    changes = {name: wish for name, wish in wishes.items() if wish is not None}
    for name in {"write_units", "read_units"} & changes.keys():
        changes[name] = changes[name][1]
    limited = Limiter(stack).limit(migration_id, Wish(changes, why))
    if choices.as_json:
        print_document(limited.to_json())
    else:
        print_lines(list(limited.lines()))
    return 0
