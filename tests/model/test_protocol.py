"""The protocol of design section 5, in every interleaving of its steps: nothing is lost.

And without any one of its rules something is. `TABLEFERRY_LARGE_MODEL=1` explores the large
scenarios too. All of it is one file: what was explored is shared, and tests are dealt out by file.
"""

import dataclasses
import os

import pytest

from tests.model import results
from tests.model.document import DOCUMENT, PARTS, with_findings
from tests.model.exploring import STEPS, explore
from tests.model.finishing import states_without_an_end
from tests.model.invariants import clean_up_comes_after_leases, nothing_forbidden_happened
from tests.model.mutations import MUTATIONS, NAIVE, Mutation
from tests.model.scenarios import ALL, LARGE, SCENARIOS
from tests.model.state import Phase
from tests.model.trace import show_state
from tests.model.world import Rules, Scenario, World

# Only a protocol without its rule about poison takes this step.
NOT_IN_THE_PROTOCOL = {"drop_rest_of_batch"}
# Only keys that may change hands need it.
REFUSED_BY_THE_SPEC = {"swap"}
# Only an event source that does what the protocol does not stand.
BEYOND_THE_PROTOCOL = {"repeat_inside"}

large = pytest.mark.skipif(
    "TABLEFERRY_LARGE_MODEL" not in os.environ, reason="TABLEFERRY_LARGE_MODEL is not set"
)
each_mutation = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)


@pytest.mark.parametrize("name", SCENARIOS)
def test_protocol_has_no_counterexample(name: str) -> None:
    result = results.of_whole_protocol(SCENARIOS[name])
    assert result.counterexample is None, f"\n{result.counterexample}"
    assert result.final_states > 0


@large
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", LARGE)
def test_protocol_has_no_counterexample_in_large(name: str) -> None:
    result = explore(World(LARGE[name]), saves_memory=True)
    assert result.counterexample is None, result.counterexample.broken
    print(f"{name}: {result.states} states, {result.seconds:.0f} s")


def test_every_step_of_the_protocol_is_taken_somewhere() -> None:
    taken = set().union(
        *(results.of_whole_protocol(each).steps_taken for each in SCENARIOS.values())
    )
    known = {step.__name__ for step in STEPS}
    assert known - taken == NOT_IN_THE_PROTOCOL | REFUSED_BY_THE_SPEC | BEYOND_THE_PROTOCOL


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(
            Scenario(writes=1, workers=2, gives_up=True, pauses=True, take_over=True), id="copy"
        ),
        pytest.param(
            Scenario(writes=1, invocations=2, faults=1, lost_answers=ALL), id="lost answers"
        ),
        pytest.param(
            Scenario(
                writes=2,
                after_copy=True,
                faults=2,
                lost_records=True,
                lost_answers=ALL,
            ),
            id="repair",
        ),
    ],
)
def test_protocol_can_always_come_to_its_end(scenario: Scenario) -> None:
    without_an_end, explored_states = states_without_an_end(World(scenario))
    assert not without_an_end, show_state(without_an_end[0])
    assert explored_states > 1000


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(writes=2, invocations=2),
        Scenario(writes=4, invocations=2, after_copy=True, records_per_batch=3, shrinks=True),
    ],
    ids=["while copying", "after it"],
)
def test_remembering_what_is_finished_matters_for_late_starters_only(scenario: Scenario) -> None:
    """Section 5 names leases by first numbers and remembers nothing: enough as long as no
    invocation comes to take its lease after its batch was delivered again.
    """
    result = explore(World(scenario, Rules(finished_stays_finished=False)))
    assert result.counterexample is None, f"\n{result.counterexample}"


def test_a_position_for_each_shard_would_stand_whatever_the_event_source_does() -> None:
    scenario = Scenario(
        writes=3,
        invocations=2,
        after_copy=True,
        records_per_batch=3,
        late_starters=True,
        shrinks=True,
        repeats_inside=True,
        new_mapping=True,
    )
    result = explore(World(scenario, Rules(shard_has_position=True)))
    assert result.counterexample is None, f"\n{result.counterexample}"


# --- without one of the rules ---


@each_mutation
def test_mutation_has_a_counterexample(mutation: Mutation) -> None:
    example = results.of_mutation(mutation).counterexample
    assert example is not None, f"{mutation.name}: the model does not need this rule"
    print(f"{mutation.name}\n{example}")
    assert example.broken.endswith(mutation.ends_with), f"\n{example}"


@each_mutation
def test_it_is_the_left_out_rule_that_loses_data(mutation: Mutation) -> None:
    """With all rules in force, and nothing that the protocol does not stand, nothing is lost."""
    scenario = mutation.scenario
    keys_of_their_own = tuple(
        None if key is None else number * scenario.keys
        for number, key in enumerate(scenario.sources)
    )
    harmless = dataclasses.replace(
        scenario,
        sources=keys_of_their_own,
        keys_change_hands=False,
        swaps=False,
        repeats_inside=False,
    )
    assert results.of_whole_protocol(harmless).counterexample is None


def test_every_rule_is_left_out_once() -> None:
    changed = {
        rule.name
        for mutation in MUTATIONS
        for rule in dataclasses.fields(Rules)
        if getattr(mutation.rules, rule.name) != getattr(Rules(), rule.name)
    }
    # Not a rule of the protocol, but what would make it stand more.
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


# --- the document ---


def test_document_shows_what_the_model_finds() -> None:
    text = DOCUMENT.read_text()
    assert {part[1] for part in PARTS.findall(text)} == {"scenarios", "naive", "rules", "limits"}
    assert with_findings(text) == text, "run: .venv/bin/python -m tests.model.document"
