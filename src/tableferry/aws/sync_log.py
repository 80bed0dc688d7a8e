"""The ledger's records of sync: leases of batches, markers of what was applied, dirty keys.

The sync function may be handed the same batch again while an invocation that is believed dead still
writes. So a batch's lease is one item under the batch's name, and taking it demands that nobody
has it or that it is over.
"""

import dataclasses
import json
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tableferry.aws.checkpoints import may_write
from tableferry.aws.ledger_table import ConditionFailedError, key, text
from tableferry.aws.sync_records import MARKER_SECONDS, SyncRecords, document_of
from tableferry.live.values import LeaseHeldError, SyncLease
from tableferry.model import Control, Phase

# Sequence numbers are decimal texts of up to 40 digits [BC StreamRecord]; padded they sort.
SEQUENCE_DIGITS = 40


def padded(sequence_number: str) -> str:
    return sequence_number.zfill(SEQUENCE_DIGITS)


class SyncLog(SyncRecords):
    """Conditional writes of the sync function, and what others read of them."""

    # --- leases ---

    def take_sync_lease(self, control: Control, lease: SyncLease, margin_seconds: float) -> None:
        """Grants the lease, together with the phase that it counts on and the destination.

        Raises LeaseHeldError while a predecessor's lease is not over, or when the phase changed or
        the batch was finished since it was read.
        """
        over_before = self._table.now() - margin_seconds
        try:
            self._table.transact(_lease_actions(control, lease, over_before))
        except ConditionFailedError as error:
            raise LeaseHeldError(
                f"the batch from {lease.name} of {lease.run} got no lease: a predecessor may still "
                "be writing, or the phase has changed",
                hint="nothing to do: it is tried again until the lease is over",
            ) from error

    def release_sync_lease(self, lease: SyncLease) -> None:
        """Releases the lease if this invocation still has it."""
        self._table.delete_if(_lease_key(lease), "holder", lease.holder)

    def cut_sync_lease(self, lease: SyncLease) -> None:
        """Ends the lease now, so that it is over when the margin has passed: a request of it may
        still be in flight.
        """
        now = self._table.now()
        cut = dataclasses.replace(lease, deadline=now)
        with suppress(ConditionFailedError):
            self._table.update(
                _lease_key(lease),
                "SET deadline = :now, #doc = :doc",
                "#holder = :holder",
                {
                    ":now": {"N": repr(now)},
                    ":doc": text(json.dumps(dataclasses.asdict(cut))),
                    ":holder": text(lease.holder),
                },
                names={"#doc": "doc", "#holder": "holder"},
            )

    def sync_leases(self, run: str) -> list[SyncLease]:
        """Every sync lease that was not released, those that are over too."""
        return [
            SyncLease(
                **{**json.loads(item["doc"]["S"]), "phase": Phase(document_of(item)["phase"])}
            )
            for item in self._table.query(run, "sync-lease#")
        ]

    # --- what was applied ---

    def finish(self, lease: SyncLease, numbers: Sequence[str], lag: float) -> bool:
        """Releases the lease and marks these records, from the one that named it on, as applied, at
        once; counts them, remembers the lag.

        False, and nothing is done, when somebody else got the lease meanwhile.
        """
        now = self._table.now()
        try:
            self._table.transact(_finish_actions(lease, numbers, now))
        except ConditionFailedError:
            return False
        self._table.update(
            key(f"{lease.run}#sync", "counts"),
            "SET #lag = :lag, #at = :at ADD applied :count",
            "",
            {
                ":lag": {"N": repr(round(lag, 3))},
                ":at": {"N": repr(now)},
                ":count": {"N": str(len(numbers))},
            },
            names={"#lag": "lag", "#at": "at"},
        )
        return True

    def finished_from(self, run: str, mapping: str, first: str) -> Sequence[str]:
        """The records of the mapping's finished batch that begins there; empty where none does."""
        item = self._table.get(_finished_key(run, mapping, first))
        return _unpacked(item["numbers"]["B"]) if item else ()

    def keep_finished(self, run: str, mapping: str, numbers: Sequence[str]) -> None:
        """Makes the end of a finished batch a finished batch too."""
        self._table.put(_finished(run, mapping, numbers, self._table.now()))

    def applied_between(self, run: str, first: str, last: str) -> set[str]:
        """The padded sequence numbers of markers from `first` to `last`, both included.

        Other shards' markers may lie between them: only an exact match says something.
        """
        found = self._table.query_between(f"{run}#applied", padded(first), padded(last))
        return {str(item["sk"]["S"]) for item in found}


def _lease_key(lease: SyncLease) -> dict[str, Any]:
    return key(lease.run, f"sync-lease#{lease.name}")


def _finished_key(run: str, mapping: str, first: str) -> dict[str, Any]:
    return key(f"{run}#finished#{mapping}", padded(first))


def _finished(run: str, mapping: str, numbers: Sequence[str], now: float) -> dict[str, Any]:
    return {
        **_finished_key(run, mapping, numbers[0]),
        **_kept(now),
        "numbers": {"B": zlib.compress(",".join(numbers).encode())},
    }


def _unpacked(numbers: bytes) -> Sequence[str]:
    return zlib.decompress(bytes(numbers)).decode().split(",")


def _kept(now: float) -> dict[str, Any]:
    return {"at": {"N": repr(now)}, "expiresAt": {"N": str(int(now + MARKER_SECONDS))}}


def _finish_actions(lease: SyncLease, numbers: Sequence[str], now: float) -> list[dict[str, Any]]:
    marker = {**key(f"{lease.run}#applied", padded(numbers[-1])), **_kept(now)}
    return [
        {
            "Delete": {
                "Key": _lease_key(lease),
                "ConditionExpression": "holder = :holder",
                "ExpressionAttributeValues": {":holder": text(lease.holder)},
            }
        },
        {"Put": {"Item": marker}},
        {"Put": {"Item": _finished(lease.run, lease.mapping, numbers, now)}},
    ]


def _lease_actions(control: Control, lease: SyncLease, over_before: float) -> list[dict[str, Any]]:
    return [
        {
            "ConditionCheck": {
                "Key": key(control.run, "control"),
                "ConditionExpression": "#phase = :phase AND attribute_not_exists(stopped)",
                "ExpressionAttributeNames": {"#phase": "phase"},
                "ExpressionAttributeValues": {":phase": text(control.phase)},
            }
        },
        may_write(control),
        {
            "Put": {
                "Item": {
                    **_lease_key(lease),
                    "holder": text(lease.holder),
                    "deadline": {"N": repr(lease.deadline)},
                    "doc": text(json.dumps(dataclasses.asdict(lease))),
                },
                "ConditionExpression": "attribute_not_exists(pk) OR deadline < :over",
                "ExpressionAttributeValues": {":over": {"N": repr(over_before)}},
            }
        },
        {
            "ConditionCheck": {
                "Key": _finished_key(lease.run, lease.mapping, lease.name),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        },
    ]
