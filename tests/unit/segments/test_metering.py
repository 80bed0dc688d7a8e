import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tableferry.aws.retrying import Progress
from tableferry.model import Counts, Work
from tableferry.observe import count_work, metrics, throttled_by
from tableferry.segments.metering import REPORT_SECONDS, Meter


class Watcher:
    """Keeps what a meter reports, by a clock that the test turns."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.reports: list[tuple[Counts, Mapping[str, int]]] = []
        self.progress = Progress(1800, 0.0, self.now)
        self.meter = Meter(lambda *report: self.reports.append(report), self.progress, self.now)

    def now(self) -> float:
        return self.seconds


def test_what_was_done_is_told_every_minute_and_at_the_end_and_once() -> None:
    watcher = Watcher()
    with watcher.meter:
        watcher.meter.add(Counts(read=10))
        watcher.seconds = REPORT_SECONDS - 1
        watcher.meter.add(Counts(read=20))
        assert watcher.reports == []
        watcher.seconds = REPORT_SECONDS
        watcher.meter.add(Counts(read=30))
        watcher.meter.add(Counts(read=5, written=4))
    assert [(counts.read, counts.written) for counts, _ in watcher.reports] == [(60, 0), (5, 4)]


def test_a_worker_that_fails_tells_what_it_did_and_what_throttled_it() -> None:
    watcher = Watcher()
    with pytest.raises(ValueError, match="bad page"), watcher.meter:
        watcher.meter.add(Counts(read=10))
        watcher.progress.saw_throttle("TableWriteKeyRangeThroughputExceeded")
        watcher.progress.saw_throttle()
        raise ValueError("bad page")
    [(counts, reasons)] = watcher.reports
    assert (counts.read, counts.throttled) == (10, 2)
    assert reasons == {"TableWriteKeyRangeThroughputExceeded": 1, "": 1}


@pytest.mark.parametrize(
    ("reason", "metric"),
    [
        ("TableWriteKeyRangeThroughputExceeded", "ThrottledByKeyRange"),
        ("IndexWriteProvisionedThroughputExceeded", "ThrottledByProvisioned"),
        ("TableReadMaxOnDemandThroughputExceeded", "ThrottledByMaxOnDemand"),
        ("TableReadAccountLimitExceeded", "ThrottledByAccountLimit"),
        ("", "ThrottledOtherwise"),
    ],
)
def test_each_reason_of_aws_is_a_metric(reason: str, metric: str) -> None:
    assert throttled_by(reason) == metric


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    provider = metrics.provider
    monkeypatch.setattr(provider, "namespace", "Tableferry")
    monkeypatch.setattr(provider, "service", "stack")
    yield "Tableferry"
    metrics.clear_metrics()


def test_figures_go_out_for_the_stack_the_work_and_the_run(
    namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = Counts(read=7, written=5, write_units=5.5, throttled=1)
    count_work("m1", Work.COPY, counts, {"TableWriteKeyRangeThroughputExceeded": 1})
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == namespace
    assert [sorted(names) for names in directive["Dimensions"]] == [
        ["service"],
        ["Work", "service"],
        ["Migration", "Work", "service"],
    ]
    assert (line["service"], line["Work"], line["Migration"]) == ("stack", "copy", "m1")
    assert line["ItemsRead"] == [7.0]
    assert line["WriteUnits"] == [5.5]
    assert line["ThrottledByKeyRange"] == [1.0]
