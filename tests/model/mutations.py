"""Protocols that lose data: each leaves out one rule, or lets in what a rule keeps out.

Each has the smallest surroundings in which that shows.
"""

from dataclasses import dataclass, field

from tests.model.world import CLEAN_UP, Rules, Scenario, World


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is left out, why it loses data, and what the counterexample must end with."""

    name: str
    why: str
    scenario: Scenario
    ends_with: str
    rules: Rules = field(default_factory=Rules)

    @property
    def world(self) -> World:
        return World(self.scenario, self.rules)


def without(step: str) -> tuple[str, ...]:
    """The clean-up without one of its steps."""
    return tuple(each for each in CLEAN_UP if each != step)


CHECKPOINT_WENT_BACK = "a checkpoint went back"
LOST_EXECUTION = "a lease for an execution that lost the migration"
DELETED_IS_BACK = "key 0 holds v1, and should hold nothing"
OLD_IS_BACK = "key 0 holds v2, and should hold v3"

# The lines of the table in section 5, in its order.
NAIVE = (
    Mutation(
        "Plain puts while sync runs",
        "The worker writes what it read over what came later.",
        Scenario(writes=1, deletes=False),
        "key 0 holds v1, and should hold v2",
        Rules(copy_never_overwrites=False),
    ),
    Mutation(
        "Insert-if-absent, no tombstones",
        "Absent may mean deleted.",
        Scenario(writes=1),
        DELETED_IS_BACK,
        Rules(deletes_leave_tombstones=False),
    ),
    Mutation(
        "A worker believed dead writes after the clean-up",
        "Nobody waits for its lease; when it wakes, the tombstone is gone.",
        Scenario(writes=1, workers=2),
        DELETED_IS_BACK,
        Rules(clean_up=without("see copy leases over")),
    ),
    Mutation(
        "Deletes become plain, then the clean-up waits for workers",
        "A worker holds a stale read while a delete leaves nothing.",
        Scenario(writes=1, workers=2),
        DELETED_IS_BACK,
        Rules(clean_up=("begin sweep", "see copy leases over", "see older leases over")),
    ),
    Mutation(
        "The clean-up waits for workers, then deletes become plain",
        "A worker that comes late gets a lease in between.",
        Scenario(writes=1),
        DELETED_IS_BACK,
        Rules(clean_up=without("close")),
    ),
    Mutation(
        "The sweep begins while a batch that read the old phase is in flight",
        "Its tombstone comes after the sweep and stays for ever.",
        Scenario(writes=1),
        "a tombstone stays at key 0",
        Rules(clean_up=without("see older leases over")),
    ),
    Mutation(
        "A destination key passes from one source item to another",
        "Two shards have no common order: b's put comes first, a's delete removes it.",
        Scenario(sources=(0, None), writes=2, shards=2, keys_change_hands=True),
        "key 0 holds nothing, and should hold v3",
    ),
    Mutation(
        "Two source items swap their destination keys",
        "The same, and nobody deleted anything.",
        Scenario(
            sources=(0, 1),
            writes=1,
            keys=2,
            shards=2,
            keys_change_hands=True,
            swaps=True,
            deletes=False,
        ),
        "holds nothing, and should hold v2",
    ),
    Mutation(
        "The net effect instead of each step",
        "The item passed through key 0, which is not mentioned any more and gets no tombstone.",
        Scenario(sources=(None,), writes=2, keys=2, deletes=False),
        "key 0 holds v2, and should hold nothing",
        Rules(every_mentioned_key_counts=False),
    ),
    Mutation(
        "A poison record is left to the event source's retries",
        "When they end, the rest of the batch goes with it: healthy records, which nobody marks.",
        Scenario(sources=(0, 1), writes=2, after_copy=True, poison=True),
        "key 1 holds v1, and should hold v3",
        Rules(sync_handles_poison=False),
    ),
    Mutation(
        "A dirty key is copied again by insert-if-absent",
        "The older version stays, and the key counts as clean.",
        Scenario(writes=1, after_copy=True, faults=1, lost_records=True),
        "key 0 holds v1, and should hold v2",
        Rules(repair_compares_and_sets=False),
    ),
    Mutation(
        "A dirty key is copied again by insert-if-absent, after the clean-up",
        "What was deleted after the read comes back.",
        Scenario(
            sources=(None,), writes=2, updates=False, after_copy=True, faults=1, lost_records=True
        ),
        "key 0 holds v2, and should hold nothing",
        Rules(repair_compares_and_sets=False, repair_reads_again=False),
    ),
)

# What else the protocol rests on.
RULES = (
    Mutation(
        "The scan comes before the capture",
        "A change between the two is in neither.",
        Scenario(writes=1, deletes=False, before_capture=True),
        "key 0 holds v1, and should hold v2",
        Rules(capture_comes_first=False),
    ),
    Mutation(
        "The checkpoint comes before the write",
        "A worker that dies between the two has vouched for what is not there.",
        Scenario(writes=0),
        "key 0 holds nothing, and should hold v1",
        Rules(checkpoint_comes_last=False),
    ),
    Mutation(
        "A checkpoint by a worker that lost its segment",
        "It takes back the progress of the one that replaced it.",
        Scenario(sources=(0, 1), writes=0, workers=2),
        CHECKPOINT_WENT_BACK,
        Rules(checkpoint_needs_hold=False),
    ),
    Mutation(
        "A lease for an execution that lost the migration",
        "Two executions work on one migration.",
        Scenario(writes=0, take_over=True),
        LOST_EXECUTION,
        Rules(lease_counts_on_owner=False),
    ),
    Mutation(
        "The lease is not taken together with the phase",
        "The phase changes between its read and the lease.",
        Scenario(writes=1),
        "a tombstone stays at key 0",
        Rules(lease_counts_on_phase=False),
    ),
    Mutation(
        "A lease is over at its deadline",
        "A request that was signed before it, or a worker that wakes after it, still writes.",
        Scenario(writes=1),
        "a tombstone stays at key 0",
        Rules(lease_lasts_for_requests_in_flight=False),
    ),
    Mutation(
        "Copy releases its lease with a request unanswered",
        "The second attempt was answered, the first one is still on its way.",
        Scenario(writes=1, faults=1, lost_answers=("copy",)),
        DELETED_IS_BACK,
        Rules(unanswered_keeps_lease=False),
    ),
    Mutation(
        "Sync finishes a batch with a request unanswered",
        "The first attempt arrives after a later batch.",
        Scenario(writes=2, after_copy=True, deletes=False, faults=1, lost_answers=("sync",)),
        OLD_IS_BACK,
        Rules(unanswered_keeps_lease=False),
    ),
    Mutation(
        "A redelivered batch does not wait for its predecessor's lease",
        "The predecessor goes on after its successors.",
        Scenario(writes=2, after_copy=True, deletes=False, invocations=2),
        OLD_IS_BACK,
        Rules(redelivery_waits=False),
    ),
    Mutation(
        "Nobody remembers which batches are finished",
        "An invocation that was given up for dead before it had a lease finds the lease free.",
        Scenario(writes=2, after_copy=True, deletes=False, invocations=2, late_starters=True),
        OLD_IS_BACK,
        Rules(finished_stays_finished=False),
    ),
    Mutation(
        "What is left of a finished batch is not remembered",
        "Twice nobody hears that a batch is finished, and the third delivery is shorter. The next "
        "one begins inside of a finished batch, which only its ends would tell.",
        Scenario(
            writes=3,
            after_copy=True,
            deletes=False,
            invocations=2,
            records_per_batch=3,
            shrinks=True,
        ),
        "key 0 holds v3, and should hold v4",
        Rules(finished_is_cut=False),
    ),
    Mutation(
        "A new mapping does not wait for the old one's invocations",
        "It begins elsewhere, so its leases have other names.",
        Scenario(writes=2, after_copy=True, deletes=False, invocations=2, new_mapping=True),
        OLD_IS_BACK,
        Rules(new_mapping_waits=False),
    ),
    Mutation(
        "A repair while copying leaves no tombstone",
        "The key is empty on both sides and counts as clean; a worker inserts its stale read.",
        Scenario(writes=1, faults=1, lost_records=True),
        DELETED_IS_BACK,
        Rules(repair_leaves_tombstones=False),
    ),
    Mutation(
        "Two repairs of one key",
        "One of them marks clean what the other one then writes.",
        Scenario(writes=2, after_copy=True, deletes=False, faults=1, lost_records=True),
        OLD_IS_BACK,
        Rules(repair_works_alone=False),
    ),
    Mutation(
        "A repair does not read the source again",
        "The source moved on while it wrote, and sync had applied that already.",
        Scenario(writes=2, after_copy=True, deletes=False, faults=1, lost_records=True),
        OLD_IS_BACK,
        Rules(repair_reads_again=False),
    ),
    Mutation(
        "A repair ends with a request unanswered, and vouches for the key",
        "The attempt arrives after the key was marked clean.",
        Scenario(
            writes=2,
            after_copy=True,
            deletes=False,
            faults=2,
            lost_records=True,
            lost_answers=("repair",),
        ),
        OLD_IS_BACK,
        Rules(unanswered_keeps_lease=False),
    ),
    Mutation(
        "A repair writes at a key that the mark does not name",
        "When the item has moved on, nobody looks at that key again.",
        Scenario(writes=3, keys=2, after_copy=True, faults=1, lost_records=True),
        "holds v3, and should hold nothing",
        Rules(repair_marks_first=False),
    ),
    Mutation(
        "A mark is removed though the key was marked again",
        "The second loss is forgotten with the first one.",
        Scenario(sources=(None,), writes=2, after_copy=True, faults=2, lost_records=True),
        OLD_IS_BACK,
        Rules(mark_has_version=False),
    ),
    Mutation(
        "A second mark replaces the first one",
        "The destination keys of the first one are forgotten.",
        Scenario(writes=2, keys=2, after_copy=True, faults=2, lost_records=True),
        "key 0 holds v1, and should hold nothing",
        Rules(marks_add_up=False),
    ),
)

# What the protocol does not stand, with every rule in force.
LIMITS = (
    Mutation(
        "Records from the middle of a finished batch come once more, alone",
        "Only a record at which a batch began or ended tells that it is finished.",
        Scenario(
            writes=3, after_copy=True, deletes=False, records_per_batch=3, repeats_inside=True
        ),
        "key 0 holds v3, and should hold v4",
    ),
)

MUTATIONS = (*NAIVE, *RULES, *LIMITS)
