"""A Map's child may wait for days: how long each time, and what that costs of its history."""

import json
from typing import Any

import pytest

from tableferry.segments.turns import HIBERNATION_SECONDS, MOST_TURNS
from tests.structure import project

HISTORY_EVENTS = 25_000  # [SFN:service-quotas]
# Entered and exited; a Task is scheduled, started and succeeds beside.
EVENTS = {"Task": 5, "Choice": 2, "Wait": 2, "Pass": 2}
FOR_RETRIES_AND_REDRIVES = 2_500

MACHINE = json.loads((project.ROOT / "statemachine" / "migrate.asl.json").read_text())
CHILDREN = {
    name: fields["ItemProcessor"]
    for name, fields in MACHINE["States"].items()
    if fields["Type"] == "Map"
}
# Comparing reads objects, and no table that an application could need.
ON_TABLES = sorted(CHILDREN.keys() - {"CompareContents"})


@pytest.mark.parametrize("name", ON_TABLES)
def test_every_worker_on_a_table_can_leave_it_to_applications(name: str) -> None:
    waits = [state for state in _states(name).values() if state["Type"] == "Wait"]
    assert [wait["Seconds"] for wait in waits] == [HIBERNATION_SECONDS]
    assert HIBERNATION_SECONDS >= 300


@pytest.mark.parametrize("name", ON_TABLES)
def test_a_run_pauses_itself_before_the_history_of_a_child_is_full(name: str) -> None:
    turn = sum(EVENTS[_states(name)[state]["Type"]] for state in _longest_turn(name))
    assert MOST_TURNS * turn + FOR_RETRIES_AND_REDRIVES <= HISTORY_EVENTS


def _states(name: str) -> dict[str, Any]:
    states: dict[str, Any] = CHILDREN[name]["States"]
    return states


def _longest_turn(name: str) -> list[str]:
    """The states of the longest way from the child's first state back to it."""
    first = CHILDREN[name]["StartAt"]
    found: list[list[str]] = []
    ways = [[first]]
    while ways:
        way = ways.pop()
        state = _states(name)[way[-1]]
        choices = [*state.get("Choices", []), state]
        for following in {choice.get(key) for choice in choices for key in ("Next", "Default")}:
            if following == first:
                found.append(way)
            elif following is not None and following not in way:
                ways.append([*way, following])
    return max(found, key=len)
