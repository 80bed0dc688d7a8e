"""The head of a report: how it ended, the figures that people ask for first, and errors."""

from collections.abc import Iterator, Mapping
from typing import Any

from tableferry.model import Failure
from tableferry.reporting.gathering import Report
from tableferry.reporting.markup import Markup, code, element, joined, section
from tableferry.runs.outcome import NOT_A_CAUSE
from tableferry.shown_time import clock, duration

# How a status looks: class and sign; the sign says without colour what the colour says.
_LOOKS = {
    "SUCCEEDED": ("good", "✓"),
    "RUNNING": ("info", "▶"),
    "PAUSED": ("warn", "‖"),
    "STOPPED": ("warn", "■"),
}
_BAD = ("bad", "✗")
_MOST_FAILURES = 10


def title_of(report: Report) -> str:
    """The migration's id, with the mode where that is another."""
    mode = report.record["mode"]
    migration_id = str(report.spec["migrationId"])
    return migration_id if mode == "migrate" else f"{migration_id} ({mode})"


def head(report: Report) -> Markup:
    """Title, status, when, and what ended it badly."""
    look, sign = _LOOKS.get(report.status, _BAD)
    pill = element(
        "span",
        element("span", f"{sign} ", aria_hidden="true"),
        report.status,
        class_=f"pill {look}",
        id="status",
    )
    ended = report.state.ended_at
    until = f"ended {clock(ended)}" if ended else f"looked at {clock(report.written_at)}"
    when = f"{duration(report.seconds)}, {until}"
    if report.state.redrive_count:
        when += f", redriven {report.state.redrive_count} times"
    return joined(
        element("div", element("h1", title_of(report)), pill, class_="title"),
        element("p", _route(report.spec), when, class_="soft"),
        _error(report),
    )


def _route(spec: Mapping[str, Any]) -> Markup:
    """From which table into which."""
    sides = [spec.get(side) for side in ("source", "destination")]
    names = [code(str(side["tableName"])) for side in sides if side]
    arrow = joined(
        " ", element("span", "→", aria_hidden="true"), element("span", "into", class_="unseen"), " "
    )
    return joined(Markup(arrow.join(names)), " · ")


def _error(report: Report) -> Markup | None:
    error = report.outcome.get("error")
    if not error:
        return None
    hint = error.get("hint")
    return element(
        "div",
        element("strong", error["name"]),
        element("p", error["cause"]),
        element("p", element("strong", "What to do: "), hint) if hint else None,
        class_="note bad",
        id="error",
    )


def tiles(report: Report) -> Markup:
    """The figures that people ask for first."""
    shown = [
        element(
            "li",
            element("b", value, class_=look),
            element("span", name),
        )
        for name, value, look in _figures(report)
    ]
    return element("ul", shown, class_="tiles", aria_label="Figures")


def _figures(report: Report) -> Iterator[tuple[str, str, str]]:
    outcome = report.outcome
    copy = outcome.get("copy")
    if copy:
        yield "items written", f"{copy['written']:,}", ""
        for name, words in (
            ("filtered", "filtered out"),
            ("skipped", "skipped: already there"),
        ):
            if copy[name]:
                yield words, f"{copy[name]:,}", ""
        if copy["quarantined"]:
            yield "in quarantine", f"{copy['quarantined']:,}", "warn"
    for name, words in (
        ("deleted", "items deleted"),
        ("sourceItems", "items in the source"),
        ("destinationItems", "items in the destination"),
    ):
        if outcome.get(name) is not None:
            yield words, f"{outcome[name]:,}", ""
    verify = outcome.get("verify")
    if verify:
        look = "good" if verify["match"] else "bad"
        sign = "✓ match" if verify["match"] else "✗ no match"
        yield f"verified by {verify['level']}", sign, look
    yield "time", duration(report.seconds), ""
    if copy and report.seconds and copy["read"]:
        yield "items a second, all in all", f"{copy['read'] / report.seconds:,.0f}", ""


def failures(report: Report) -> Markup | None:
    """What workers said last before they gave up; the same words once."""
    told: dict[tuple[str, str], list[Failure]] = {}
    for failure in report.failures:
        told.setdefault((failure.name, failure.cause), []).append(failure)
    if not told:
        return None
    ordered = sorted(told.values(), key=lambda each: each[0].name in NOT_A_CAUSE)
    notes = [_failure(each) for each in ordered[:_MOST_FAILURES]]
    more = len(ordered) - len(notes)
    return section(
        "errors",
        "Errors of workers",
        element(
            "p",
            "The last error of each segment that gave up; a redrive may have gone past it since.",
            class_="soft",
        ),
        notes,
        element("p", f"and {more:,} others", class_="soft") if more else None,
    )


def _failure(same: list[Failure]) -> Markup:
    latest = same[0]
    segments = "1 segment" if len(same) == 1 else f"{len(same):,} segments"
    look = "warn" if latest.name in NOT_A_CAUSE else "bad"
    return element(
        "div",
        element("strong", latest.name),
        element("span", f" {segments}, last at {clock(latest.at)}", class_="soft"),
        element("p", latest.cause),
        element("p", element("strong", "What to do: "), latest.hint) if latest.hint else None,
        class_=f"note {look}",
    )
