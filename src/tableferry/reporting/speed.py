"""How fast it went: rate over time, segments, and what it used against the plan."""

from collections.abc import Iterator, Sequence
from typing import Any

from tableferry.estimates.prices import Prices
from tableferry.reporting.gathering import Report
from tableferry.reporting.markup import Markup, element, section, table
from tableferry.runs.work_summary import SegmentSeen, WorkSummary
from tableferry.shown_time import clock, duration

_WIDTH, _HEIGHT = 600, 100
# A page of items counts at one moment: over less time than this a curve shows jumps, not a rate.
_LEAST_SECONDS = 5.0
_WORDS = {
    "clean": "cleaning",
    "copy": "copy",
    "sweep": "sweep of tombstones",
    "count-source": "counting the source",
    "count-destination": "counting the destination",
    "digest-source": "reading the source to verify",
    "digest-destination": "reading the destination to verify",
    "compare": "comparing",
    "search": "searching the source",
    "repair": "repair",
}


def rates(report: Report) -> Markup | None:
    """A chart for each work that took long enough to have a rate."""
    charts = [_chart(work) for work in report.works if _has_rate(work)]
    if not charts:
        return None
    note = (
        "Items a second, from the segments' checkpoints: each segment's items are spread evenly "
        "over its own time."
    )
    return section("rate", "Rate over time", element("p", note, class_="soft"), charts)


def _has_rate(work: WorkSummary) -> bool:
    return bool(work.rate and work.counts.read) and work.seconds >= _LEAST_SECONDS


def _chart(work: WorkSummary) -> Markup:
    most, average = max(work.rate), work.counts.read / work.seconds
    text = (
        f"{word(work)}: {work.counts.read:,} items in {duration(work.seconds)}, "
        f"{average:,.0f} a second on average (dashed), {most:,.0f} at most"
    )
    level = f"{_height(average, most, from_top=True):.2f}"
    drawing = element(
        "svg",
        [_bar(place, rate, work.rate) for place, rate in enumerate(work.rate) if rate > 0],
        element("line", x1="0", x2=str(_WIDTH), y1=level, y2=level),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=text,
    )
    times = [element("span", clock(at)) for at in (work.began_at, work.ended_at)]
    axis = element("p", times, class_="axis", aria_hidden="true")
    return element("figure", element("figcaption", text), drawing, axis)


def _bar(place: int, rate: float, rates: Sequence[float]) -> Markup:
    step, most = _WIDTH / len(rates), max(rates)
    return element(
        "rect",
        x=f"{place * step:.2f}",
        y=f"{_height(rate, most, from_top=True):.2f}",
        width=f"{step * 0.86:.2f}",
        height=f"{_height(rate, most):.2f}",
    )


def _height(rate: float, most: float, *, from_top: bool = False) -> float:
    """Of a chart whose highest bar leaves a little room above it."""
    height = rate / most * (_HEIGHT - 4)
    return _HEIGHT - height if from_top else height


def word(work: WorkSummary) -> str:
    """The work in words."""
    return _WORDS.get(str(work.work), str(work.work))


def segments(report: Report) -> Markup | None:
    """Every work, then the segments that stand out."""
    if not report.works:
        return None
    rows = [
        (
            word(work),
            f"{work.done:,} of {work.segments:,}",
            f"{work.counts.read:,}",
            duration(work.seconds) if work.begun else "not begun",
            f"{work.counts.read_units:,.1f}",
            f"{work.counts.write_units:,.1f}",
            f"{work.counts.throttled:,}",
        )
        for work in report.works
    ]
    heads = ("Work", "Segments done", "Items", "Time", "Read units", "Write units", "Throttled")
    return section(
        "segments",
        "Segments",
        table("Works, in the order in which they were planned", heads, rows, numbers="-nnnnnn"),
        *(part for work in report.works for part in _outstanding(work)),
    )


def _outstanding(work: WorkSummary) -> Iterator[Markup]:
    if work.segments > 1 and work.slowest:
        yield _segment_table(f"Slowest segments, {word(work)}", work.slowest)
    if work.throttled:
        yield _segment_table(f"Most throttled segments, {word(work)}", work.throttled)


def _segment_table(label: str, seen: Sequence[SegmentSeen]) -> Markup:
    rows = [
        (
            f"{each.segment}" if each.done else f"{each.segment} (not done)",
            duration(each.seconds),
            f"{each.items:,}",
            duration(each.slowest_page_seconds),
            f"{each.throttled:,}",
            f"{each.invocations:,}",
        )
        for each in seen
    ]
    heads = ("Segment", "Time", "Items", "Slowest page", "Throttled", "Invocations")
    return element(
        "details",
        element("summary", f"{label} ({len(rows)})"),
        table(label, heads, rows, numbers="-nnnnn"),
    )


def plan_and_actual(report: Report) -> Markup | None:
    """What it used, beside what the plan said when the run began."""
    used = report.outcome.get("consumed")
    if not used:
        return None
    plan: dict[str, Any] = report.record.get("estimate") or {}
    copied = (report.outcome.get("copy") or {}).get("written")
    rows = [
        _compared("Items written", plan.get("items"), copied, "{:,.0f}"),
        _compared("Read units", plan.get("readUnits"), used["readUnits"], "{:,.1f}"),
        _compared("Write units", plan.get("writeUnits"), used["writeUnits"], "{:,.1f}"),
        _compared("Seconds", plan.get("seconds"), report.seconds, "{:,.1f}"),
        _compared("USD", plan.get("usd"), _price(used), "{:,.4f}"),
    ]
    notes = [
        "The money that was used is that of the units alone, at on-demand prices of "
        f"{Prices.carried().region}: provisioned capacity costs the same whether it is used or "
        "not. The plan's holds Lambda, Step Functions and a month of the snapshot too."
    ]
    if plan.get("bottleneck"):
        notes.append(f"The plan's bottleneck: {plan['bottleneck']}.")
    if not plan:
        notes.append("No plan was kept for this run.")
    return section(
        "plan",
        "Plan and actual",
        table("What was planned and used", ("", "Plan", "Used", "Share"), rows, numbers="-nnn"),
        [element("p", note, class_="soft") for note in notes],
    )


def _compared(
    name: str, planned: float | None, used: float | None, form: str
) -> tuple[str, str, str, str]:
    share = f"{used / planned:.0%}" if planned and used is not None else "–"
    return (
        name,
        "–" if planned is None else form.format(planned),
        "–" if used is None else form.format(used),
        share,
    )


def _price(used: dict[str, float]) -> float:
    prices = Prices.carried()
    reads = prices.of("readRequestUnits", used["readUnits"])
    return reads + prices.of("writeRequestUnits", used["writeUnits"])
