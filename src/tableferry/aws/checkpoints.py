"""The ledger's records of segments: checkpoints and leases.

A segment's checkpoint has a partition of its own (run#work#segment). Leases lie beside the run's
control record, so that one consistent query finds them all, also those of workers that nobody
knows of any more.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any

from tableferry.aws.ledger_table import (
    BATCH_GET_LIMIT,
    ConditionFailedError,
    LedgerTable,
    key,
    text,
)
from tableferry.errors import NotOwnerError
from tableferry.limits import Share, Shares
from tableferry.model import Control, Counts, Failure, Lease, Phase, SegmentRecord, Work

_SEGMENT_FIELDS = frozenset(each.name for each in dataclasses.fields(SegmentRecord))


def _segment_key(run: str, work: Work, segment: int) -> dict[str, Any]:
    return key(f"{run}#{work}#{segment}", "segment")


def _lease_key(lease: Lease) -> dict[str, Any]:
    return key(lease.run, f"lease#{lease.work}#{lease.segment}#{lease.holder}")


def _may_go_on(control: Control, phases: Sequence[Phase]) -> dict[str, Any]:
    """The check of owner and stop flag (or of who ends the run), and of the phase if it counts."""
    values = {":owner": text(control.owner)}
    names = {"#owner": "owner"}
    if control.stopped_by:
        condition = "#owner = :owner AND stopped = :ender"
        values[":ender"] = text(control.stopped_by)
    else:
        condition = (
            "#owner = :owner AND attribute_not_exists(#stop) AND attribute_not_exists(stopped)"
        )
        names["#stop"] = "stop"
    if phases:
        allowed = {f":phase{place}": text(phase) for place, phase in enumerate(phases)}
        condition += f" AND #phase IN ({', '.join(allowed)})"
        names["#phase"] = "phase"
        values |= allowed
    return {
        "ConditionCheck": {
            "Key": key(control.run, "control"),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
    }


def may_write(control: Control) -> dict[str, Any]:
    """The check that the run, or the one that it shares with, may write its destination."""
    return {
        "ConditionCheck": {
            "Key": key(f"destination#{control.destination}", "writer"),
            "ConditionExpression": "#run = :run",
            "ExpressionAttributeNames": {"#run": "run"},
            "ExpressionAttributeValues": {":run": text(control.writer)},
        }
    }


def _is_not_stopped(run: str) -> dict[str, Any]:
    """The check that nobody gave the run up: who does waits for the leases that he finds then."""
    return {
        "ConditionCheck": {
            "Key": key(run, "control"),
            "ConditionExpression": "attribute_not_exists(stopped)",
        }
    }


class Checkpoints:
    """Conditional writes of a worker's progress, and its right to change the destination."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def hold_segment(self, control: Control, record: SegmentRecord, lease: Lease | None) -> None:
        """Makes `record.holder` the segment's holder and grants its lease, in one conditional
        transaction.

        Raises ConditionFailedError: 0 means that owner, phase or stop flag forbid it, 2 that
        another run may write the destination.
        """
        actions = [
            _may_go_on(control, record.work.leased_phases if lease else ()),
            {
                "Update": {
                    "Key": _segment_key(control.run, record.work, record.segment),
                    "UpdateExpression": "SET holder = :holder",
                    "ExpressionAttributeValues": {":holder": text(record.holder)},
                }
            },
        ]
        if lease is not None:
            actions += self._lease_actions(control, lease)
        self._table.transact(actions)

    def _lease_actions(self, control: Control, lease: Lease) -> list[dict[str, Any]]:
        return [
            may_write(control),
            {
                "Put": {
                    "Item": {
                        **_lease_key(lease),
                        "doc": text(json.dumps(dataclasses.asdict(lease))),
                    }
                }
            },
            *([_is_not_stopped(control.shares_with)] if control.shares_with else ()),
        ]

    def release(self, lease: Lease) -> None:
        """Gives the lease back; no effect when it is gone."""
        self._table.delete(_lease_key(lease))

    def leases(self, run: str) -> list[Lease]:
        """Every lease of the run that was not released, those that are over too."""
        found = []
        for item in self._table.query(run, "lease#"):
            lease = json.loads(item["doc"]["S"])
            found.append(Lease(**{**lease, "work": Work(lease["work"])}))
        return found

    def shares(self, run: str, work: Work) -> tuple[dict[str, Share], int]:
        """The shares of a work's budget by worker, and the record's version."""
        item = self._table.get(key(run, f"share#{work}"))
        if item is None:
            return {}, 0
        document = json.loads(item["doc"]["S"])
        return {name: Share(*share) for name, share in document.items()}, int(item["version"]["N"])

    def put_shares(self, run: str, work: Work, shares: Shares, version: int) -> None:
        """Raises ConditionFailedError when the record is not of that version any more."""
        document = {name: dataclasses.astuple(share) for name, share in shares.items()}
        self._table.update(
            key(run, f"share#{work}"),
            "SET doc = :doc, version = :new",
            "version = :old" if version else "attribute_not_exists(pk)",
            {
                ":doc": text(json.dumps(document)),
                ":new": {"N": str(version + 1)},
                **({":old": {"N": str(version)}} if version else {}),
            },
        )

    def segment(self, run: str, work: Work, segment: int) -> SegmentRecord:
        """The segment's checkpoint; a fresh one where nothing was written yet."""
        item = self._table.get(_segment_key(run, work, segment))
        return _segment_record(item, work, segment)

    def sync_outcome(self, run: str) -> dict[str, int]:
        """What sync did so far (aws/sync_log.py): changes applied, conflicts, dirty items.

        A batch that was handed over twice counts twice.
        """
        item = self._table.get(key(f"{run}#sync", "counts")) or {"applied": {"N": "0"}}
        dirty = sum(1 for _ in self._table.query(f"{run}#dirty"))
        return {"applied": int(item["applied"]["N"]), "conflicts": 0, "dirty": dirty}

    def segments(self, run: str, work: Work, count: int) -> Iterator[SegmentRecord]:
        """All of a work's checkpoints, in no order."""
        for start in range(0, count, BATCH_GET_LIMIT):
            wanted = range(start, min(start + BATCH_GET_LIMIT, count))
            keys = [_segment_key(run, work, segment) for segment in wanted]
            for item in self._table.batch_get(keys):
                yield _segment_record(item, work, int(item["pk"]["S"].rsplit("#", 1)[1]))

    def checkpoint(self, run: str, record: SegmentRecord) -> None:
        """Writes the checkpoint; raises NotOwnerError when another worker holds the segment by
        now.
        """
        document = dataclasses.asdict(record)
        document["counts"] = record.counts.to_json()
        try:
            self._table.update(
                _segment_key(run, record.work, record.segment),
                "SET doc = :doc",
                "holder = :holder",
                {":doc": text(json.dumps(document)), ":holder": text(record.holder)},
            )
        except ConditionFailedError as error:
            raise NotOwnerError(
                f"segment {record.segment} of {run} ({record.work}) is held by another worker",
                hint="nothing to do: the other worker goes on from the last checkpoint",
            ) from error


def _segment_record(item: dict[str, Any] | None, work: Work, segment: int) -> SegmentRecord:
    if item is None or "doc" not in item:
        holder = item["holder"]["S"] if item else ""
        return SegmentRecord(work=work, segment=segment, holder=holder)
    document = json.loads(item["doc"]["S"])
    # A redrive runs the code deployed now: fields may have come or gone since this was written.
    known = {name: document[name] for name in _SEGMENT_FIELDS & document.keys()}
    failure = known.get("failure")
    return SegmentRecord(
        **{
            **known,
            "work": work,
            "segment": segment,
            "holder": item["holder"]["S"],
            "counts": Counts.from_json(document["counts"]),
            "failure": Failure(**failure) if failure else None,
        }
    )
