"""The tables of a spec, looked at with the credentials of the person at the CLI.

These may be allowed less than the stack's own roles: what they can not see is left to the first
state, which looks again.
"""

from dataclasses import dataclass

from tableferry.addresses import Place, TableAddress
from tableferry.aws.session import Sessions
from tableferry.aws.table_access import TableAccess
from tableferry.checking.validating import validate_migration
from tableferry.errors import (
    AccessError,
    InputError,
    InvalidSpecError,
    MigrationError,
    TransientError,
)
from tableferry.spec import MigrationSpec


@dataclass(frozen=True, slots=True)
class StackTables:
    """Tables that this stack could move; `ledger_table` is its own."""

    sessions: Sessions
    ledger_table: str

    def check(self, spec: MigrationSpec) -> None:
        """Raises what speaks against the spec, as far as these credentials can see it."""
        sessions = self.sessions
        ledger = Place(sessions.identity.account, sessions.region, self.ledger_table)
        try:
            validate_migration(spec, spec.migration_id, TableAccess(sessions), ledger)
        except AccessError as error:
            if error.problems:
                raise InvalidSpecError(error.problems) from error
        except TransientError:
            return

    def item_count(self, table: TableAddress) -> int | None:
        """The items of the table as AWS last counted them; None where that can not be known."""
        try:
            facts = TableAccess(self.sessions).table(table, "source").describe()
        except (AccessError, InputError, MigrationError, TransientError):
            return None
        return facts.items or None
