"""The states that the execution went through, each with its time on one line of time."""

from tableferry.reporting.gathering import Report
from tableferry.reporting.markup import Markup, element, section
from tableferry.runs.graph import Graph, StateSeen, StateStatus
from tableferry.shown_time import clock, duration

# Class, sign and word of a status.
_LOOKS = {
    StateStatus.SUCCEEDED: ("good", "✓", "succeeded"),
    StateStatus.RUNNING: ("info", "▶", "running"),
    StateStatus.FAILED: ("bad", "✗", "failed"),
    StateStatus.TIMED_OUT: ("bad", "✗", "timed out"),
    StateStatus.ABORTED: ("warn", "‖", "stopped"),
}


def state_graph(report: Report) -> Markup:
    """The way that was taken, as the state machine's definition and the history have it."""
    graph = report.graph
    if graph is None:
        why = report.unread.get("graph", "the execution's history is not there")
        return section("states", "States", element("p", f"Not shown: {why}", class_="soft"))
    entered = sorted(
        (state for state in graph.states.values() if state.entered), key=lambda s: s.first_at
    )
    begin, end = report.state.started_at, report.state.ended_at or report.written_at
    rows = [_row(state, graph, begin, end) for state in entered]
    return section(
        "states",
        "States",
        element("p", "The way through the state machine, and when each state ran.", class_="soft"),
        element("ol", rows, class_="states"),
        element("p", element("span", clock(begin)), element("span", clock(end)), class_="axis"),
        _redrives(graph),
        _rest(graph),
    )


def _row(state: StateSeen, graph: Graph, begin: float, end: float) -> Markup:
    look, sign, word = _LOOKS[state.status]
    kind = "choice" if state.kind == "Choice" else "work" if state.does_work else "other"
    return element(
        "li",
        element("span", sign, class_=f"sign {look}", aria_hidden="true"),
        element(
            "span",
            state.name,
            element("span", f", {word}", class_="unseen"),
            " ",
            element("small", _turns(state, graph)) if _turns(state, graph) else None,
            class_="name",
        ),
        element("span", "" if kind == "choice" else duration(state.seconds), class_="took"),
        _lane(state, begin, end, look),
        _why(state),
        class_=kind,
        title=state.comment,
    )


def _turns(state: StateSeen, graph: Graph) -> str:
    parts = [f"{state.entered:,} times"] if state.entered > 1 else []
    if state.kind == "Choice":
        followers = [after for before, after in graph.taken if before == state.name]
        parts.append(f"→ {', '.join(dict.fromkeys(followers))}" if followers else "")
    if state.failed_attempts:
        noun = "attempt" if state.failed_attempts == 1 else "attempts"
        parts.append(f"{state.failed_attempts:,} failed {noun}")
    return ", ".join(part for part in parts if part)


def _lane(state: StateSeen, begin: float, end: float, look: str) -> Markup:
    """From when it was first entered until it was last left."""
    whole = max(end - begin, 0.001)
    left = min(100.0, max(0.0, (state.first_at - begin) / whole * 100))
    until = state.left_at or end
    width = min(100.0 - left, max(0.0, (until - state.first_at) / whole * 100))
    bar = element(
        "i",
        class_=look if look in {"bad", "warn"} else "",
        style=f"left:min({left:.2f}%, 100% - 3px);width:{width:.2f}%",
    )
    return element("span", bar, class_="lane", aria_hidden="true")


def _why(state: StateSeen) -> Markup | None:
    """What a state that did not succeed is there for."""
    if state.status in {StateStatus.SUCCEEDED, StateStatus.RUNNING} or not state.comment:
        return None
    return element("p", state.comment, class_="why")


def _redrives(graph: Graph) -> Markup | None:
    if not graph.redrives:
        return None
    times = ", ".join(clock(at) for at in graph.redrives)
    return element("p", f"Redriven at {times}.", class_="soft")


def _rest(graph: Graph) -> Markup | None:
    """The states of the definition that were not entered."""
    rest = [state.name for state in graph.states.values() if not state.entered]
    if not rest:
        return None
    return element(
        "details",
        element("summary", f"{len(rest)} states that were not entered"),
        element("p", ", ".join(rest), class_="soft"),
    )
