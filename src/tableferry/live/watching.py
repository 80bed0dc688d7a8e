"""The watch list: which candidates of verification sync is busy with.

Two equal readings do not prove that a key stood still: it may have gone from A to B and back
(A → B → A) with a record under way. So a candidate is judged only when no record of it was applied
since it was watched, and none waits in the stream.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from tableferry.live.applying import target_of
from tableferry.live.changes import Change
from tableferry.live.syncing import Destination
from tableferry.verification.fingerprints import key_hash

# In the record of a run that only verifies: the migration that synchronises its source meanwhile.
SYNCHRONISED_BY = "synchronisedBy"


class WatchLog(Protocol):
    """The ledger's watched keys (aws/sync_log.py)."""

    def watch(self, run: str, key_hashes: Collection[bytes]) -> None: ...

    def touched(self, run: str) -> set[bytes]: ...


@dataclass(frozen=True, slots=True)
class StreamWatch:
    """The watch list of a live migration (candidates.WatchList).

    `waiting` reads the stream from the last applied record on and gives the changes that wait.
    """

    run: str
    log: WatchLog
    destination: Destination
    waiting: Callable[[], Collection[Change]]

    def watch(self, key_hashes: Collection[bytes], /) -> None:
        if key_hashes:
            self.log.watch(self.run, key_hashes)

    def restless(self, key_hashes: Collection[bytes], /) -> Collection[bytes]:
        asked = set(key_hashes)
        waiting = {
            each for change in self.waiting() for each in mentioned(change, self.destination)
        }
        return asked & (self.log.touched(self.run) | waiting)


def mentioned(change: Change, destination: Destination) -> set[bytes]:
    """The hashes of the destination keys that a change is about."""
    items = [
        target_of(image, destination.transform, destination.rules).item
        for image in (change.old, change.new)
    ]
    return {key_hash(item, destination.rules.primary) for item in items if item is not None}
