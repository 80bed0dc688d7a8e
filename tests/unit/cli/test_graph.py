"""The state graph as the history leaves it."""

from typing import Any

import pytest

from tableferry.aws.executions import HistoryEvent
from tableferry.runs.graph import Graph, StateStatus
from tests.unit.cli.fake_stack import DEFINITION, entered, left

SMALL: dict[str, Any] = {
    "States": {
        "Look": {"Type": "Task", "Next": "Ready?"},
        "Ready?": {
            "Type": "Choice",
            "Choices": [{"Condition": "…", "Next": "Work"}],
            "Default": "WaitAWhile",
        },
        "WaitAWhile": {"Type": "Wait", "Comment": "It takes minutes.", "Next": "Look"},
        "Work": {"Type": "Map", "End": True},
        "Elsewhere": {"Type": "Task", "End": True},
    }
}


def graph(*events: HistoryEvent, now: float = 100.0) -> Graph:
    return Graph.of(SMALL, [HistoryEvent("ExecutionStarted", 0.0), *events], now)


def statuses(found: Graph) -> dict[str, str]:
    return {name: str(state.status) for name, state in found.states.items()}


def test_before_the_first_state_everything_is_ahead() -> None:
    assert set(statuses(graph()).values()) == {"AHEAD"}
    assert graph().current is None


def test_running_state_counts_its_time_up_to_now() -> None:
    found = graph(entered("Look", 90.0))
    assert found.current is found.states["Look"]
    assert found.states["Look"].status is StateStatus.RUNNING
    assert found.states["Look"].seconds == 10.0


def test_what_can_not_be_reached_any_more_is_skipped() -> None:
    found = graph(entered("Look", 1.0))
    assert statuses(found)["Elsewhere"] == "SKIPPED"
    assert statuses(found)["WaitAWhile"] == "AHEAD"
    past = graph(
        entered("Look", 1.0),
        left("Look", 2.0),
        entered("Ready?", 2.0, "Choice"),
        left("Ready?", 2.0, "Choice"),
        entered("Work", 2.0, "Map"),
    )
    assert statuses(past)["WaitAWhile"] == "SKIPPED"


def test_state_that_is_entered_again_adds_up() -> None:
    found = graph(
        entered("Look", 1.0),
        left("Look", 2.0),
        entered("Ready?", 2.0, "Choice"),
        left("Ready?", 2.0, "Choice"),
        entered("WaitAWhile", 2.0, "Wait"),
        left("WaitAWhile", 62.0, "Wait"),
        entered("Look", 62.0),
        left("Look", 64.5),
    )
    assert found.states["Look"].entered == 2
    assert found.states["Look"].seconds == pytest.approx(3.5)
    assert statuses(found)["WaitAWhile"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("ExecutionFailed", "FAILED"),
        ("ExecutionAborted", "ABORTED"),
        ("ExecutionTimedOut", "TIMED_OUT"),
    ],
)
def test_execution_that_ends_badly_ends_in_its_state(event: str, status: str) -> None:
    found = graph(entered("Look", 1.0), HistoryEvent(event, 4.0))
    assert statuses(found)["Look"] == status
    assert found.states["Look"].seconds == 3.0
    assert statuses(found)["Work"] == "AHEAD"


def test_redrive_goes_on_in_the_state_that_failed_without_entering_it() -> None:
    events = [entered("Work", 1.0, "Map"), HistoryEvent("ExecutionFailed", 5.0)]
    events += [HistoryEvent("ExecutionRedriven", 50.0)]
    running = graph(*events, now=53.0)
    assert statuses(running)["Work"] == "RUNNING"
    assert running.states["Work"].seconds == 7.0, "the time between is not its own"
    assert running.redrives == [50.0]
    done = graph(*events, left("Work", 56.0, "Map"), HistoryEvent("ExecutionSucceeded", 56.0))
    assert statuses(done)["Work"] == "SUCCEEDED"
    assert done.states["Work"].seconds == 10.0


def test_failed_attempts_are_counted_where_they_happen() -> None:
    failure = HistoryEvent("TaskFailed", 2.0, error="Lambda.Unknown")
    found = graph(entered("Look", 1.0), failure, failure)
    assert found.states["Look"].failed_attempts == 2
    assert found.states["Look"].last_error == "Lambda.Unknown"


def test_success_skips_what_was_never_entered() -> None:
    found = graph(
        entered("Work", 1.0, "Map"),
        left("Work", 2.0, "Map"),
        HistoryEvent("ExecutionSucceeded", 2.0),
    )
    assert statuses(found)["WaitAWhile"] == "SKIPPED"
    assert found.current is None


def test_real_machine_in_mode_migrate_skips_the_other_modes() -> None:
    events = [
        entered("ValidateMigration", 0.0),
        left("ValidateMigration", 1.0),
        entered("WhichMode?", 1.0, "Choice"),
        left("WhichMode?", 1.0, "Choice"),
        entered("ApprovalAsked?", 1.0, "Choice"),
    ]
    found = Graph.of(DEFINITION, events, 2.0)
    assert statuses(found)["EstimateMigration"] == "SKIPPED"
    assert statuses(found)["StopMigration"] == "SKIPPED"
    assert statuses(found)["CopySourceToDestination"] == "AHEAD"
    assert [name for name in statuses(found) if name == "ValidateMigration"]
