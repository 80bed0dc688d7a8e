"""How a table is named and reached, as plain values that need no parser of the spec."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

TABLE_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):dynamodb:(?P<region>[a-z0-9-]+):(?P<account>\d{12})"
    r":table/(?P<name>[A-Za-z0-9_.-]{3,255})"
)
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/[\w+=,.@/-]{1,512}")


class Addressed(Protocol):
    """A table by name or ARN, with the role to assume; None stands for the stack's own."""

    @property
    def table_name(self) -> str: ...

    @property
    def role_arn(self) -> str | None: ...

    @property
    def name(self) -> str: ...

    @property
    def account(self) -> str | None: ...

    @property
    def effective_region(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class TableAddress:
    """A table reference of a spec that was validated before."""

    table_name: str
    role_arn: str | None = None
    region: str | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TableAddress":
        """The address in `source` or `destination` of a spec document."""
        return cls(document["tableName"], document.get("roleArn"), document.get("region"))

    @property
    def name(self) -> str:
        return self.table_name.rpartition("/")[2]

    @property
    def arn_account(self) -> str | None:
        return self._arn_part("account")

    @property
    def arn_region(self) -> str | None:
        return self._arn_part("region")

    @property
    def account(self) -> str | None:
        """The account of the ARN, else of the role; None means the account of the stack."""
        role = ROLE_ARN.fullmatch(self.role_arn or "")
        return self.arn_account or (role["account"] if role else None)

    @property
    def effective_region(self) -> str | None:
        """The Region of the ARN, else `region`; None means the Region of the stack."""
        return self.arn_region or self.region

    def _arn_part(self, part: str) -> str | None:
        found = TABLE_ARN.fullmatch(self.table_name)
        return found[part] if found else None


@dataclass(frozen=True, slots=True)
class Place:
    """A table's account, Region and name: two references with one place are one table."""

    account: str
    region: str
    name: str

    def __str__(self) -> str:
        return f"{self.account}/{self.region}/{self.name}"
