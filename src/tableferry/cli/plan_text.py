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
        lines.append(Line(f"item {number} before: {_item(each['before'])}"))
        lines.append(Line(f"item {number} after:  {_item(each['after'])}"))
    return lines


def _item(item: Any) -> str:
    if item is None:
        return "(filtered: it is not migrated)"
    return json.dumps(item, ensure_ascii=False)


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f}"


def _time(seconds: float | None) -> str:
    return f"time {_UNKNOWN}" if seconds is None else f"about {duration(seconds)}"


def _money(usd: float | None) -> str:
    return f"price {_UNKNOWN}" if usd is None else f"about {usd:,.2f} USD"
