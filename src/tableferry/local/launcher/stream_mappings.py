"""Gap: DynamoDB stream mappings keep their promises.

Stock: `batchItemFailures`, `MaximumRetryAttempts` and `BisectBatchOnFunctionError` are ignored,
so that a partly failed batch is lost without a word and a failing one is tried for ever; and one
thread invokes the functions of all mappings in turn, so that a slow one holds up the others. Here
each mapping is driven on its own, one batch at a time, in order. Source: AWS Lambda developer
guide, "Process DynamoDB records with Lambda" and "Configuring partial batch response".
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ministack.services import dynamodb, lambda_svc

from tableferry.local.launcher import patching

FIRST_BACKOFF_SECONDS = 0.1
LAST_BACKOFF_SECONDS = 5.0
FOR_EVER = -1

Mapping = dict[str, Any]
Record = dict[str, Any]


@dataclass(slots=True)
class Progress:
    """Where a mapping stands; `ends` are those of batches that must not grow, innermost last."""

    position: int
    ends: list[int] = field(default_factory=list)
    attempts: int = 0

    def passed(self, position: int) -> None:
        """Everything before `position` is done with."""
        if position > self.position:
            self.position = position
            self.attempts = 0
        while self.ends and self.ends[-1] <= self.position:
            self.ends.pop()


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of a table's stream, and what the mapping's filter leaves of them."""

    mapping: Mapping
    function: dict[str, Any]
    start: int
    raw: list[Record]
    records: list[Record]

    @property
    def end(self) -> int:
        return self.start + len(self.raw)

    def position_of(self, sequence_number: str) -> int | None:
        """The stream position of the record with that number, None when it is not in the batch."""
        for index, record in enumerate(self.raw):
            if record["dynamodb"]["SequenceNumber"] == sequence_number:
                return self.start + index
        return None


_progress: dict[str, Progress] = {}
_busy: set[str] = set()
_lock = threading.Lock()


def close() -> None:
    patching.replace(lambda_svc, "_poll_dynamodb_streams", poll, digest="2b2460e933a9")


def poll() -> bool:
    """Stands in for MiniStack's: set every idle mapping with records to work; True when any was."""
    started = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        if not mapping.get("Enabled", True) or mapping["UUID"] in _busy:
            continue
        with _scope(account, region):
            if lambda_svc._esm_backoff_until.get(mapping["UUID"], 0) > time.time():
                continue
            batch = _next_batch(mapping)
            if batch is not None:
                _busy.add(mapping["UUID"])
                lambda_svc.spawn_background(_work, batch, thread_name="stream-mapping")
                started = True
    return started


@contextmanager
def _scope(account: str, region: str) -> Iterator[None]:
    account_token = lambda_svc._request_account_id.set(account)
    region_token = lambda_svc._request_region.set(region)
    try:
        yield
    finally:
        lambda_svc._request_account_id.reset(account_token)
        lambda_svc._request_region.reset(region_token)


def _next_batch(mapping: Mapping) -> Batch | None:
    table_name = _table_name(mapping)
    if table_name is None:
        return None
    function, _config = lambda_svc._get_func_record_for_qualifier(
        mapping["FunctionName"], mapping.get("Qualifier")
    )
    if function is None:
        return None
    progress = _progress_of(mapping, table_name)
    limit = int(mapping.get("BatchSize") or 100)
    if progress.ends:
        limit = min(limit, progress.ends[-1] - progress.position)
    raw = dynamodb.stream_records_since(table_name, progress.position, limit)
    if not raw:
        return None
    records = lambda_svc._apply_filter_criteria(raw, mapping)
    return Batch(mapping, function, progress.position, list(raw), records)


def _table_name(mapping: Mapping) -> str | None:
    arn = mapping.get("EventSourceArn", "")
    if ":dynamodb:" not in arn or "/stream/" not in arn:
        return None
    name = arn.split("/stream/")[0].split("/")[-1]
    table = dynamodb._tables.get(name)
    if not table or table.get("LatestStreamArn") != arn:
        return None
    return str(name)


