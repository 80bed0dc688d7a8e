"""The spec of a run as its functions read it from the ledger: validated once, at the first state.

Plain values without the spec's parser, so that a worker does not pay for it at every cold start.
"""

from dataclasses import dataclass
from typing import Any

from tableferry.addresses import TableAddress
from tableferry.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What functions act on; `document` is the whole spec with its defaults."""

    migration_id: str
    mode: str
    source_or_none: TableAddress | None
    destination: TableAddress
    transform: list[dict[str, Any]]
    live: bool
    keep: bool
    clean_where: str | None
    quarantine: bool
    repair: bool
    delete_extras: bool
    document: dict[str, Any]

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "RunSpec":
        source = document["source"]
        return cls(
            migration_id=document["migrationId"],
            mode=document["mode"],
            source_or_none=TableAddress.from_json(source) if source else None,
            destination=TableAddress.from_json(document["destination"]),
            transform=document["transform"],
            live=document["strategy"] == "live",
            keep=document["onExisting"] == "keep",
            clean_where=document["cleanWhere"],
            quarantine=document["onItemError"] == "quarantine",
            repair=document["repair"],
            delete_extras=document["deleteExtras"],
            document=document,
        )

    @property
    def outcome_name(self) -> str:
        """The outcome's name: the migrationId, with the mode where that is another."""
        return self.migration_id if self.mode == "migrate" else f"{self.migration_id}.{self.mode}"

    @property
    def compares_content(self) -> bool:
        return self.mode != "count" and self.document["verify"] == "content"

    @property
    def source(self) -> TableAddress:
        """The source; validation saw to it that every mode that reads one has one."""
        if self.source_or_none is None:
            raise NotFoundError(f"the spec of {self.migration_id} names no source")
        return self.source_or_none
