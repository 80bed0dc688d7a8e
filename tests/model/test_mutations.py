"""Every rule of the protocol is needed: without it the model finds how data gets lost."""

import dataclasses

import pytest

from tests.model import results
from tests.model.exploring import explore
from tests.model.invariants import clean_up_comes_after_leases, nothing_forbidden_happened
from tests.model.mutations import LIMITS, MUTATIONS, NAIVE, Mutation
from tests.model.state import Phase
from tests.model.world import Rules

each_mutation = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)


@each_mutation
def test_mutation_has_a_counterexample(mutation: Mutation) -> None:
    example = results.of_mutation(mutation).counterexample
    assert example is not None, f"{mutation.name}: the model does not need this rule"
    print(f"{mutation.name}\n{example}")
    assert example.broken.endswith(mutation.ends_with), f"\n{example}"


@each_mutation
def test_it_is_the_left_out_rule_that_loses_data(mutation: Mutation) -> None:
    """With all rules in force the same surroundings are harmless; for the rest, see LIMITS."""
    if mutation.rules == Rules():
        assert mutation in LIMITS or mutation.scenario.keys_change_hands
    else:
        assert results.of_whole_protocol(mutation.scenario).counterexample is None


def test_every_rule_is_left_out_once() -> None:
    changed = {
        rule.name
        for mutation in MUTATIONS
        for rule in dataclasses.fields(Rules)
        if getattr(mutation.rules, rule.name) != getattr(Rules(), rule.name)
    }
    # Not a rule of the protocol, but what would make it stand more; see test_protocol.
    assert changed == {rule.name for rule in dataclasses.fields(Rules)} - {"shard_has_position"}


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        (
            "A worker believed dead writes after the clean-up",
            "deletes are plain while a copy lease lasts",
        ),
        (
            "The sweep begins while a batch that read the old phase is in flight",
            "the sweep began while a lease from before lasts",
        ),
    ],
)
def test_a_clean_up_before_the_end_of_a_lease_is_noticed(name: str, broken: str) -> None:
    mutation = next(each for each in NAIVE if each.name == name)
    example = explore(mutation.world, [clean_up_comes_after_leases]).counterexample
    assert example is not None
    assert example.broken == broken
    assert example.last.phase == Phase.SWEEPING


def test_a_write_after_synced_under_an_old_lease_is_noticed() -> None:
    mutation = next(each for each in NAIVE if "believed dead" in each.name)
    example = explore(mutation.world, [nothing_forbidden_happened]).counterexample
    assert example is not None
    assert example.broken == "a write after synced, under a lease from before the sweep"
