"""How long a run takes, phase after phase, and what holds it up.

The seconds of a phase are the most that one of its bounds asks for: reading the source, reading or
writing the destination at their capacities, the one partition that the hottest key lives in, or the
workers. A worker is taken to move 1,000 items a second (an assumption: it depends on the items). A
state costs a second, a Map two more, for functions start cold; a backup is looked at once a minute.
Where one machine does everything, as the embedded engine's, it is the bound instead of the workers,
and `tableferry local up` measures it (local/pace.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tableferry.estimates.capacities import PARTITION_WRITES, Capacities

ITEMS_PER_SECOND_OF_A_WORKER = 1_000
# A Map takes as much beside its segments as so many states.
STATES_OF_A_MAP = 2
# Step Functions begins so many children a second [SFN:service-quotas].
CHILDREN_PER_SECOND = 100


@dataclass(frozen=True, slots=True)
class Pace:
    """What the stack takes beside the tables: seconds of a state with a function and of a backup,
    and the items a second that one machine reads or writes where it does everything, else 0.
    """

    state_seconds: float = 1.0
    backup_seconds: float = 60.0
    machine_items: float = 0.0


@dataclass(frozen=True, slots=True)
class Phase:
    """One pass over a table or both: items and units, in so many segments by so many workers.

    `handled` counts an item that is read and written twice. `hottest` is the share of the writes
    that go to one partition key, `turn_states` how many states of a segment's own execution each
    invocation takes.
    """

    name: str
    items: float
    handled: float
    segments: int
    workers: int
    source_reads: float = 0.0
    destination_reads: float = 0.0
    writes: float = 0.0
    hottest: float = 0.0
    turn_states: int = 2


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each phase, and of the states around them; what bounds it, and what raises that.

    `bottleneck` is the bound that the phases spend most of their time with.
    """

    phases: Mapping[str, float]
    beside: float
    bottleneck: str
    raise_it: str

    @property
    def total(self) -> float:
        return sum(self.phases.values()) + self.beside


@dataclass(frozen=True, slots=True)
class _Bound:
    name: str
    seconds: float
    raise_it: str


def time_of(
    phases: Sequence[Phase], capacity: Capacities, pace: Pace, *, states: int, backups: int
) -> Times:
    """The times of phases that follow each other; there is at least one."""
    spent: dict[str, float] = {}
    bounds: dict[str, _Bound] = {}
    seconds: dict[str, float] = {}
    for phase in phases:
        bound = max(_bounds(phase, capacity, pace), key=lambda each: each.seconds)
        bounds[bound.name] = bound
        spent[bound.name] = spent.get(bound.name, 0.0) + bound.seconds
        seconds[phase.name] = bound.seconds + phase.segments / CHILDREN_PER_SECOND
    worst = bounds[max(spent, key=lambda name: spent[name])]
    entered = states + len(phases) * STATES_OF_A_MAP
    beside = entered * pace.state_seconds + backups * pace.backup_seconds
    return Times(seconds, beside, worst.name, worst.raise_it)


def _bounds(phase: Phase, capacity: Capacities, pace: Pace) -> list[_Bound]:
    reads, others, writes = (
        capacity.source_reads,
        capacity.destination_reads,
        capacity.destination_writes,
    )
    hot = phase.writes * phase.hottest
    return [
        _Bound(
            f"writing the destination, {writes.units:,.0f} write units a second",
            phase.writes / writes.units,
            writes.raise_it,
        ),
        _Bound(
            f"reading the source, {reads.units:,.0f} read units a second",
            phase.source_reads / reads.units,
            reads.raise_it,
        ),
        _Bound(
            f"reading the destination, {others.units:,.0f} read units a second",
            phase.destination_reads / others.units,
            others.raise_it,
        ),
        _Bound(
            f"one hot partition key of the destination, {PARTITION_WRITES:,} write units a second",
            hot / PARTITION_WRITES,
            "nothing does: spread the key",
        ),
        _work(phase, pace),
    ]


def _work(phase: Phase, pace: Pace) -> _Bound:
    """What the workers' own processors allow."""
    if pace.machine_items:
        return _Bound(
            f"this machine, {pace.machine_items:,.0f} items read or written a second",
            phase.handled / pace.machine_items,
            "nothing does but a quieter or faster machine; on AWS each worker has its own",
        )
    return _Bound(
        f"{phase.workers:,} workers at once",
        phase.items / (phase.workers * ITEMS_PER_SECOND_OF_A_WORKER),
        "raise limits.maxConcurrency, and segments where you set them",
    )
