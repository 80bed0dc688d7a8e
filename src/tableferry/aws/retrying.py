"""When and how long to wait before a request is made again, and when to give up.

Throttles and server faults are retried with full jitter for as long as there is progress anywhere
in the worker; without progress for `stall_seconds` the worker fails with StalledError, which a
redrive takes up again.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from botocore import exceptions as botocore_exceptions

from tableferry.deadline import Deadline
from tableferry.errors import (
    PermissionMissingError,
    RequestRefusedError,
    StalledError,
    TableNotFoundError,
)

Answer = TypeVar("Answer")

BASE_SECONDS = 0.05
CAP_SECONDS = 20.0

# [BC dynamodb] error codes of the data plane; statements of a batch spell some of them without
# "Exception".
THROTTLE_CODES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "RequestLimitExceeded",
        "TransactionConflictException",
        "TransactionConflict",
    }
)
FAULT_CODES = frozenset(
    {"InternalServerError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException"}
)
# Credentials that ran out are refreshed by botocore before the next signature.
EXPIRED_CODES = frozenset({"ExpiredTokenException", "ExpiredToken", "RequestExpired"})
DENIED_CODES = frozenset({"AccessDeniedException", "AccessDenied", "UnrecognizedClientException"})

READS = frozenset({"Scan", "Query", "GetItem", "BatchGetItem"})

TRANSPORT_ERRORS = (
    botocore_exceptions.HTTPClientError,
    botocore_exceptions.ConnectionError,
    botocore_exceptions.ChecksumError,
)


def error_code(error: Exception) -> str:
    """AWS's code of an error answer, empty for anything else."""
    if isinstance(error, botocore_exceptions.ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def is_throttle(error: Exception) -> bool:
    return error_code(error) in THROTTLE_CODES


def throttling_reason(error: Exception) -> str:
    """Why a request was throttled, `TableWriteKeyRangeThroughputExceeded` for one; empty where AWS
    does not say. [BC dynamodb ThrottlingReason; ThrottlingException spells the list in lower case]
    """
    return next(iter(throttling_reasons(error)), "")


def throttling_reasons(error: Exception) -> list[str]:
    """All the reasons that AWS gives for a throttle, in its order."""
    answer: dict[str, Any] = getattr(error, "response", {})
    listed = answer.get("ThrottlingReasons") or answer.get("throttlingReasons") or []
    return [str(each.get("reason", "")) for each in listed]


def is_worth_retrying(error: Exception) -> bool:
    """True for throttles, faults on AWS's side and broken connections; never decided by a
    message.
    """
    if isinstance(error, botocore_exceptions.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = error_code(error)
        return code in THROTTLE_CODES | FAULT_CODES | EXPIRED_CODES or status >= 500
    return isinstance(error, TRANSPORT_ERRORS)


def final_error(error: Exception, operation: str, table: str) -> Exception:
    """Our error for a refusal that no retry mends."""
    code = error_code(error)
    if code in DENIED_CODES:
        return PermissionMissingError(
            f"dynamodb:{operation} on {table} was refused ({code})",
            hint="give the function's role this action on the table (parameters "
            "SourceTablePattern and DestinationTablePattern), then redrive",
        )
    if code == "ResourceNotFoundException":
        return TableNotFoundError(
            f"table {table} is not there ({operation})",
            hint="check name, account and Region; restore a table that was deleted in mid-run",
        )
    if isinstance(error, botocore_exceptions.ClientError):
        message = error.response.get("Error", {}).get("Message", "")
        return RequestRefusedError(f"{operation} on {table}: {code}: {message}", code=code)
    return error


@dataclass(slots=True)
class Progress:
    """When anything was last achieved; shared by a worker's threads."""

    stall_seconds: float
    last_at: float
    now: Callable[[], float] = time.time
    throttled: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    is_answer_missing: bool = False
    """A write got no answer: it may still arrive, after its lease was given back."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def made(self) -> None:
        self.last_at = self.now()

    @property
    def silent_seconds(self) -> float:
        return self.now() - self.last_at

    def saw_throttle(self, reason: str = "") -> None:
        with self._lock:
            self.throttled += 1
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def take_throttled(self) -> int:
        """Throttles since the last time they were taken."""
        with self._lock:
            taken, self.throttled = self.throttled, 0
        return taken

    def take_reasons(self) -> dict[str, int]:
        """Throttles by AWS's reason since the last time they were taken."""
        with self._lock:
            taken, self.reasons = self.reasons, {}
        return taken

    def check(self, what: str, last_error: str) -> None:
        if self.silent_seconds >= self.stall_seconds:
            raise StalledError(
                f"{what}: no progress for {self.silent_seconds:.0f} s; "
                f"the last answer was {last_error}",
                hint="raise the table's capacity or lower maxConcurrency, then redrive",
            )


def every_answer(_answer: object) -> bool:
    return True


def nothing_refused(_answer: object) -> float:
    return 0.0


class Toll(Protocol):
    """What one request pays in capacity units, each of its tries anew (tolls.py)."""

    def begin(self) -> None: ...

    def wait(self) -> float: ...

    def fail(self, reasons: list[str] | None) -> None: ...

    def succeed(self, answer: Any) -> None: ...


class Tolls(Protocol):
    """A worker's pace, as far as requests need it (tolls.py)."""

    def toll(self, operation: str, guess: float, refused_share: Callable[[Any], float]) -> Toll: ...


@dataclass(frozen=True, slots=True)
class Retrier:
    """Makes attempts until one succeeds, time is up, the worker must stop, or progress has stalled.

    `before_attempt` is asked before every attempt: the watch on stop flag and owner.
    """

    deadline: Deadline
    progress: Progress
    before_attempt: Callable[[], None]
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform
    tolls: Tolls | None = None

    def call(
        self,
        attempt: Callable[[], Answer],
        *,
        operation: str,
        table: str,
        is_progress: Callable[[Answer], bool] = every_answer,
        guess: float = 1.0,
        refused_share: Callable[[Answer], float] = nothing_refused,
    ) -> Answer:
        """The answer of the first attempt that is not refused for a passing reason.

        `is_progress` tells whether an answer achieved anything: a 200 may leave everything
        unprocessed, or the part that `refused_share` tells. `guess` is what it costs in units as
        long as nothing is known of the table. Raises OutOfTimeError, StalledError, what
        `before_attempt` raises, and our own error for a refusal that no retry mends.
        """
        tries = 0
        toll = self.tolls.toll(operation, guess, refused_share) if self.tolls else None
        while True:
            self._take_turn(toll)
            self.deadline.check_time()
            self.before_attempt()
            try:
                answer = attempt()
            except (botocore_exceptions.ClientError, *TRANSPORT_ERRORS) as error:
                self._note(error, operation, toll)
                if not is_worth_retrying(error):
                    raise final_error(error, operation, table) from error
                self.pause(tries, f"{operation} on {table}", error_code(error) or repr(error))
                tries += 1
            else:
                if toll is not None:
                    toll.succeed(answer)
                if is_progress(answer):
                    self.progress.made()
                return answer

    def _note(self, error: Exception, operation: str, toll: Toll | None) -> None:
        """What an error says of the table's capacity, and of writes whose end nobody knows."""
        if toll is not None:
            toll.fail(throttling_reasons(error) if is_throttle(error) else None)
        if isinstance(error, TRANSPORT_ERRORS) and operation not in READS:
            self.progress.is_answer_missing = True
        if is_throttle(error):
            self.progress.saw_throttle(throttling_reason(error))

    def _take_turn(self, toll: Toll | None) -> None:
        """Waits until the worker's pace lets the request be sent."""
        if toll is None:
            return
        toll.begin()
        while seconds := toll.wait():
            self.rest(seconds)

    def pause(self, tries: int, what: str, last_error: str) -> None:
        """Sleeps with full jitter, in short steps so that a stop is seen; raises when it would
        be in vain.
        """
        self.progress.check(what, last_error)
        self.rest(self.uniform(0, min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(tries, 20))))

    def rest(self, seconds: float) -> None:
        """Sleeps so long, in short steps so that a stop is seen; raises when time is up."""
        while seconds > 0:
            self.deadline.check_time()
            self.before_attempt()
            step = min(seconds, 1.0)
            self.sleep(step)
            seconds -= step
