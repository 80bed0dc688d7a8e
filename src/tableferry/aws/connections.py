"""A table as the control-plane calls see it: client, name, and which permission lets us at it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tableferry.addresses import Addressed, Place
from tableferry.aws.refusals import translated
from tableferry.aws.session import Sessions

# Which template parameter lets the functions at a table of this stack's account.
PARAMETERS: Mapping[str, str] = {
    "source": "SourceTablePattern",
    "destination": "DestinationTablePattern",
}


@dataclass(frozen=True, slots=True)
class TableConnection:
    """A source or destination (`side`) through a client with its role, in its Region."""

    sessions: Sessions
    address: Addressed
    side: str

    @property
    def client(self) -> Any:
        return self.sessions.table_client(self.address)

    @property
    def name(self) -> str:
        return self.address.name

    @property
    def place(self) -> Place:
        return self.sessions.place_of(self.address)

    @property
    def arn(self) -> str:
        partition, place = self.client.meta.partition, self.place
        return f"arn:{partition}:dynamodb:{place.region}:{place.account}:table/{place.name}"

    def translated(self, action: str) -> AbstractContextManager[None]:
        """Turns botocore's errors of a call of this action on the table into ours."""
        parameter = PARAMETERS[self.side] if self.address.role_arn is None else ""
        return translated(f"dynamodb:{action}", f"table {self.name}", parameter=parameter)
