"""What is tried again, when, and when no longer."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore import exceptions as botocore_exceptions
from hypothesis import given
from hypothesis import strategies as st

from tableferry.aws.retrying import BASE_SECONDS, CAP_SECONDS, Progress, Retrier
from tableferry.deadline import Deadline, OutOfTimeError
from tableferry.errors import (
    MigrationPausedError,
    PermissionMissingError,
    RequestRefusedError,
    StalledError,
    TableNotFoundError,
)
from tests.fakes import Clock, refusal

URL: Any = {"endpoint_url": "http://fake"}


class Bench:
    def __init__(self, seconds: float = 100_000.0, stall_seconds: float = 1800.0) -> None:
        self.clock = Clock()
        self.progress = Progress(stall_seconds, self.clock.now(), self.clock.now)
        self.look: Callable[[], None] = lambda: None
        self.waits: list[float] = []
        ends_at = self.clock.now() + seconds
        self.retrier = Retrier(
            Deadline(ends_at, ends_at, self.clock.now),
            self.progress,
            self.before_attempt,
            self.clock.sleep,
            self.wait,
        )

    def before_attempt(self) -> None:
        self.look()

    def wait(self, least: float, most: float) -> float:
        assert least == 0
        self.waits.append(most)
        return most

    def call(self, *answers: Any, **options: Any) -> Any:
        """Makes a request that gets these answers one after the other, the last one for ever."""
        left = list(answers)

        def attempt() -> Any:
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return self.retrier.call(attempt, operation="Scan", table="Source", **options)


THROTTLE = refusal("ProvisionedThroughputExceededException")
PASSING = [
    THROTTLE,
    refusal("ThrottlingException"),
    refusal("RequestLimitExceeded"),
    refusal("TransactionConflictException"),
    refusal("InternalServerError", status=500),
    refusal("Unheard", status=503),
    refusal("ExpiredTokenException"),
    botocore_exceptions.ReadTimeoutError(**URL),
    botocore_exceptions.ConnectTimeoutError(**URL),
    botocore_exceptions.EndpointConnectionError(**URL),
    botocore_exceptions.ConnectionClosedError(**URL),
    botocore_exceptions.ResponseStreamingError(error="cut off"),
    botocore_exceptions.ChecksumError(
        checksum_type="crc32", expected_checksum="1", actual_checksum="2"
    ),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: f"{type(error).__name__}-{error}")
def test_what_passes_is_tried_again(error: Exception) -> None:
    bench = Bench()
    assert bench.call(error, error, "answer") == "answer"
    assert len(bench.waits) == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("AccessDeniedException"), PermissionMissingError),
        (refusal("UnrecognizedClientException"), PermissionMissingError),
        (refusal("ResourceNotFoundException"), TableNotFoundError),
        (refusal("ValidationException", "no such key"), RequestRefusedError),
    ],
)
def test_what_does_not_pass_is_our_own_error_at_once(
    error: Exception, expected: type[Exception]
) -> None:
    bench = Bench()
    with pytest.raises(expected, match=r"Scan.*on Source|Source"):
        bench.call(error)
    assert bench.waits == []


def test_a_refusal_keeps_awss_code() -> None:
    with pytest.raises(RequestRefusedError, match="ValidationException: no such key") as caught:
        Bench().call(refusal("ValidationException", "no such key"))
    assert caught.value.code == "ValidationException"


def test_a_defect_is_not_tried_again() -> None:
    bench = Bench()
    with pytest.raises(ZeroDivisionError):
        bench.call(ZeroDivisionError())
    assert bench.waits == []


def test_waits_double_up_to_the_cap() -> None:
    bench = Bench()
    bench.call(*[THROTTLE] * 30, "answer")
    assert bench.waits[:4] == [BASE_SECONDS, 2 * BASE_SECONDS, 4 * BASE_SECONDS, 8 * BASE_SECONDS]
    assert bench.waits[-1] == CAP_SECONDS == max(bench.waits)


def test_only_throttles_count_as_throttled() -> None:
    bench = Bench()
    bench.call(THROTTLE, refusal("InternalServerError", status=500), THROTTLE, "answer")
    assert bench.progress.take_throttled() == 2
    assert bench.progress.take_throttled() == 0


def test_half_an_hour_without_progress_is_a_stall() -> None:
    bench = Bench()
    with pytest.raises(StalledError, match="ProvisionedThroughputExceededException") as caught:
        bench.call(THROTTLE)
    assert 1800 <= bench.clock.slept < 1800 + CAP_SECONDS + 1
    assert "redrive" in caught.value.hint


def test_progress_elsewhere_in_the_worker_is_no_stall() -> None:
    bench = Bench()
    bench.look = bench.progress.made
    bench.call(*[THROTTLE] * 200, "answer")
    assert bench.clock.slept > 1800


def test_an_answer_that_achieved_nothing_is_no_progress() -> None:
    bench = Bench()
    bench.clock.sleep(1000)
    bench.call({"left": 25}, is_progress=lambda answer: answer["left"] < 25)
    assert bench.progress.silent_seconds == 1000
    bench.call({"left": 24}, is_progress=lambda answer: answer["left"] < 25)
    assert bench.progress.silent_seconds == 0


def test_no_attempt_begins_once_time_is_up() -> None:
    bench = Bench(seconds=0)
    with pytest.raises(OutOfTimeError):
        bench.call(AssertionError("an attempt was made"))


def test_time_that_runs_out_in_a_wait_ends_it() -> None:
    bench = Bench(seconds=30)
    with pytest.raises(OutOfTimeError):
        bench.call(THROTTLE)
    assert bench.clock.slept <= 31


def test_a_stop_is_seen_within_a_second_of_a_wait() -> None:
    bench = Bench()
    started_at = bench.clock.now()

    def look() -> None:
        if bench.clock.now() - started_at >= 40:
            raise MigrationPausedError("stopped")

    bench.look = look
    with pytest.raises(MigrationPausedError):
        bench.call(THROTTLE)
    assert bench.clock.slept <= 41


def test_the_watch_is_asked_before_every_attempt() -> None:
    bench = Bench()
    asked = 0

    def look() -> None:
        nonlocal asked
        asked += 1

    bench.look = look
    bench.waits = []
    bench.retrier = Retrier(
        bench.retrier.deadline, bench.progress, look, bench.clock.sleep, lambda least, most: 0.0
    )
    bench.call(THROTTLE, THROTTLE, "answer")
    assert asked == 3


@given(st.integers(0, 10_000))
def test_no_wait_is_longer_than_the_cap(tries: int) -> None:
    bench = Bench()
    bench.retrier.pause(tries, "Scan on Source", json.dumps({}))
    assert bench.clock.slept <= CAP_SECONDS + 1e-9
