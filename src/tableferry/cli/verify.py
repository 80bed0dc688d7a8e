"""`tableferry verify ID`, and `verify --source A --destination B`."""

from pathlib import Path
from typing import Any

import click

from tableferry.cli.drawing import Line
from tableferry.cli.options import Choices, stack_options
from tableferry.cli.printing import print_document, say
from tableferry.cli.progress import print_styled
from tableferry.cli.refusing import refuse_early
from tableferry.cli.repair_plan import repair_plan
from tableferry.cli.starting import announce, print_outcome, start_execution
from tableferry.cli.verifying import Repaired, spec_of_migration, spec_of_tables, wait_for_verdict
from tableferry.errors import InvalidSpecError, Problem


@click.command(short_help="Compare again, and repair.")
@click.argument("migration_id", metavar="ID", required=False)
@click.option("--source", metavar="TABLE", help="Compare this table, by name or ARN …")
@click.option("--destination", metavar="TABLE", help="… with this one; no migration is needed.")
@click.option(
    "--transform",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Steps that the source's items go through first: a list of them, or a spec.",
)
@click.option("--repair", is_flag=True, help="Mend what is missing or different, then compare.")
@click.option("--delete-extras", is_flag=True, help="With --repair: delete what the source lacks.")
@click.option("--plan", is_flag=True, help="Say what a repair would do; change nothing.")
@stack_options
@click.pass_obj
def verify(choices: Choices, /, migration_id: str | None, **asked: Any) -> int:
    """Compare the two tables of a migration again, item by item; with --repair mend what differs.

    Both tables are read once, by the stack. With --source and --destination any two tables are
    compared. --plan goes by the last verification and starts nothing. Exit status 1 when the
    tables do not match.

    \b
    Examples:
      tableferry verify prefs-v2
      tableferry verify prefs-v2 --repair --plan
      tableferry verify prefs-v2 --repair --delete-extras
      tableferry verify --source Prefs --destination PrefsV2 --transform prefs-v2.json --json
    """
    _refuse_contradictions(migration_id, asked)
    if asked["plan"]:
        return _print_plan(choices, str(migration_id), delete_extras=asked["delete_extras"])
    if migration_id is None:
        spec = spec_of_tables(asked["source"], asked["destination"], asked["transform"])
        stack = choices.stack()
    else:
        stack = choices.stack()
        repair, delete = asked["repair"], asked["delete_extras"]
        spec = spec_of_migration(stack, migration_id, repair=repair, delete_extras=delete)
    refuse_early(stack, spec)
    announce(stack, choices)
    execution_arn = start_execution(stack, spec)
    outcome = wait_for_verdict(stack, spec, execution_arn)
    print_outcome(outcome, choices)
    if spec.repair:
        _print_line(Repaired.of(stack, execution_arn).line(spec.destination.name), choices)
    elif migration_id and (outcome.document.get("verify") or {}).get("match") is False:
        remedy = f"what a repair would do: tableferry verify {migration_id} --repair --plan"
        _print_line(Line(remedy), choices)
    return outcome.exit_status


def _print_line(line: Line, choices: Choices) -> None:
    if choices.as_json:
        say(line.text.strip())
    else:
        print_styled([line])


def _print_plan(choices: Choices, migration_id: str, *, delete_extras: bool) -> int:
    plan = repair_plan(choices.stack(), migration_id, delete_extras=delete_extras)
    if choices.as_json:
        print_document(plan.to_json())
    else:
        print_styled(list(plan.lines()))
    return 0


def _refuse_contradictions(migration_id: str | None, asked: dict[str, Any]) -> None:
    """Raises InvalidSpecError with everything that does not go together."""
    by_table = [name for name in ("source", "destination", "transform") if asked[name] is not None]
    rules = [
        (migration_id is None and not by_table, "ID", "is required", "give the migration's id"),
        *(
            (migration_id is not None, f"--{name}", "contradicts ID", "leave out one of them")
            for name in by_table
        ),
        *(
            (
                migration_id is None and bool(by_table) and asked[name] is None,
                f"--{name}",
                "is required beside the other table",
                "name both tables",
            )
            for name in ("source", "destination")
        ),
        *(
            (
                migration_id is None and bool(by_table) and asked[name],
                f"--{name}",
                "is for a migration, by its ID",
                'mend two other tables by an execution of mode "verify" with "repair": true',
            )
            for name in ("repair", "plan")
        ),
        (
            asked["delete_extras"] and not asked["repair"] and not asked["plan"],
            "--delete-extras",
            "belongs to --repair",
            "give --repair too, or leave it out",
        ),
    ]
    problems = [Problem(path, None, rule, todo) for holds, path, rule, todo in rules if holds]
    if problems:
        raise InvalidSpecError(problems, hint="tableferry verify --help shows how it is used")
