"""Limits as people and programs see them."""

from datetime import UTC, datetime
from typing import Any

from tableferry.limits import RunLimits, UnitsLimit


def shown_limits(limits: RunLimits) -> dict[str, Any]:
    """Limits as documents show them: those of the spec, and who set them when, and why."""
    set_by = {"by": limits.by, "at": _clock(limits.at), "why": limits.why} if limits.by else None
    return {**limits.to_spec(), "setBy": set_by}


def limits_text(limits: RunLimits) -> str:
    """`writes 2,500 units a second, reads without limit, 40 workers at most (set by …)`."""
    parts = [
        f"writes {_units_text(limits.write_units)}",
        f"reads {_units_text(limits.read_units)}",
        f"{limits.max_concurrency:,} workers at most",
    ]
    if limits.nice:
        parts.append("nice to applications")
    text = ", ".join(parts)
    if limits.by:
        why = f": {limits.why}" if limits.why else ""
        text += f" (set by {limits.by} at {_clock(limits.at)}{why})"
    return text


def _units_text(units: UnitsLimit) -> str:
    if units is None:
        return "without limit"
    if isinstance(units, str):
        return f"{units} of what the table takes"
    return f"{units:,} units a second"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
