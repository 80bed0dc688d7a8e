"""A plan as text that a person understands."""

import json
from collections.abc import Mapping
from typing import Any

from tableferry.cli.drawing import Line
from tableferry.shown_time import duration

_UNKNOWN = "unknown"
_SHOWN_USD = 0.005
_SHOWN_CHARACTERS = 240
_BILL = (
    ("writeUnits", "write units"),
    ("readUnits", "read units"),
    ("ofThatVerification", "of them for verification"),
    ("lambda", "Lambda"),
    ("stepFunctions", "Step Functions"),
    ("ledger", "ledger"),
    ("backups", "backups for a month"),
    ("export", "export and its first month"),
)


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
    lines += _details(document.get("details", {}))
    lines += [Line(f"warning: {text}", "yellow") for text in document["warnings"]]
    for number, each in enumerate(document["sample"], start=1):
        lines += _changes(f"item {number}", each["before"], each["after"])
    return lines


def _details(details: Mapping[str, Any]) -> list[Line]:
    """What raises the bottleneck, the bill, and what the keys and the steps tell."""
    if not details:
        return []
    cost, time, keys = details["cost"], details["time"], details["keys"]
    bill = ", ".join(
        f"{words} {cost[name]:,.2f}" for name, words in _BILL if cost[name] >= _SHOWN_USD
    )
    phases = ", ".join(f"{name} {duration(seconds)}" for name, seconds in time["phases"].items())
    lines = [
        f"  to raise it: {time['raisedBy']}",
        f"  time: {phases}, states around them {duration(time['beside'])}",
        f"  bill in USD: {bill or 'less than a cent'}; prices of {cost['prices']}",
        f"  the idle stack costs {cost['idleStackPerMonth']:,.2f} USD a month",
    ]
    if cost["recoveryPerMonthWhileOn"] is not None:
        lines.append(
            "  point-in-time recovery is turned on for the export: "
            f"{cost['recoveryPerMonthWhileOn']:,.2f} USD a month while it is on"
        )
    tells = "tell" if keys["tellsSourceKey"] else "do not tell"
    lines.append(f"  destination keys {tells} source keys; collisions: {keys['sampledCollisions']}")
    way = "there is a way back" if details["inverse"] is not None else "no way back"
    lines.append(f"  {way}: {details['inverseNote']}")
    return [Line(text) for text in lines]


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
    """As much as a person reads; `--json` has all of it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f}"


def _time(seconds: float | None) -> str:
    return f"time {_UNKNOWN}" if seconds is None else f"about {duration(seconds)}"


def _money(usd: float | None) -> str:
    return f"price {_UNKNOWN}" if usd is None else f"about {usd:,.2f} USD"
