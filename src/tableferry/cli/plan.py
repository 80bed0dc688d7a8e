"""`tableferry plan SPEC`."""

from pathlib import Path
from typing import Any

import click

from tableferry.cli.options import Choices, stack_options
from tableferry.cli.plan_text import plan_lines
from tableferry.cli.printing import print_document
from tableferry.cli.progress import print_styled
from tableferry.cli.refusing import refuse_early
from tableferry.cli.starting import announce, read_spec, start_execution, wait_for
from tableferry.spec import MigrationSpec


@click.command(short_help="What a migration would take; changes nothing.")
@click.argument("spec_file", metavar="SPEC", type=click.Path(path_type=Path))
@stack_options
@click.pass_obj
def plan(choices: Choices, spec_file: Path) -> int:
    """Say what a migration would take, and show three items before and after; change nothing.

    It runs the first states of the machine with the stack's own permissions: what the plan can
    read, the migration can.

    \b
    Examples:
      tableferry plan prefs-v2.json
      tableferry plan prefs-v2.json --json
    """
    spec = read_spec(spec_file)
    stack = choices.stack()
    planned = MigrationSpec.parse({**spec.to_json(), "mode": "plan"}, import_modules=False)
    refuse_early(stack, planned)
    announce(stack, choices)
    execution_arn = start_execution(stack, planned)
    outcome = wait_for(stack, spec.migration_id, execution_arn)
    _print(outcome.document, choices)
    return outcome.exit_status


def _print(document: dict[str, Any], choices: Choices) -> None:
    if choices.as_json:
        print_document(document)
    else:
        print_styled(plan_lines(document))
