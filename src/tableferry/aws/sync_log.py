"""The ledger's records of sync: leases of batches, markers of what was applied, dirty keys.

The sync function may be handed the same batch again while an invocation that is believed dead still
writes. So a batch's lease is one item under the batch's name, and taking it demands that nobody
has it or that it is over.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any

from tableferry.aws.ledger_table import ConditionFailedError, LedgerTable, key, text
from tableferry.live.values import Dirty, LeaseHeldError, SyncLease
from tableferry.model import Control, Phase

# A stream keeps 24 hours; a marker is of use as long as its records are there.
MARKER_SECONDS = 2 * 24 * 3600
# Sequence numbers are decimal texts of up to 40 digits [BC StreamRecord]; padded they sort.
SEQUENCE_DIGITS = 40


def padded(sequence_number: str) -> str:
    return sequence_number.zfill(SEQUENCE_DIGITS)


class SyncLog:
    """Conditional writes of the sync function, and what others read of them."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    # --- the source ---

    def claim_source(self, run: str, stream_arn: str) -> str:
        """Makes the run the one that migrates this stream's table live; answers who does."""
        place = key(f"stream#{stream_arn}", "live")
        item = {**place, "run": text(run)}
        try:
            self._table.transact(
                [
                    {
                        "Put": {
                            "Item": item,
                            "ConditionExpression": "attribute_not_exists(pk) OR #run = :run",
                            "ExpressionAttributeNames": {"#run": "run"},
                            "ExpressionAttributeValues": {":run": text(run)},
                        }
                    }
                ]
            )
        except ConditionFailedError:
            return str(self.run_of_stream(stream_arn))
        self._table.put({**key("live", run), "stream": text(stream_arn)})
        return run

    def live_runs(self) -> list[str]:
        """Every run that has a source, in the order of their names."""
        return [str(item["sk"]["S"]) for item in self._table.query("live")]

    def run_of_stream(self, stream_arn: str) -> str | None:
        """The run that migrates this stream's table live."""
        item = self._table.get(key(f"stream#{stream_arn}", "live"))
        return item["run"]["S"] if item else None

    def release_source(self, run: str, stream_arn: str) -> None:
        self._table.delete_if(key(f"stream#{stream_arn}", "live"), "run", run)
        self._table.delete(key("live", run))

    # --- the guard ---

    def guarded(self, run: str) -> dict[str, Any]:
        """What the guard remembers: {"positions": by shard, "sighting"}; empty before its first."""
        item = self._table.get(key(f"{run}#sync", "guard"))
        return _doc(item) if item else {"positions": {}}

    def remember_guard(self, run: str, positions: dict[str, str], sighting: dict[str, Any]) -> None:
        document = {"positions": positions, "sighting": sighting}
        self._table.put({**key(f"{run}#sync", "guard"), "doc": text(json.dumps(document))})

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
            SyncLease(**{**json.loads(item["doc"]["S"]), "phase": Phase(_doc(item)["phase"])})
            for item in self._table.query(run, "sync-lease#")
        ]

    # --- what was applied ---

    def finish(self, lease: SyncLease, last: str, *, count: int, lag: float) -> bool:
        """Releases the lease and marks its batch as applied, at once; counts it, remembers the lag.

        False, and nothing is done, when somebody else got the lease meanwhile.
        """
        now = self._table.now()
        try:
            self._table.transact(_finish_actions(lease, last, now))
        except ConditionFailedError:
            return False
        self._table.update(
            key(f"{lease.run}#sync", "counts"),
            "SET #lag = :lag, #at = :at ADD applied :count",
            "",
            {
                ":lag": {"N": repr(round(lag, 3))},
                ":at": {"N": repr(now)},
                ":count": {"N": str(count)},
            },
            names={"#lag": "lag", "#at": "at"},
        )
        return True

    def generation(self, run: str) -> int:
        """How often the batches of this run were cut in another way than before."""
        item = self._table.get(key(f"{run}#sync", "generation"))
        return int(item["count"]["N"]) if item else 0

    def begin_generation(self, run: str, after: int) -> None:
        """Begins the generation behind `after`; no effect when somebody did."""
        with suppress(ConditionFailedError):
            self._table.update(
                key(f"{run}#sync", "generation"),
                "SET #count = :next",
                "attribute_not_exists(pk) OR #count = :after",
                {":next": {"N": str(after + 1)}, ":after": {"N": str(after)}},
                names={"#count": "count"},
            )

    def finished_through(self, run: str, mapping: str, first: str) -> str | None:
        """The last sequence number of the mapping's batch from `first`, once it is applied."""
        item = self._table.get(_finished_key(run, mapping, first))
        return item["through"]["S"] if item else None

    def applied_between(self, run: str, first: str, last: str) -> set[str]:
        """The padded sequence numbers of markers from `first` to `last`, both included.

        Other shards' markers may lie between them: only an exact match says something.
        """
        found = self._table.query_between(f"{run}#applied", padded(first), padded(last))
        return {str(item["sk"]["S"]) for item in found}

    def sync_counts(self, run: str) -> dict[str, float]:
        """{"applied", "lag" in seconds, "at"}; empty before the first batch."""
        item = self._table.get(key(f"{run}#sync", "counts"))
        if item is None:
            return {}
        return {name: float(item[name]["N"]) for name in ("applied", "lag", "at")}

    # --- the watch list ---

    def watch(self, run: str, key_hashes: Collection[bytes]) -> None:
        """Watches destination keys; what was touched before counts no more."""
        expires = {"N": str(int(self._table.now() + MARKER_SECONDS))}
        for each in key_hashes:
            self._table.put({**key(f"{run}#watch", each.hex()), "expiresAt": expires})

    def watched(self, run: str) -> set[bytes]:
        """Every watched key."""
        return {bytes.fromhex(item["sk"]["S"]) for item in self._table.query(f"{run}#watch")}

    def touch(self, run: str, key_hashes: Collection[bytes]) -> None:
        """Remembers that records were applied to these watched keys."""
        for each in key_hashes:
            self._table.update(
                key(f"{run}#watch", each.hex()),
                "SET touched = :yes",
                "attribute_exists(pk)",
                {":yes": text("yes")},
            )

    def touched(self, run: str) -> set[bytes]:
        """The watched keys that were touched since they were watched."""
        items = self._table.query(f"{run}#watch")
        return {bytes.fromhex(item["sk"]["S"]) for item in items if "touched" in item}

    # --- dirty keys ---

    def mark_dirty(self, run: str, dirty: Sequence[Dirty]) -> None:
        """Marks source items whose copy is not to be trusted; fit to be run again."""
        for each in dirty:
            document = {
                "sourceKey": each.source_key,
                "destinationKeys": list(each.destination_keys),
                "reason": each.reason[:2000],
            }
            item = {**_dirty_key(run, each), "doc": text(json.dumps(document))}
            self._table.put(item)

    def dirty(self, run: str) -> Iterator[Dirty]:
        """Every source item that was marked dirty and not repaired since."""
        for item in self._table.query(f"{run}#dirty"):
            document = _doc(item)
            yield Dirty(
                document["sourceKey"], tuple(document["destinationKeys"]), document["reason"]
            )

    def clear_dirty(self, run: str, dirty: Dirty) -> None:
        self._table.delete(_dirty_key(run, dirty))


