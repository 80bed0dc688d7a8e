"""What a run of the model explores: a scenario, and the rules of the protocol that hold in it."""

from dataclasses import dataclass, field

from tests.model.state import NOTHING, Phase, Shard, State, image, is_item, key_of


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the surroundings may do, and how often.

    `sources` has the destination key of each source item at the start, None where there is none.
    """

    sources: tuple[int | None, ...] = (0,)
    writes: int = 2
    # Destination keys that one source item may move between.
    keys: int = 1
    # Both source items may map to the same destination keys: what section 5, point 2 refuses.
    keys_change_hands: bool = False
    # Two items may be changed at once by TransactWriteItems.
    swaps: bool = False
    shards: int = 1
    # Invocations at once: of the copy worker; of the sync function, for one shard.
    workers: int = 1
    invocations: int = 1
    records_per_batch: int = 2
    # A batch may fail in the middle and report its first failure.
    partial_failures: bool = False
    # The event source may give up for dead an invocation that has no lease yet. A batch that comes
    # again may end before it ended the first time. Records may come again, also while later ones
    # are under way, from where a batch began or ended; or from anywhere. A mapping may be made
    # anew, and begin at an earlier record.
    late_starters: bool = False
    shrinks: bool = False
    repeats: bool = False
    repeats_inside: bool = False
    new_mapping: bool = False
    # Writes that change what is there; that delete; of an item whose transform fails; of what the
    # item was before.
    updates: bool = True
    deletes: bool = True
    poison: bool = False
    old_images: bool = False
    # How many answers or records may get lost, and whose answers.
    faults: int = 0
    lost_answers: tuple[str, ...] = ()
    lost_records: bool = False
    # Where it starts: before the stream captures; or when everything is copied and clean.
    before_capture: bool = False
    after_copy: bool = False
    # What operators do.
    pauses: bool = False
    take_over: bool = False
    gives_up: bool = False

    @property
    def destination_keys(self) -> int:
        return self.keys if self.keys_change_hands else self.keys * len(self.sources)

    def keys_of(self, source_key: int) -> range:
        """The destination keys that an item of this source key can map to."""
        first = 0 if self.keys_change_hands else source_key * self.keys
        return range(first, first + self.keys)

    def shard_of(self, source_key: int) -> int:
        return source_key % self.shards


CLEAN_UP = ("close", "see copy leases over", "begin sweep", "see older leases over")


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol. A mutation leaves one of them out."""

    capture_comes_first: bool = True
    copy_never_overwrites: bool = True
    deletes_leave_tombstones: bool = True
    # What comes before the sweep, in order.
    clean_up: tuple[str, ...] = CLEAN_UP
    # Leases.
    lease_counts_on_phase: bool = True
    lease_counts_on_owner: bool = True
    lease_lasts_for_requests_in_flight: bool = True
    unanswered_keeps_lease: bool = True
    # Sync.
    every_mentioned_key_counts: bool = True
    sync_handles_poison: bool = True
    redelivery_waits: bool = True
    finished_stays_finished: bool = True
    finished_is_cut: bool = True
    new_mapping_waits: bool = True
    # A stronger protocol, for an event source that names the shard: each has one lease and one
    # position.
    shard_has_position: bool = False
    # Copy.
    checkpoint_comes_last: bool = True
    checkpoint_needs_hold: bool = True
    # Repair.
    repair_compares_and_sets: bool = True
    repair_leaves_tombstones: bool = True
    repair_works_alone: bool = True
    repair_marks_first: bool = True
    repair_reads_again: bool = True
    marks_add_up: bool = True
    mark_has_version: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """A scenario and the rules that hold in it."""

    scenario: Scenario
    rules: Rules = field(default_factory=Rules)

    def start(self) -> State:
        sources = tuple(NOTHING if key is None else image(1, key) for key in self.scenario.sources)
        state = State(
            source=sources,
            destination=(NOTHING,) * self.scenario.destination_keys,
            shards=(Shard(),) * self.scenario.shards,
            dirty=(0,) * len(sources),
            is_captured=not self.scenario.before_capture,
        )
        if not self.scenario.after_copy:
            return state
        keys = range(self.scenario.destination_keys)
        return state._replace(
            phase=Phase.SYNCED,
            checkpoint=len(sources),
            clean_up=len(self.rules.clean_up) + len(keys) + 1,
            destination=tuple(wanted(state, self, key) for key in keys),
        )


def wanted(state: State, world: World, key: int) -> int:
    """What the destination should hold at this key: the transformed source item, or nothing."""
    for source_key, content in enumerate(state.source):
        is_its_key = key in world.scenario.keys_of(source_key)
        if is_its_key and is_item(content) and key_of(content) == key:
            return content
    return NOTHING


def leaves_tombstones(phase: int) -> bool:
    """Whether a delete that counts on this phase leaves a tombstone."""
    return phase < Phase.SWEEPING
