"""The ledger's records beside sync: its source, the guard, watched keys, dirty items."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from tableferry.aws.ledger_table import ConditionFailedError, LedgerTable, key, text
from tableferry.live.values import Dirty

# A stream keeps 24 hours; what is remembered of its records is of use as long.
MARKER_SECONDS = 2 * 24 * 3600


class SyncRecords:
    """Reads and writes of what goes with sync."""

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
        """Frees the source, and forgets what the guard saw of it."""
        self._table.delete(key(f"{run}#sync", "guard"))
        self._table.delete_if(key(f"stream#{stream_arn}", "live"), "run", run)
        self._table.delete(key("live", run))

    # --- the guard ---

    def guarded(self, run: str) -> dict[str, Any]:
        """What the guard remembers (guarding.look_after): {"positions", "waiting", "sighting"}."""
        item = self._table.get(key(f"{run}#sync", "guard"))
        return document_of(item) if item else {"positions": {}}

    def remember_guard(self, run: str, document: dict[str, Any]) -> None:
        self._table.put({**key(f"{run}#sync", "guard"), "doc": text(json.dumps(document))})

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
        """Marks source items whose copy is not to be trusted; fit to be run again.

        Marks add up: an item may stand under a destination key that only its first mark names.
        """
        for each in dirty:
            document = {"sourceKey": each.source_key, "reason": each.reason[:2000]}
            keys = _keys_of(each)
            self._table.update(
                _dirty_key(run, each),
                f"SET #doc = :doc ADD #marks :one{', #keys :keys' if keys else ''}",
                "",
                {":doc": text(json.dumps(document)), ":one": {"N": "1"}, **keys},
                names={"#doc": "doc", "#marks": "marks"} | ({"#keys": "keys"} if keys else {}),
            )

    def add_dirty_keys(self, run: str, dirty: Dirty) -> None:
        """Adds destination keys to a mark; it is not made again by that. Raises
        ConditionFailedError when there is none any more.
        """
        self._table.update(
            _dirty_key(run, dirty),
            "ADD #keys :keys",
            "attribute_exists(pk)",
            _keys_of(dirty),
            names={"#keys": "keys"},
        )

    def dirty(self, run: str) -> Iterator[Dirty]:
        """Every source item that was marked dirty and not repaired since."""
        for item in self._table.query(f"{run}#dirty"):
            document = document_of(item)
            keys = item.get("keys", {"SS": []})["SS"]
            yield Dirty(
                source_key=document["sourceKey"],
                destination_keys=tuple(json.loads(each) for each in sorted(keys)),
                reason=document["reason"],
                marks=int(item["marks"]["N"]),
            )

    def clear_dirty(self, run: str, dirty: Dirty) -> bool:
        """Removes a mark, unless it was made again since it was read; whether it is gone."""
        removal = {
            "Key": _dirty_key(run, dirty),
            "ConditionExpression": "marks = :marks",
            "ExpressionAttributeValues": {":marks": {"N": str(dirty.marks)}},
        }
        try:
            self._table.transact([{"Delete": removal}])
        except ConditionFailedError:
            return False
        return True


def document_of(item: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(item["doc"]["S"])
    return found


def _keys_of(dirty: Dirty) -> dict[str, Any]:
    """The destination keys as a value of an expression; DynamoDB has no empty set."""
    keys = {json.dumps(each, sort_keys=True) for each in dirty.destination_keys}
    return {":keys": {"SS": sorted(keys)}} if keys else {}


def _dirty_key(run: str, dirty: Dirty) -> dict[str, Any]:
    # A source key may be longer than a sort key may be (1,024 bytes).
    name = json.dumps(dirty.source_key, sort_keys=True).encode()
    return key(f"{run}#dirty", hashlib.blake2b(name, digest_size=20).hexdigest())
