"""What the ledger remembers of sync, as plain values."""

from dataclasses import dataclass
from typing import Any

from tableferry.errors import TransientError
from tableferry.model import Phase


class LeaseHeldError(TransientError):
    """A predecessor may still be writing: this batch is tried again until its lease is over."""


@dataclass(frozen=True, slots=True)
class SyncLease:
    """The right to apply one batch; `name` is its first sequence number, `mapping` the one that
    handed it over.
    """

    run: str
    name: str
    holder: str
    phase: Phase
    deadline: float
    mapping: str = ""


@dataclass(frozen=True, slots=True)
class Dirty:
    """A source item whose copy is not to be trusted until it was repaired.

    `marks` is how often it was marked: a mark that was made since it was read is not removed.
    """

    source_key: dict[str, Any]
    destination_keys: tuple[dict[str, Any], ...]
    reason: str
    marks: int = 0
