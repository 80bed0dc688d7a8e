"""What the model finds, explored once for all who ask."""

from collections.abc import Sequence
from functools import cache

from tests.model.exploring import Explored, explore
from tests.model.invariants import RESULTS, Invariant, nothing_forbidden_happened
from tests.model.mutations import CHECKPOINT_WENT_BACK, LOST_EXECUTION, Mutation
from tests.model.world import Scenario, World


@cache
def of_whole_protocol(scenario: Scenario) -> Explored:
    """The protocol with all its rules."""
    return explore(World(scenario))


@cache
def of_mutation(mutation: Mutation) -> Explored:
    """The protocol without one rule, up to its counterexample."""
    return explore(mutation.world, _shown_by(mutation))


def _shown_by(mutation: Mutation) -> Sequence[Invariant]:
    """What a user would find in the tables; if nothing, the step that must never be taken."""
    if mutation.ends_with in (CHECKPOINT_WENT_BACK, LOST_EXECUTION):
        return [nothing_forbidden_happened]
    return RESULTS
