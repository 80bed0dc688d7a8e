"""How a table's capacity is used, second by second: workers before a fault proxy with limits.

    python -m bench.budget [--workers 8] [--units 5000] [--seconds 40] [--item-units 4]
    python -m bench.budget --nice

The first copies under a budget, and halves it with `limit`. The second copies in nice mode without
a budget, while an application uses a fifth of the capacity. All moments are the proxy's own. Items
of several units leave more of a small machine to the proxy, which is what is measured with.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import accumulate, count
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from bench.engine import item
from bench.processes import process
from bench.workers import Fleet
from tableferry.limits import RunLimits
from tableferry.local.faults import Latency, Limits, RemoteFaultProxy, Slow

WINDOW_SECONDS = 5.0
# Workers begin and read their first page.
_WARM_SECONDS = 2.0
_BATCH = 25
_APPLICATION = "bench-application"

Use = list[tuple[float, float]]


@dataclass(frozen=True)
class BudgetUse:
    """What came of a run; shares are of the budget, `settled_seconds` how long after `limit` a
    window that was off by more than a tenth still began.
    """

    used_share: float
    worst_window_share: float
    throttled_share: float
    requests: int
    halved_share: float
    settled_seconds: float


@dataclass(frozen=True)
class Niceness:
    """Shares: of the application's items that were refused; of what it left, that was used."""

    application_refused_share: float
    application_items: int
    used_share_of_the_rest: float
    workers_throttled_share: float


def measure(workers: int, units: float, seconds: float, item_units: int) -> BudgetUse:
    """Copies under a budget of `units`, which is halved for as long again."""
    limits = RunLimits(workers, write_units=units)
    with _limited_table(units, item_units) as (engine, proxy):
        fleet = Fleet.over_http(engine, proxy.endpoint_url, workers, limits=limits)
        with fleet.running(2 * seconds + 60):
            proxy.calls.wait_for("BatchWriteItem")
            time.sleep(seconds)
            halved_at = time.time()
            fleet.limit(RunLimits(workers, write_units=units / 2))
            time.sleep(seconds)
            ended_at = time.time()
            fleet.end()
        calls = proxy.calls.select("BatchWriteItem", until=ended_at)
    use = [(call.at, call.write_units) for call in calls]
    began = use[0][0]
    return BudgetUse(
        used_share=_rate(use, began + _WARM_SECONDS, halved_at) / units,
        worst_window_share=max(
            rate for _, rate in _windows([each for each in use if each[0] < halved_at], began)
        )
        / units,
        throttled_share=sum(bool(call.error or call.unprocessed) for call in calls) / len(calls),
        requests=len(calls),
        halved_share=_rate(use, halved_at + 10.0, ended_at) / (units / 2),
        settled_seconds=_settled(use, halved_at, ended_at, units / 2),
    )


def measure_niceness(workers: int, units: float, seconds: float, item_units: int) -> Niceness:
    """Copies in nice mode, and has an application come that uses a fifth of the table."""
    with _limited_table(units, item_units) as (engine, proxy):
        limits = RunLimits(workers, nice=True)
        fleet = Fleet.over_http(engine, proxy.endpoint_url, workers, limits=limits)
        application = Application(proxy.endpoint_url, units / 5)
        with fleet.running(seconds + 60):
            proxy.calls.wait_for("BatchWriteItem")
            time.sleep(seconds / 4)
            came_at = time.time()
            with application.writing():
                time.sleep(seconds)
            went_at = time.time()
            fleet.end()
        calls = proxy.calls.select("BatchWriteItem", since=came_at, until=went_at)
    mine = [call for call in calls if call.access_key != _APPLICATION]
    use = [(call.at, call.write_units) for call in mine]
    return Niceness(
        application_refused_share=application.refused / application.tried,
        application_items=application.tried,
        used_share_of_the_rest=_rate(use, came_at, went_at) / (units * 4 / 5),
        workers_throttled_share=sum(bool(c.error or c.unprocessed) for c in mine) / len(mine),
    )


@dataclass
class Application:
    """Puts items at an even rate and takes refusals as they come."""

    endpoint: str
    rate: float
    tried: int = 0
    refused: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def writing(self) -> Iterator[None]:
        thread = threading.Thread(target=self._write)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _write(self) -> None:
        client = _client(self.endpoint)
        began = time.monotonic()
        for number in count():
            due = began + number * _BATCH / self.rate
            if self._ended.wait(max(0.0, due - time.monotonic())):
                return
            puts = [{"PutRequest": {"Item": item(number * _BATCH + n)}} for n in range(_BATCH)]
            self.tried += _BATCH
            self.refused += _refused(client, puts)


def _client(endpoint: str) -> Any:
    session = Session()
    session.set_credentials(_APPLICATION, "secret")
    once = Config(retries={"total_max_attempts": 1})
    return session.create_client("dynamodb", "us-east-1", endpoint_url=endpoint, config=once)


def _refused(client: Any, puts: list[dict[str, Any]]) -> int:
    try:
        answer = client.batch_write_item(RequestItems={"destination": puts})
    except ClientError:
        return len(puts)
    return sum(len(left) for left in answer["UnprocessedItems"].values())


@contextmanager
def _limited_table(units: float, item_units: int) -> Iterator[tuple[str, RemoteFaultProxy]]:
    """An engine, and before it a proxy whose table takes so many write units a second."""
    padding = str((item_units - 1) * 1024)
    with process(
        "bench.engine", "--items", "100000000", "--padding", padding
    ) as engine, process(
        "tableferry.local.faults", "--upstream", engine["endpoint"], "--until-stdin-closes",
        "--signature-seconds", "0",
    ) as started:  # fmt: skip
        proxy = RemoteFaultProxy(started["endpoint"])
        proxy.limit("destination", Limits(write_units=units))
        latency = Latency(median_seconds=0.010, p99_seconds=0.030)
        proxy.add(Slow(latency=latency), operations="BatchWriteItem")
        yield engine["endpoint"], proxy


def _rate(use: Use, begin: float, end: float) -> float:
    return sum(units for at, units in use if begin <= at < end) / (end - begin)


def _windows(use: Use, begin: float) -> Iterator[tuple[float, float]]:
    """(its begin, units a second) of the stretch of five seconds before every request."""
    sums = [0.0, *accumulate(units for _, units in use)]
    first = 0
    for place, (at, _) in enumerate(use):
        while use[first][0] <= at - WINDOW_SECONDS:
            first += 1
        if at - WINDOW_SECONDS >= begin:
            yield at - WINDOW_SECONDS, (sums[place + 1] - sums[first]) / WINDOW_SECONDS


def _settled(use: Use, begin: float, end: float, units: float) -> float:
    late = [
        moment - begin
        for moment, rate in _windows([each for each in use if begin <= each[0] < end], begin)
        if abs(rate / units - 1) > 0.1
    ]
    return max(late, default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.budget", description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--units", type=float, default=5000.0)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--item-units", type=int, default=4)
    parser.add_argument("--nice", action="store_true")
    options = parser.parse_args()
    measured = measure_niceness if options.nice else measure
    found = measured(options.workers, options.units, options.seconds, options.item_units)
    print(json.dumps(asdict(found), indent=1))


if __name__ == "__main__":
    main()
