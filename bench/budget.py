"""How a budget is used, second by second: workers before a fault proxy with a table's limits.

python -m bench.budget [--workers 8] [--units 5000] [--seconds 40]
"""

import argparse
import json
import time
from dataclasses import dataclass

from bench.processes import process
from bench.workers import Fleet
from tableferry.limits import RunLimits
from tableferry.local.faults import Latency, Limits, RemoteFaultProxy, Slow

WINDOW_SECONDS = 5.0
_EVERY = 0.25

Sample = tuple[float, float]


@dataclass(frozen=True)
class BudgetUse:
    """What came of a run; shares are of the budget, `settled_seconds` how long after `limit` the
    rate was, and stayed, within a tenth of the new budget.
    """

    used_share: float
    worst_window_share: float
    throttled_share: float
    requests: int
    halved_share: float
    settled_seconds: float


def measure(workers: int, units: float, seconds: float) -> BudgetUse:
    """Copies under a budget of `units`, which is halved for as long again."""
    with process("bench.engine", "--items", "100000000") as engine, process(
        "tableferry.local.faults", "--upstream", engine["endpoint"], "--until-stdin-closes",
        "--signature-seconds", "0",
    ) as started:  # fmt: skip
        proxy = RemoteFaultProxy(started["endpoint"])
        proxy.limit("destination", Limits(write_units=units))
        latency = Latency(median_seconds=0.010, p99_seconds=0.030)
        proxy.add(Slow(latency=latency), operations="BatchWriteItem")
        fleet = Fleet(engine["endpoint"], proxy.endpoint_url, workers, limits_of(units, workers))
        whole = 2 * seconds + 4
        with fleet.running(whole + 40):
            first = _watch(proxy, seconds)
            fleet.limit(limits_of(units / 2, workers))
            second = _watch(proxy, seconds)
            fleet.end()
        tried, throttled = _requests(proxy)
    return BudgetUse(
        used_share=_rate(first) / units,
        worst_window_share=max(_window_rates(first)) / units,
        throttled_share=throttled / tried,
        requests=tried,
        halved_share=_rate(_after(second, 10.0)) / (units / 2),
        settled_seconds=_settled(second, units / 2),
    )


def limits_of(units: float, workers: int) -> RunLimits:
    return RunLimits(workers, write_units=units)


def _watch(proxy: RemoteFaultProxy, seconds: float) -> list[Sample]:
    """(moment, write units used so far), from the first write on."""
    samples: list[Sample] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        used = proxy.used("destination")[1]
        if used:
            samples.append((time.monotonic(), used))
        time.sleep(_EVERY)
    return samples


def _requests(proxy: RemoteFaultProxy) -> tuple[int, int]:
    """How many writes were tried, and how many of them were refused in whole or in part."""
    calls = proxy.calls.select(operations="BatchWriteItem")
    return len(calls), sum(bool(call.error or call.unprocessed) for call in calls)


def _rate(samples: list[Sample]) -> float:
    (began, before), (ended, after) = samples[0], samples[-1]
    return (after - before) / (ended - began)


def _after(samples: list[Sample], seconds: float) -> list[Sample]:
    return [sample for sample in samples if sample[0] >= samples[0][0] + seconds]


def _window_rates(samples: list[Sample], window: float = WINDOW_SECONDS) -> list[float]:
    """The rate over every stretch of `window` seconds."""
    rates = []
    for place, (began, _) in enumerate(samples):
        within = [sample for sample in samples[place:] if sample[0] <= began + window]
        if within[-1][0] - began >= window - 2 * _EVERY:
            rates.append(_rate(within))
    return rates


def _settled(samples: list[Sample], units: float) -> float:
    """When the last stretch of five seconds began that was off by more than a tenth."""
    late = samples[0][0]
    for place, (began, _) in enumerate(samples):
        within = [sample for sample in samples[place:] if sample[0] <= began + WINDOW_SECONDS]
        if within[-1][0] - began < WINDOW_SECONDS - 2 * _EVERY:
            break
        if abs(_rate(within) / units - 1) > 0.1:
            late = began
    return late - samples[0][0]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.budget", description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--units", type=float, default=5000.0)
    parser.add_argument("--seconds", type=float, default=40.0)
    options = parser.parse_args()
    found = measure(options.workers, options.units, options.seconds)
    print(json.dumps(found.__dict__, indent=1))


if __name__ == "__main__":
    main()
