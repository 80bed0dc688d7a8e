"""`tableferry report ID`."""

from pathlib import Path

import click

from tableferry.cli.estimate_text import estimate_lines
from tableferry.cli.options import Choices, stack_options
from tableferry.cli.outcomes import outcome_of_migration
from tableferry.cli.printing import say
from tableferry.cli.progress import print_styled
from tableferry.cli.reports import Written, write_report
from tableferry.cli.starting import print_outcome


@click.command(short_help="The outcome of a migration, as a page.")
@click.argument("migration_id", metavar="ID")
@click.option(
    "--output",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the page and its document go; the current directory by default.",
)
@stack_options
@click.pass_obj
def report(choices: Choices, migration_id: str, output: Path | None) -> int:
    """Write a page on a migration: what was moved, how fast, what proves it, what went wrong.

    ID.html is one file that needs nothing else, ID.json the same for programs. The page of a run
    that has ended goes into the artifacts bucket too, as the run itself puts it there. --json
    prints the document alone, and writes files only with --output.

    Exit status 0 while it runs and when it succeeded, 3 when access was refused to it, else 1.

    \b
    Examples:
      tableferry report prefs-v2
      tableferry report prefs-v2 --output reports
      tableferry report prefs-v2 --json
    """
    stack = choices.stack()
    outcome = outcome_of_migration(stack, migration_id)
    if output is not None or not choices.as_json:
        _say(write_report(stack, migration_id, outcome, output or Path()))
    status = print_outcome(outcome, choices)
    if not choices.as_json:
        print_styled(estimate_lines(stack.migration(migration_id).record, outcome.document))
    return status


def _say(written: Written) -> None:
    say(f"page: {written.page.resolve().as_uri()}")
    if written.uri:
        say(f"also: {written.uri}")
    elif written.unsaved:
        say(f"not put into the artifacts bucket: {written.unsaved}")
