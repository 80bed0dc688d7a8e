"""A look at a migration as lines for people."""

from dataclasses import dataclass

from tableferry.cli.looking import Look
from tableferry.cli.shown_limits import limits_text
from tableferry.cli.works import MAP_OF_WORK, WorkSeen
from tableferry.limits import RunLimits
from tableferry.runs.graph import StateSeen, StateStatus
from tableferry.shown_time import duration

_SIGNS = {
    StateStatus.SUCCEEDED: ("✓", "green"),
    StateStatus.RUNNING: ("▶", "cyan"),
    StateStatus.FAILED: ("✗", "red"),
    StateStatus.TIMED_OUT: ("✗", "red"),
    StateStatus.ABORTED: ("‖", "yellow"),
    StateStatus.AHEAD: ("·", "dim"),
    StateStatus.SKIPPED: ("–", "dim"),
}
_STATUS_STYLES = {
    "SUCCEEDED": "bold green",
    "RUNNING": "bold cyan",
    "PAUSED": "bold yellow",
}
_MOST_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line and how it looks on a terminal (rich's words)."""

    text: str
    style: str = ""


def drawing(look: Look) -> list[Line]:
    """Header, state graph, segments of the Maps, the error or why nothing moves."""
    style = _STATUS_STYLES.get(look.status, "bold red")
    lines = [Line(f"{look.migration_id}: {look.status}, {duration(look.seconds)}", style)]
    lines.append(Line(f"  {look.state.arn}", "dim"))
    if look.state.redrive_count:
        times = "time" if look.state.redrive_count == 1 else "times"
        lines.append(Line(f"  redriven {look.state.redrive_count} {times}", "dim"))
    if look.limits is not None and look.limits != RunLimits():
        lines.append(Line(f"  limits: {limits_text(look.limits)}", "dim"))
    lines += graph_lines(look)
    lines += _end_lines(look)
    lines += [Line(f"{name}: {url}", "dim") for name, url in look.links.items()]
    return lines


def graph_lines(look: Look) -> list[Line]:
    """The states that do work and were not skipped, and any that the execution stands in."""
    shown = [state for state in look.graph.states.values() if _is_shown(state, look)]
    width = max((len(state.name) for state in shown), default=0)
    lines = []
    for state in shown:
        lines.append(_state_line(state, width))
        for work in look.works:
            if MAP_OF_WORK.get(work.work) == state.name:
                lines += _work_lines(work, look)
    return lines


def one_line(look: Look) -> str:
    """Where it is now, in one line."""
    state = look.current
    if state is None:
        return look.status if look.graph.redrives or not look.is_running else "starting"
    works = [work for work in look.works if MAP_OF_WORK.get(work.work) == state.name]
    parts = [f"{work.work} {_progress(work, look)}" for work in works if work.begun]
    text = f"{state.name}: {'; '.join(parts)}" if parts else state.name
    return f"{text}; {look.reason}" if look.reason else text


def _is_shown(state: StateSeen, look: Look) -> bool:
    if state is look.current and state.status is not StateStatus.SUCCEEDED:
        return True
    return state.does_work and state.status is not StateStatus.SKIPPED


def _state_line(state: StateSeen, width: int) -> Line:
    sign, style = _SIGNS[state.status]
    text = f"  {sign} {state.name}"
    if state.entered:
        text = f"  {sign} {state.name.ljust(width)}  {duration(state.seconds)}"
    if state.failed_attempts:
        noun = "attempt" if state.failed_attempts == 1 else "attempts"
        text += f", {state.failed_attempts} failed {noun}"
    return Line(text, style)


def _work_lines(work: WorkSeen, look: Look) -> list[Line]:
    lines = [Line(f"      {work.work}: {_progress(work, look)}")]
    if work.slowest is not None and not work.is_done:
        slow = work.slowest
        seconds = slow.progress_at - slow.started_at
        lines.append(
            Line(
                f"      slowest segment: {slow.segment}, {slow.counts.read:,} items in "
                f"{duration(seconds)}",
                "dim",
            )
        )
    for failure, count in work.failures[:_MOST_ERRORS]:
        noun = "segment" if count == 1 else "segments"
        lines.append(Line(f"      {failure.name} ({count} {noun}): {failure.cause}", "red"))
        if failure.hint:
            lines.append(Line(f"        hint: {failure.hint}", "red"))
    return lines


def _progress(work: WorkSeen, look: Look) -> str:
    parts = [f"{work.done} of {work.segments} segments"]
    if look.is_running and work.running:
        parts.append(f"{work.running} running")
    if work.failed:
        parts.append(f"{work.failed} failed")
    parts.append(f"{work.items:,} items")
    if work.per_second is not None and (look.is_running or work.is_done):
        parts.append(f"{work.per_second:,.0f} a second")
    if work.eta_seconds is not None and look.is_running:
        parts.append(f"{duration(work.eta_seconds)} left")
    if work.throttled:
        parts.append(f"throttled {work.throttled:,} times")
    return ", ".join(parts)


def _end_lines(look: Look) -> list[Line]:
    if look.error is not None:
        lines = [Line(f"error: {look.error['name']}: {look.error['cause']}", "red")]
        if look.error["hint"]:
            lines.append(Line(f"hint: {look.error['hint']}"))
        return lines
    return [Line(look.reason, "yellow")] if look.reason else []
