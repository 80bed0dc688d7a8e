"""Every table that a spec names, through the role and Region that it names."""

from dataclasses import dataclass

from tableferry.addresses import Addressed
from tableferry.aws.connections import TableConnection
from tableferry.aws.session import Sessions
from tableferry.aws.snapshots import TableSnapshots
from tableferry.aws.table_options import TableOptions
from tableferry.aws.tables import Table


@dataclass(frozen=True, slots=True)
class TableAccess:
    """Tables by reference; `side` is source or destination."""

    sessions: Sessions

    @property
    def account(self) -> str:
        """Our own account."""
        return self.sessions.identity.account

    def table(self, table: Addressed, side: str) -> Table:
        return Table(TableConnection(self.sessions, table, side))

    def options(self, table: Addressed, side: str) -> TableOptions:
        return TableOptions(TableConnection(self.sessions, table, side))

    def snapshots(self, table: Addressed, side: str) -> TableSnapshots:
        return TableSnapshots(TableConnection(self.sessions, table, side))
