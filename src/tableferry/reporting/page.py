"""The page itself: self-contained, without a script, and without a request to anywhere."""

import re
from functools import cache
from pathlib import Path

from tableferry.reporting.gathering import Report
from tableferry.reporting.markup import Markup, element, joined
from tableferry.reporting.speed import plan_and_actual, rates, segments
from tableferry.reporting.states import state_graph
from tableferry.reporting.summary import failures, head, tiles, title_of
from tableferry.reporting.tables_moved import moved, quarantine, sync, verification, way_back
from tableferry.shown_time import clock

_STYLE = Path(__file__).with_name("style.css")
# Whatever slipped through: nothing is loaded, nothing runs.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_HEADING = re.compile(r'<section id="([a-z]+)"[^>]*><h2[^>]*>([^<]*)</h2>')


def render(report: Report) -> str:
    """The report as one HTML document."""
    parts = [
        part
        for part in (
            verification(report),
            failures(report),
            moved(report),
            state_graph(report),
            rates(report),
            plan_and_actual(report),
            segments(report),
            sync(report),
            quarantine(report),
            way_back(report),
        )
        if part is not None
    ]
    body = element(
        "body",
        element("a", "Skip to the report", class_="skip", href="#report"),
        element("header", head(report), tiles(report), _contents(joined(parts))),
        element("main", parts, id="report"),
        element("footer", _foot(report)),
    )
    page = element("html", _document_head(report), body, lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _document_head(report: Report) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("link", rel="icon", href="data:,"),
        element("title", f"{title_of(report)}: {report.status} – Tableferry"),
        element("style", _style()),
    )


@cache
def _style() -> Markup:
    return Markup(_STYLE.read_text(encoding="utf-8"))


def _contents(parts: Markup) -> Markup:
    """Links to the sections that are there."""
    found = [(anchor, Markup(title)) for anchor, title in _HEADING.findall(parts)]
    links = [element("li", element("a", title, href=f"#{anchor}")) for anchor, title in found]
    return element("nav", element("ul", links), aria_label="Sections")


def _foot(report: Report) -> Markup:
    return joined(
        element("p", f"Written by Tableferry at {clock(report.written_at)}. Times are UTC."),
        element(
            "p",
            "The same as a document for programs lies beside this page, as a file that ends in ",
            element("code", ".json"),
            ".",
        ),
    )
