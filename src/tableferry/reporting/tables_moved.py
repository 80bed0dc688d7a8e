"""What was moved where, what proves it, and what was kept for a way back."""

import json
from collections.abc import Mapping
from typing import Any

from tableferry.reporting.gathering import Report
from tableferry.reporting.markup import Child, Markup, code, element, facts, joined, section, table

_LEVELS = {
    "count": "both tables were counted",
    "content": "every item of both tables was compared, in both directions",
}
_KINDS = ("missing", "extra", "different", "undecided", "kept")


def moved(report: Report) -> Markup:
    """The tables and the spec's choices."""
    spec = report.spec
    steps = spec.get("transform") or []
    count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    return section(
        "moved",
        "What was moved" if report.record["mode"] == "migrate" else "What it was about",
        facts(
            [
                ("Source", _table(spec.get("source"))),
                ("Destination", _table(spec.get("destination"))),
                ("Strategy", spec.get("strategy")),
                ("Items already there", spec.get("onExisting")),
                ("Destination cleaned first", "yes" if spec.get("cleanDestination") else None),
                ("Items that do not fit", _on_item_error(spec)),
                ("Transform", _pretty(steps, count) if steps else "none: items as they are"),
                ("Whole spec", _pretty(spec, "as it was run, with all defaults")),
                ("Execution", code(report.state.arn)),
            ]
        ),
    )


def _on_item_error(spec: Mapping[str, Any]) -> str:
    words = {"fail": "fail the run", "quarantine": "go into quarantine"}
    return words.get(str(spec.get("onItemError")), str(spec.get("onItemError")))


def _table(reference: Mapping[str, Any] | None) -> Child:
    if not reference:
        return None
    parts: list[Child] = [code(str(reference["tableName"]))]
    for name, words in (("region", "in"), ("roleArn", "as")):
        if reference.get(name):
            parts += [f" {words} ", code(str(reference[name]))]
    return joined(parts)


def _pretty(value: Any, summary: str) -> Markup:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return element("details", element("summary", summary), element("pre", text, tabindex="0"))


def verification(report: Report) -> Markup | None:
    """The verdict, and the keys that differ."""
    found = report.outcome.get("verify")
    if not found:
        if report.spec.get("verify") == "none":
            return section("verification", "Verification", element("p", "None was asked for."))
        return None
    look = "good" if found["match"] else "bad"
    verdict = "✓ The tables match" if found["match"] else "✗ The tables do not match"
    how = _LEVELS.get(found["level"], str(found["level"]))
    figures = [("Items to migrate", found["sourceItems"])]
    figures += [("Items in the destination", found["destinationItems"])]
    figures += [(kind.capitalize(), found.get(kind)) for kind in _KINDS]
    return section(
        "verification",
        "Verification",
        element("p", element("span", verdict, class_=f"pill {look}"), f" {how}."),
        facts([(n, f"{value:,}") for n, value in figures if value is not None], look="figures"),
        _sample(found),
    )


def _sample(found: Mapping[str, Any]) -> Markup | None:
    if not found["sample"]:
        return None
    rows = [
        (
            each["kind"] + (" (newer write)" if each.get("newer") else ""),
            code(_json(each["key"])),
            joined([element("div", code(_json(key))) for key in each.get("sourceKeys") or ()]),
        )
        for each in found["sample"]
    ]
    uri = found.get("detailsUri")
    return joined(
        element("h3", "Keys that differ"),
        table(
            f"The first {len(rows)} of them",
            ("What", "Key in the destination", "Keys in the source"),
            rows,
        ),
        element("p", "All of them: ", code(uri)) if uri else None,
    )


def sync(report: Report) -> Markup | None:
    """What the stream brought, for a live migration."""
    found = report.outcome.get("sync")
    if not found:
        return None
    cleanup = report.outcome.get("cleanup") or {}
    return section(
        "sync",
        "Sync",
        facts(
            [
                ("Changes applied", f"{found['applied']:,}"),
                ("Conflicts", f"{found['conflicts']:,}"),
                ("Dirty items", f"{found['dirty']:,}"),
                ("Tombstones swept", _number(cleanup.get("tombstones"))),
            ]
        ),
    )


def quarantine(report: Report) -> Markup | None:
    """Items that could not be migrated, each with its reason."""
    entries = report.quarantined
    if entries is None:
        why = report.unread.get("quarantine", "")
        return section("quarantine", "Quarantine", element("p", f"Not shown: {why}"))
    if not entries:
        return None
    uri = f"quarantine/{report.spec['migrationId']}/"
    rows = [(code(_json(each.get("sourceKey"))), each.get("reason") or "") for each in entries]
    return section(
        "quarantine",
        "Quarantine",
        table(
            f"The first {len(rows)} items that could not be migrated",
            ("Key in the source", "Why"),
            rows,
        ),
        element("p", "All of them, with their content, in the artifacts bucket: ", code(uri)),
    )


def way_back(report: Report) -> Markup | None:
    """Snapshot and undo."""
    snapshot, undo = report.outcome.get("snapshot"), report.outcome.get("undo")
    if report.record["mode"] != "migrate" and not undo:
        return None
    asked = report.spec.get("snapshot")
    none = "none was asked for" if asked == "none" else "none was taken"
    no_undo = "none: nothing was there to be overwritten, or none was asked for"
    return section(
        "snapshot",
        "Snapshot and undo",
        facts(
            [
                (
                    "Snapshot of the source",
                    joined(f"{snapshot['type']} ", code(snapshot["arn"])) if snapshot else none,
                ),
                ("Destination as it was", code(undo["arn"]) if undo else no_undo),
            ]
        ),
    )


def _json(value: Any) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


def _number(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"
