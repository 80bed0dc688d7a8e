"""A plan as text that a person understands."""

import json
from collections.abc import Mapping
from typing import Any

from tableferry.cli.drawing import Line, duration

_UNKNOWN = "unknown"


def plan_lines(document: Mapping[str, Any]) -> list[Line]:
    """What it would take, what it warns of, and items before and after."""
    if document.get("error") or "estimate" not in document:
        return [Line(json.dumps(document, indent=2, ensure_ascii=False), "red")]
    estimate = document["estimate"]
    lines = [
        Line(
            f"{_number(estimate.get('items'))} items, {_time(estimate.get('seconds'))}, "
            f"{_number(estimate.get('readUnits'))} read units, "
            f"{_number(estimate.get('writeUnits'))} write units, {_money(estimate.get('usd'))}",
            "bold",
        )
    ]
    if document.get("bottleneck"):
        lines.append(Line(f"bottleneck: {document['bottleneck']}"))
    lines += [Line(f"warning: {text}", "yellow") for text in document["warnings"]]
    for number, each in enumerate(document["sample"], start=1):
        lines += _changes(f"item {number}", each["before"], each["after"])
    return lines


def _changes(title: str, before: Mapping[str, Any], after: Mapping[str, Any] | None) -> list[Line]:
    """What becomes of an item: what is taken out, put in and left."""
    if after is None:
        return [Line(f"{title}: filtered, it is not migrated"), Line(f"  {_json(before)}", "dim")]
    same = {name for name in before if name in after and before[name] == after[name]}
    if len(same) == len(before) == len(after):
        return [Line(f"{title}: the same before and after"), Line(f"  {_json(before)}", "dim")]
    lines = [Line(f"{title}:")]
    lines += [
        Line(f"  - {name}: {_json(value)}", "red")
        for name, value in before.items()
        if name not in same
    ]
    lines += [
        Line(f"  + {name}: {_json(value)}", "green")
        for name, value in after.items()
        if name not in same
    ]
    kept = {name: value for name, value in before.items() if name in same}
    return [*lines, Line(f"    unchanged: {_json(kept)}", "dim")]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f}"


def _time(seconds: float | None) -> str:
    return f"time {_UNKNOWN}" if seconds is None else f"about {duration(seconds)}"


def _money(usd: float | None) -> str:
    return f"price {_UNKNOWN}" if usd is None else f"about {usd:,.2f} USD"
