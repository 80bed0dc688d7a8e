"""Writing the report of a run where its outcome lies."""

from typing import Protocol

from tableferry.reporting.gathering import Histories, Quarantines, gather
from tableferry.reporting.page import render
from tableferry.runs.recording import Ending, outcome_name


class Pages(Quarantines, Protocol):
    """The artifacts bucket, which takes the page and answers with its URI."""

    def write_report(self, name: str, page: str) -> str: ...


def write_report(ending: Ending, histories: Histories, bucket: Pages, now: float) -> str:
    """Writes the page beside the outcome; returns its URI."""
    page = render(gather(ending, histories, bucket, now))
    return bucket.write_report(outcome_name(ending.record), page)
