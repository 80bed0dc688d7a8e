"""What the model knows of a migration at one moment: tables, stream, ledger, who is at work.

States are compared and kept by the hundred thousand, so they are tuples of small numbers. What a
key holds, in either table, is a number: NOTHING, TOMBSTONE, or an image. An image is the write that
made it and the destination key that its transform gives: equal images are equal items. There is no
filter here: an item that the filter drops is, for the destination, an item that is not there.
"""

from typing import Any, NamedTuple

NOTHING = 0
TOMBSTONE = 1
# In place of the image that a copy worker holds.
UNREAD = 2
WRITTEN = 3
FIRST_IMAGE = 8
# In place of a destination key: the transform of this image fails.
POISON = 7


class Phase:
    """The phases of a live copy, in their order."""

    COPYING = 0
    CLOSING = 1
    SWEEPING = 2
    SYNCED = 3
    NAMES = ("copying", "closing", "sweeping", "synced")


def image(write: int, key: int) -> int:
    """The image that the n-th write put, with the destination key of its transform."""
    return write << 3 | key


def key_of(content: int) -> int:
    return content & 7


def is_item(content: int) -> bool:
    """Whether it is an image whose transform succeeds."""
    return content >= FIRST_IMAGE and content & 7 != POISON


def is_poison(content: int) -> bool:
    return content >= FIRST_IMAGE and content & 7 == POISON


class Record(NamedTuple):
    """One record of the source's stream, with both images."""

    source_key: int
    old: int
    new: int


class Worker(NamedTuple):
    """One invocation of the copy worker, with its lease.

    `held` is the image that it read and has not yet written, UNREAD before and WRITTEN after.
    `unanswered` are inserts whose answer it gave up waiting for: they may still arrive.
    """

    name: int
    page: int
    held: int
    is_holder: bool
    execution: int
    unanswered: tuple[int, ...] = ()
    is_over: bool = False


# In place of a page: the invocation ended and did not release its lease.
ENDED = -1

# Destination keys with what they shall hold.
Todo = tuple[tuple[int, int], ...]


class Batch(NamedTuple):
    """One invocation of the sync function, with the records `first` (included) to `last` (not).

    `lease` is the record that its lease is named by, NO_LEASE before it has one. `todo` is what it
    has still to write. `is_awaited` says that the event source waits for this invocation's answer,
    and has not given it up for dead.
    """

    first: int
    last: int
    phase: int
    lease: int = -1
    is_awaited: bool = True
    todo: Todo = ()
    unanswered: Todo = ()
    is_over: bool = False
    has_ended: bool = False

    @property
    def has_lease(self) -> bool:
        return self.lease != NO_LEASE


NO_LEASE = -1


class Shard(NamedTuple):
    """One shard of the source's stream.

    `position` is the record that the event source delivers next, `furthest` the last end of a batch
    that it delivered, `heard` the ends that it was ever answered (kept where it may go back to
    them). `finished` is the ledger's: from and to which record batches were applied.
    """

    records: tuple[Record, ...] = ()
    position: int = 0
    furthest: int = 0
    batches: tuple[Batch, ...] = ()
    finished: tuple[tuple[int, int], ...] = ()
    heard: tuple[int, ...] = ()


class Repair(NamedTuple):
    """One invocation that copies a dirty source key again, with its lease.

    `keys` are the destination keys still to be looked at, `seen` what was found at the first of
    them. `is_fresh` is false once the key was marked dirty again since this repair looked at the
    mark: it stands for the mark's version.
    """

    source_key: int
    phase: int
    step: int = 0
    seen_source: int = NOTHING
    keys: tuple[int, ...] = ()
    seen: int = NOTHING
    is_fresh: bool = True
    # Each: the destination key, what it must hold, what it shall hold.
    unanswered: tuple[tuple[int, int, int], ...] = ()
    is_over: bool = False


class State(NamedTuple):
    """Everything, at one moment.

    `dirty` has, for each source key, the marked destination keys as bits, and DIRTY among them.
    `clean_up` counts the clean-up's steps that were taken. `faults` counts lost answers and lost
    records. `breach` names what a step did that no step may do.
    """

    source: tuple[int, ...]
    destination: tuple[int, ...]
    shards: tuple[Shard, ...]
    dirty: tuple[int, ...]
    writes: int = 0
    phase: int = Phase.COPYING
    is_captured: bool = True
    checkpoint: int = 0
    workers: tuple[Worker, ...] = ()
    clean_up: int = 0
    repairs: tuple[Repair, ...] = ()
    owner: int = 1
    is_paused: bool = False
    is_given_up: bool = False
    faults: int = 0
    breach: str = ""


DIRTY = 1 << 8


def replaced(values: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    """The same tuple with another value at one place."""
    return (*values[:index], value, *values[index + 1 :])


def without(values: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    """The same tuple without that very value."""
    return tuple(each for each in values if each is not value)
