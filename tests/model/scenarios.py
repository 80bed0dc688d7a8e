"""The surroundings in which the whole protocol is explored; none of them may have a counterexample.

Everything at once is more than can be explored, so each scenario combines what may interfere. The
LARGE ones take some ten minutes of processor time.
"""

from tests.model.world import Scenario

ALL = ("copy", "sync", "repair")

SCENARIOS = {
    # Copy and sync, from the first scan to synced.
    "one write, everybody twice": Scenario(writes=1, invocations=2, workers=2, late_starters=True),
    "two writes, two copy workers": Scenario(writes=2, workers=2),
    "two writes, sync delivered again": Scenario(writes=2, invocations=2, late_starters=True),
    "four writes": Scenario(writes=4),
    "key moves": Scenario(writes=2, keys=2),
    "two items, one shard": Scenario(sources=(0, 1), writes=2),
    "two items, two shards": Scenario(sources=(0, 1), shards=2, writes=1, invocations=2),
    "two items, two copy workers": Scenario(sources=(0, 1), writes=1, workers=2),
    "writes before the capture": Scenario(writes=2, before_capture=True),
    "pauses, and a take-over": Scenario(writes=1, workers=2, pauses=True, take_over=True),
    "given up": Scenario(writes=2, gives_up=True),
    "lost answers": Scenario(writes=2, faults=1, lost_answers=ALL),
    "lost records while copying": Scenario(writes=2, faults=1, lost_records=True),
    "poison while copying": Scenario(writes=1, workers=2, poison=True),
    # Sync alone, with everything copied.
    "sync: four writes": Scenario(
        writes=4,
        invocations=2,
        after_copy=True,
        late_starters=True,
        records_per_batch=3,
        partial_failures=True,
    ),
    "sync: batches cut in another way": Scenario(
        writes=3,
        invocations=2,
        after_copy=True,
        late_starters=True,
        records_per_batch=3,
        shrinks=True,
    ),
    "sync: two that deliver": Scenario(
        writes=3,
        deletes=False,
        invocations=2,
        after_copy=True,
        late_starters=True,
        records_per_batch=2,
        shrinks=True,
        repeats=True,
    ),
    "sync: two items": Scenario(
        sources=(0, 1),
        writes=2,
        invocations=2,
        after_copy=True,
        late_starters=True,
        partial_failures=True,
    ),
    "sync: a new mapping": Scenario(
        writes=3, invocations=2, after_copy=True, late_starters=True, new_mapping=True
    ),
    "sync: two lost answers": Scenario(
        writes=3, invocations=2, after_copy=True, late_starters=True, faults=2, lost_answers=ALL
    ),
    # Repair, with everything copied.
    "repair: key moves": Scenario(writes=3, keys=2, after_copy=True, faults=1, lost_records=True),
    "repair: an item becomes what it was": Scenario(
        writes=3,
        after_copy=True,
        faults=2,
        lost_records=True,
        lost_answers=ALL,
        old_images=True,
    ),
    "repair: poison": Scenario(writes=2, after_copy=True, poison=True, faults=1, lost_records=True),
}

LARGE = {
    "two writes, everybody twice": Scenario(writes=2, invocations=2, workers=2, late_starters=True),
    "three writes, everybody twice": Scenario(
        writes=3, invocations=2, workers=2, late_starters=True
    ),
    "four writes, everybody twice": Scenario(writes=4, invocations=2, workers=2),
    "key moves, everybody twice": Scenario(
        writes=2, invocations=2, workers=2, keys=2, late_starters=True
    ),
    "three key moves, two copy workers": Scenario(writes=3, workers=2, keys=2),
    "two items, one shard, everybody twice": Scenario(
        sources=(0, 1), writes=2, invocations=2, workers=2
    ),
    "two items, two shards, two writes": Scenario(
        sources=(0, 1), shards=2, writes=2, invocations=2
    ),
    "two items, three writes": Scenario(sources=(0, 1), writes=3, workers=2),
    "pauses and a take-over, two writes": Scenario(
        writes=2, invocations=2, workers=2, pauses=True, take_over=True
    ),
    "given up, everybody twice": Scenario(writes=2, invocations=2, workers=2, gives_up=True),
    "two lost answers, everybody twice": Scenario(
        writes=1, invocations=2, workers=2, faults=2, lost_answers=ALL
    ),
    "lost answers, two writes": Scenario(
        writes=2, invocations=2, workers=2, faults=1, lost_answers=ALL
    ),
    "lost records while copying, key moves": Scenario(
        writes=2, keys=2, faults=1, lost_records=True
    ),
    "lost records and answers while copying": Scenario(
        writes=2, workers=2, faults=2, lost_records=True, lost_answers=ALL
    ),
    "two writes, poison while copying": Scenario(writes=2, workers=2, poison=True),
    "two writes, batches cut in another way": Scenario(
        writes=2, invocations=3, late_starters=True, shrinks=True, repeats=True
    ),
    "sync: four writes, two that deliver": Scenario(
        writes=4,
        after_copy=True,
        late_starters=True,
        invocations=3,
        records_per_batch=3,
        shrinks=True,
        repeats=True,
        faults=1,
        lost_answers=("sync",),
    ),
    "sync: four writes, three invocations": Scenario(
        writes=4,
        after_copy=True,
        late_starters=True,
        invocations=3,
        records_per_batch=4,
        partial_failures=True,
    ),
    "sync: two items, four writes": Scenario(
        sources=(0, 1),
        writes=4,
        invocations=2,
        after_copy=True,
        late_starters=True,
        partial_failures=True,
    ),
    "repair: poison, key moves": Scenario(
        writes=3,
        keys=2,
        after_copy=True,
        poison=True,
        faults=2,
        lost_records=True,
        lost_answers=ALL,
    ),
    "repair: poison, an item becomes what it was": Scenario(
        writes=3,
        after_copy=True,
        poison=True,
        old_images=True,
        faults=2,
        lost_records=True,
        lost_answers=ALL,
    ),
}