def _progress_of(mapping: Mapping, table_name: str) -> Progress:
    """MiniStack sets the first position when the mapping is made; then it is kept here."""
    horizon = dynamodb.stream_start_position(table_name)
    with _lock:
        progress = _progress.get(mapping["UUID"])
        if progress is None:
            start = lambda_svc._dynamodb_stream_positions.get(mapping["UUID"], horizon)
            progress = _progress[mapping["UUID"]] = Progress(start)
        progress.passed(horizon)
        return progress


def _work(batch: Batch) -> None:
    identity = batch.mapping["UUID"]
    progress = _progress[identity]
    try:
        if not batch.records:
            progress.passed(batch.end)
            return
        result = lambda_svc._execute_function(batch.function, {"Records": batch.records})
        failed_at = _failed_at(batch, result)
        if failed_at is None:
            batch.mapping["LastProcessingResult"] = f"OK - {len(batch.records)} records"
            lambda_svc._esm_backoff_until.pop(identity, None)
            progress.passed(batch.end)
        else:
            batch.mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
            _retry(batch, progress, failed_at, result)
    finally:
        _busy.discard(identity)
        lambda_svc._esm_wake.set()


def _failed_at(batch: Batch, result: dict[str, Any]) -> int | None:
    """The position from which the batch must be tried again; None when all of it succeeded."""
    if result.get("error"):
        return batch.start
    if "ReportBatchItemFailures" not in (batch.mapping.get("FunctionResponseTypes") or []):
        return None
    body = result.get("body")
    if body is None or body == {}:
        return None
    if not isinstance(body, dict) or "batchItemFailures" not in body:
        return batch.start
    failures = body["batchItemFailures"] or []
    positions = [_position(batch, failure) for failure in failures]
    if any(position is None for position in positions):
        return batch.start
    return min((position for position in positions if position is not None), default=None)


def _position(batch: Batch, failure: Any) -> int | None:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return batch.position_of(str(identifier)) if identifier else None


def _retry(batch: Batch, progress: Progress, failed_at: int, result: dict[str, Any]) -> None:
    """Keep what is left of the batch for another attempt, split it, or give it up."""
    progress.passed(failed_at)
    if not progress.ends or progress.ends[-1] != batch.end:
        progress.ends.append(batch.end)
    if result.get("throttle"):
        _back_off(batch, progress)
        return
    left = batch.end - failed_at
    if batch.mapping.get("BisectBatchOnFunctionError") and left > 1:
        # A split does not use up a retry.
        progress.ends.append(failed_at + left // 2)
        return
    progress.attempts += 1
    condition = _given_up(batch, progress)
    if condition is None:
        _back_off(batch, progress)
        return
    remaining = batch.raw[failed_at - batch.start :]
    lambda_svc._send_ddb_stream_failure_record(
        batch.mapping,
        batch.function,
        remaining,
        batch.mapping["EventSourceArn"],
        result,
        condition,
    )
    progress.passed(batch.end)


def _given_up(batch: Batch, progress: Progress) -> str | None:
    retries = batch.mapping.get("MaximumRetryAttempts")
    if retries not in (None, FOR_EVER) and progress.attempts > int(retries):
        return "RetryAttemptsExhausted"
    age = batch.mapping.get("MaximumRecordAgeInSeconds")
    oldest = batch.raw[progress.position - batch.start]["dynamodb"]["ApproximateCreationDateTime"]
    if age not in (None, FOR_EVER) and time.time() - float(oldest) > int(age):
        return "MaxRecordAgeExceeded"
    return None


def _back_off(batch: Batch, progress: Progress) -> None:
    doublings = min(max(progress.attempts - 1, 0), 10)
    seconds = min(FIRST_BACKOFF_SECONDS * 2**doublings, LAST_BACKOFF_SECONDS)
    lambda_svc._esm_backoff_until[batch.mapping["UUID"]] = time.time() + seconds
    wake = threading.Timer(seconds, lambda_svc._esm_wake.set)
    wake.daemon = True
    wake.start()
