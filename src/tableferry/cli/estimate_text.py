"""What was estimated for a migration, set against what it took."""

from collections.abc import Mapping
from typing import Any

from tableferry.cli.drawing import Line
from tableferry.shown_time import duration


def estimate_lines(record: Mapping[str, Any], outcome: Mapping[str, Any]) -> list[Line]:
    """Units and time of a run that is over beside its estimate; nothing without one."""
    estimate, used = record.get("estimate"), outcome.get("consumed")
    if not estimate or not used or outcome.get("status") != "SUCCEEDED":
        return []
    copied = (outcome.get("copy") or {}).get("written", 0)
    parts = [
        _beside("items", estimate["items"], copied),
        _beside("read units", estimate["readUnits"], used["readUnits"]),
        _beside("write units", estimate["writeUnits"], used["writeUnits"]),
        f"{duration(estimate['seconds'])} for {duration(outcome['seconds'])}",
    ]
    return [
        Line(f"estimated {', '.join(parts)} (estimate for what it took)"),
        Line(f"          about {estimate['usd']:,.2f} USD; bottleneck: {estimate['bottleneck']}"),
    ]


def _beside(what: str, estimated: float, actual: float) -> str:
    said = f"{estimated:,.0f} for {actual:,.0f} {what}"
    return f"{said} ({(estimated - actual) / actual:+.1%})" if actual else said
