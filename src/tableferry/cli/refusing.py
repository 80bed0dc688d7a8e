"""What can be refused before an execution is started; the first state checks all of it again."""

from tableferry.cli.stack import Stack
from tableferry.errors import InvalidSpecError, Problem
from tableferry.spec import MigrationSpec


def refuse_early(stack: Stack, spec: MigrationSpec) -> None:
    """Raises InvalidSpecError, TableNotFoundError or CollisionError; then nothing was started."""
    if spec.mode == "stop":
        return
    problems = _id_problems(stack, spec) if spec.mode == "migrate" else []
    try:
        stack.tables.check(spec)
    except InvalidSpecError as error:
        problems += error.problems
    if problems:
        raise InvalidSpecError(problems)


def _id_problems(stack: Stack, spec: MigrationSpec) -> list[Problem]:
    is_known = stack.runs.control(spec.migration_id) is not None
    if is_known and not spec.resume:
        return [
            Problem(
                "migrationId",
                spec.migration_id,
                "was used before; an id names one migration for ever",
                'choose another id, or continue that migration with "resume": true',
            )
        ]
    if spec.resume and not is_known:
        return [
            Problem(
                "resume",
                True,
                f"the ledger holds no migration named {spec.migration_id}",
                "start it without resume",
            )
        ]
    return []
