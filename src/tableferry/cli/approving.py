"""Letting a migration go on that waits for a person."""

from tableferry.cli.stack import Migration, Stack
from tableferry.errors import InvalidSpecError, Problem


def approve_migration(stack: Stack, migration_id: str) -> Migration:
    """Answers the migration's question; raises InvalidSpecError where none is open."""
    migration = stack.migration(migration_id)
    asked = migration.steps.get("approval")
    if not asked or not stack.executions.approve(asked["taskToken"]):
        problem = Problem(
            "ID",
            migration_id,
            "does not wait for approval",
            f"see tableferry status {migration_id}",
        )
        raise InvalidSpecError([problem])
    return migration