def _doc(item: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(item["doc"]["S"])
    return found


def _dirty_key(run: str, dirty: Dirty) -> dict[str, Any]:
    # A source key may be longer than a sort key may be (1,024 bytes).
    name = json.dumps(dirty.source_key, sort_keys=True).encode()
    return key(f"{run}#dirty", hashlib.blake2b(name, digest_size=20).hexdigest())


def _lease_key(lease: SyncLease) -> dict[str, Any]:
    return key(lease.run, f"sync-lease#{lease.name}")


def _finished_key(run: str, mapping: str, first: str) -> dict[str, Any]:
    return key(f"{run}#finished#{mapping}", padded(first))


def _finish_actions(lease: SyncLease, last: str, now: float) -> list[dict[str, Any]]:
    kept = {"at": {"N": repr(now)}, "expiresAt": {"N": str(int(now + MARKER_SECONDS))}}
    finished = _finished_key(lease.run, lease.mapping, lease.name)
    return [
        {
            "Delete": {
                "Key": _lease_key(lease),
                "ConditionExpression": "holder = :holder",
                "ExpressionAttributeValues": {":holder": text(lease.holder)},
            }
        },
        {"Put": {"Item": {**key(f"{lease.run}#applied", padded(last)), **kept}}},
        {"Put": {"Item": {**finished, "through": text(last), **kept}}},
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
        {
            "ConditionCheck": {
                "Key": key(f"destination#{control.destination}", "writer"),
                "ConditionExpression": "#run = :run",
                "ExpressionAttributeNames": {"#run": "run"},
                "ExpressionAttributeValues": {":run": text(control.run)},
            }
        },
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
