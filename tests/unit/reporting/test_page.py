"""The report of a run: what is in it, and that it needs nothing but itself."""

import re
from dataclasses import replace
from typing import Any

import pytest

from tableferry.aws.executions import HistoryEvent
from tableferry.errors import PermissionMissingError
from tableferry.model import Counts, Work
from tableferry.reporting.gathering import Report, gather
from tableferry.reporting.markup import visible
from tableferry.reporting.page import render
from tableferry.runs.recording import Findings
from tableferry.runs.work_summary import summarise
from tests.reports import (
    BEGAN,
    HOSTILE,
    MOVING,
    Histories,
    Quarantines,
    ending,
    histories,
    quarantine,
    record,
    report,
    way,
)
from tests.unit.reporting.test_markup import Seen


def text_of(found: Report) -> str:
    page = re.sub(r"<style>.*?</style>", "", render(found), flags=re.DOTALL)
    return " ".join(Seen(page).text.split())


def sections(found: Report) -> set[str]:
    return {str(attrs["id"]) for tag, attrs in Seen(render(found)).elements if tag == "section"}


def test_a_good_run_shows_all_that_there_is_to_know() -> None:
    text = text_of(report())
    for words in (
        "prefs-v2✓ SUCCEEDED",
        "UserPreferences →into UserPreferencesV2 · 1 min 35 s",
        "119,680items written",
        "✓ The tables match",
        "CopySourceToDestination, succeeded 1 min 1 s",
        "copy: 120,000 items in",
        "Slowest segments, copy (10)",
        "Most throttled segments, copy (5)",
        "arn:aws:dynamodb:…:backup/016",
        "backup arn:aws:dynamodb:…:backup/017",
        "The plan's bottleneck: workers.",
    ):
        assert words in text
    assert sections(report()) == {
        "verification",
        "moved",
        "states",
        "rate",
        "plan",
        "segments",
        "quarantine",
        "snapshot",
    }


def test_a_bad_run_says_what_failed_and_what_to_do() -> None:
    text = text_of(report(good=False))
    for words in (
        "✗ FAILED",
        "VerificationFailedError",
        "What to do:",
        "✗ The tables do not match",
        "s3://artifacts/outcomes/prefs-v2.differences.jsonl",
        "CompareTables, failed 0.7 s",
        "redriven 2 times",
        "ItemError 3 segments",
    ):
        assert words in text
    assert "errors" in sections(report(good=False))


@pytest.mark.parametrize("good", [True, False])
def test_the_page_needs_nothing_but_itself(good: bool) -> None:
    elements = Seen(render(report(good=good))).elements
    tags = {tag for tag, _ in elements}
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "base"}
    for _, attrs in elements:
        assert not [name for name in attrs if name.startswith("on")]
        for name in ("href", "src", "action", "srcset"):
            value = attrs.get(name) or "#"
            assert value.startswith("#") or value == "data:,"
    page = render(report(good=good))
    assert "url(" not in page.split("</style>")[0]
    assert "@import" not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_keys_and_errors_are_shown_as_they_are(text: str) -> None:
    shown = text_of(report(good=False))
    # Whatever a key holds stands in the page as JSON does, with hidden characters spelt out.
    assert " ".join(f"does not fit: {visible(text)}".split()) in shown


def test_every_link_leads_into_the_page() -> None:
    elements = Seen(render(report(good=False))).elements
    ids = [attrs["id"] for _, attrs in elements if "id" in attrs]
    links = [str(attrs["href"]) for tag, attrs in elements if tag == "a"]
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert {f"#{each}" for each in sections(report(good=False))} <= set(links)


def test_headings_go_down_one_by_one() -> None:
    levels = [int(tag[1]) for tag, _ in Seen(render(report())).elements if re.match(r"h\d$", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_the_last_state_counts_as_done_once_the_outcome_does() -> None:
    assert "RecordOutcome, succeeded" in text_of(report())
    running = replace(ending().state, status="RUNNING", ended_at=0.0)
    made = gather(replace(ending(), state=running), histories(), quarantine(), BEGAN + 95)
    assert "RecordOutcome, running" in text_of(made)


def test_turns_choices_and_failed_attempts_are_told() -> None:
    events = way(("ValidateMigration", 2.0), ("WhichMode?", 0.0), *MOVING[3:8])
    events.insert(1, HistoryEvent("TaskFailed", BEGAN + 1, error="TransientError"))
    made = gather(ending(), Histories(events), quarantine(), BEGAN)
    text = text_of(made)
    assert "ValidateMigration, succeeded 1 failed attempt" in text
    assert "DestinationReady?, succeeded 2 times, → WaitForDestination" in text


def test_redrives_are_told() -> None:
    events = way(*MOVING, last="ExecutionFailed")
    events.append(HistoryEvent("ExecutionRedriven", BEGAN + 200))
    made = gather(ending(good=False), Histories(events), quarantine(), BEGAN + 300)
    assert "Redriven at" in text_of(made)


class Refusing:
    """Credentials that may not look."""

    def __getattr__(self, name: str) -> Any:
        raise PermissionMissingError(f"{name} was refused")


def test_what_can_not_be_read_is_left_out_and_the_page_says_why() -> None:
    made = gather(ending(), Refusing(), Refusing(), BEGAN)
    text = text_of(made)
    assert "Not shown: definition was refused" in text
    assert "Not shown: quarantined was refused" in text
    assert "119,680items written" in text


def test_a_run_without_quarantine_asks_for_none() -> None:
    made = ending()
    nothing = replace(made, found=Findings({}, []))
    assert gather(nothing, histories(), Refusing(), BEGAN).quarantined == ()


@pytest.mark.parametrize("mode", ["count", "clean"])
def test_other_modes_have_a_page_too(mode: str) -> None:
    made = ending()
    outcome = {"mode": mode, "sourceItems": 3, "destinationItems": None, "deleted": 7}
    other = replace(made, record={**made.record, "mode": mode}, outcome=outcome)
    text = text_of(gather(other, histories(), Quarantines([]), BEGAN))
    assert f"prefs-v2 ({mode})" in text
    assert "7items deleted" in text


def test_a_live_run_shows_its_sync() -> None:
    made = ending()
    outcome = {
        **made.outcome,
        "sync": {"applied": 1234, "conflicts": 0, "dirty": 2},
        "cleanup": {"tombstones": 9},
    }
    text = text_of(gather(replace(made, outcome=outcome), histories(), quarantine(), BEGAN))
    assert "Changes applied1,234" in text
    assert "Tombstones swept9" in text


def test_a_page_with_100000_segments_stays_small() -> None:
    records = [record(number) for number in range(100_000)]
    work = summarise(Work.COPY, len(records), records, Counts(read=1))
    assert len(render(replace(report(), works=(work,)))) < 100_000


def test_a_work_of_a_second_has_no_curve() -> None:
    quick = replace(report().works[0], ended_at=report().works[0].began_at + 1)
    assert "rate" not in sections(replace(report(), works=(quick,)))
