"""An outcome document as text that a person understands."""

import json
from collections.abc import Mapping
from typing import Any

from tableferry.cli.drawing import Line
from tableferry.shown_time import duration

_STYLES = {"SUCCEEDED": "bold green", "RUNNING": "bold cyan", "PAUSED": "bold yellow"}
_NEXT = {
    "RUNNING": "watch it: tableferry status {id} --watch",
    "PAUSED": "go on: tableferry resume {id}; give it up: tableferry stop {id}",
    "FAILED": "when the reason is mended, run what failed again: tableferry redrive {id}",
    "TIMED_OUT": "run what was not done again: tableferry redrive {id}",
    "ABORTED": "run what was not done again: tableferry redrive {id}",
}
_KEYS_SHOWN = 10


def outcome_lines(document: Mapping[str, Any]) -> list[Line]:
    """The outcome of a migration, or of one of the other modes."""
    if "mode" in document and "copy" not in document:
        return _other_mode(document)
    status = document["status"]
    name = document.get("migrationId") or document["executionArn"]
    head = f"{name}: {status}"
    if document.get("seconds") is not None:
        head += f" after {duration(document['seconds'])}"
    lines = [Line(head, _STYLES.get(status, "bold red"))]
    for shown in (_copied, _verified, _snapshot, _undo, _consumed, _report):
        lines += [Line(f"  {text}") for text in shown(document)]
    lines += _error(document)
    # What only verified is verified again: a redrive of the migration is another thing.
    if status in _NEXT and "migrationId" in document and "mode" not in document:
        lines.append(Line(_NEXT[status].format(id=name)))
    return lines


def _copied(document: Mapping[str, Any]) -> list[str]:
    copy = document.get("copy")
    if not copy:
        return []
    parts = [f"{copy['written']:,} written"]
    for name, words in (
        ("filtered", "filtered out"),
        ("skipped", "skipped, since the destination had them"),
        ("quarantined", "put into quarantine"),
    ):
        if copy[name]:
            parts.append(f"{copy[name]:,} {words}")
    return [f"copied    {copy['read']:,} items read: {', '.join(parts)}"]


def _verified(document: Mapping[str, Any]) -> list[str]:
    found = document.get("verify")
    if not found:
        return []
    what = {"count": "counted both tables", "content": "compared every item of both tables"}
    match = "they match" if found["match"] else "THEY DO NOT MATCH"
    level = what.get(found["level"], found["level"])
    lines = [
        f"verified  {level}: {match}; {found['sourceItems']:,} items to migrate, "
        f"{found['destinationItems']:,} in the destination"
    ]
    differences = [
        f"{found[name]:,} {name}"
        for name in ("missing", "extra", "different", "undecided", "kept")
        if found.get(name)
    ]
    if differences:
        lines.append(f"          {', '.join(differences)}")
    for each in found["sample"][:_KEYS_SHOWN]:
        lines.append(f"          {each['kind']}: {json.dumps(each['key'], ensure_ascii=False)}")
    if found.get("detailsUri"):
        lines.append(f"          all of them: {found['detailsUri']}")
    return lines


def _snapshot(document: Mapping[str, Any]) -> list[str]:
    snapshot = document.get("snapshot")
    return [f"snapshot  {snapshot['type']} of the source: {snapshot['arn']}"] if snapshot else []


def _undo(document: Mapping[str, Any]) -> list[str]:
    undo = document.get("undo")
    return [f"undo      backup of the destination as it was: {undo['arn']}"] if undo else []


def _consumed(document: Mapping[str, Any]) -> list[str]:
    used = document.get("consumed")
    if not used:
        return []
    return [f"consumed  {used['readUnits']:,} read units, {used['writeUnits']:,} write units"]


def _report(document: Mapping[str, Any]) -> list[str]:
    return [f"report    {document['report']}"] if document.get("report") else []


def _error(document: Mapping[str, Any]) -> list[Line]:
    error = document.get("error")
    if not error:
        return []
    lines = [Line(f"error: {error['name']}: {error['cause']}", "red")]
    return [*lines, Line(f"hint: {error['hint']}")] if error.get("hint") else lines


def _other_mode(document: Mapping[str, Any]) -> list[Line]:
    mode = document["mode"]
    if mode == "count":
        text = (
            f"source: {_number(document['sourceItems'])} items after the filter; "
            f"destination: {_number(document['destinationItems'])} items"
        )
        lines = [Line(text)]
    elif mode == "clean":
        undo = document.get("undo")
        kept = f"; backup before: {undo['arn']}" if undo else ""
        lines = [Line(f"deleted {_number(document['deleted'])} items{kept}")]
    else:
        lines = [Line(json.dumps(document, indent=2, ensure_ascii=False))]
    return lines + _error(document)


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"
