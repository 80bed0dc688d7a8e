"""A seeded writer on a live migration whose processes are killed and frozen at random moments.

Seeds: TABLEFERRY_CHAOS_SEEDS many, from TABLEFERRY_CHAOS_FIRST_SEED on; each is printed with what
came of it.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from tableferry.local.faults import Latency, Reset, Slow
from tests.e2e.stack import Stack
from tests.support.independent_compare import assert_moved, differences, read_table
from tests.support.seeded_writer import SeededWriter

SEEDS = int(os.environ.get("TABLEFERRY_CHAOS_SEEDS", "2"))
FIRST_SEED = int(os.environ.get("TABLEFERRY_CHAOS_FIRST_SEED", "1"))
FUNCTIONS = ("CopySegment", "SyncChanges", "SweepSegment")
# So long may one invocation take: a batch whose process was killed waits this and the margin out.
SECONDS = 8
LONGEST_RUN = 300.0

TRANSFORM: list[dict[str, Any]] = [
    {"filter": "{% $not($exists(hidden)) %}"},
    {"rename": {"from": "v0", "to": "first"}},
    {"set": {"attribute": "schemaVersion", "value": 2}},
]
# The place moves, so the destination's key moves; it tells the source's key all the same.
DESTINATION = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("id", "place")
    ],
    "KeySchema": [
        {"AttributeName": "id", "KeyType": "HASH"},
        {"AttributeName": "place", "KeyType": "RANGE"},
    ],
}


def transformed(item: dict[str, Any]) -> dict[str, Any] | None:
    """The transform, in plain Python."""
    if "hidden" in item:
        return None
    renamed = {"first" if name == "v0" else name: value for name, value in item.items()}
    return {**renamed, "schemaVersion": {"N": "2"}}


@dataclass
class Chaos:
    """Kills and freezes busy function processes until it is told to stop."""

    stack: Stack
    dice: random.Random
    kills: dict[str, int] = field(default_factory=dict)
    freezes: dict[str, int] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def raging(self) -> Iterator["Chaos"]:
        thread = threading.Thread(target=self._rage, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _rage(self) -> None:
        while not self._stop.wait(self.dice.uniform(0.05, 1.5)):
            busy = [
                each
                for each in self.stack.home.workers()
                if each.is_busy and any(name in each.function_name for name in FUNCTIONS)
            ]
            if not busy:
                continue
            victim = self.dice.choice(busy)
            (name,) = (each for each in FUNCTIONS if each in victim.function_name)
            # A killed batch waits for its lease's end: a few kills of sync are enough of a run.
            if self.dice.random() < 0.4 and self.kills.get(name, 0) < 3:
                if _signal(victim.pid, signal.SIGKILL):
                    self.kills[name] = self.kills.get(name, 0) + 1
            elif _signal(victim.pid, signal.SIGSTOP):
                self.freezes[name] = self.freezes.get(name, 0) + 1
                # Up to beyond its lease and the margin, where the engine lets it live so long.
                self._stop.wait(self.dice.choice([0.2, 1.0, SECONDS - 1.0, SECONDS + 1.0]))
                _signal(victim.pid, signal.SIGCONT)


def _signal(pid: int, which: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, which)
        return True
    return False


@pytest.fixture(scope="module")
def hasty(deployed: Stack) -> Iterator[Stack]:
    """The stack with invocations that are short, so that a killed one's lease is over soon."""
    functions = deployed.client("lambda")
    names = [
        each["FunctionName"]
        for page in functions.get_paginator("list_functions").paginate()
        for each in page["Functions"]
        if any(name in each["FunctionName"] for name in FUNCTIONS)
    ]
    before = {
        name: functions.get_function_configuration(FunctionName=name)["Timeout"] for name in names
    }
    for name in names:
        functions.update_function_configuration(FunctionName=name, Timeout=SECONDS)
    yield deployed
    for name, timeout in before.items():
        functions.update_function_configuration(FunctionName=name, Timeout=timeout)


def writer_on(stack: Stack, table: str, seed: int, **options: Any) -> SeededWriter:
    return SeededWriter(lambda: stack.client("dynamodb"), table, seed, **options)


def test_the_writer_itself_adds_up(stack: Stack) -> None:
    """Without any migration: else a run that seems to lose nothing would prove nothing."""
    table = stack.create_table()
    writer = writer_on(stack, table, FIRST_SEED, rate=400.0)
    writer.load()
    with writer.writing():
        time.sleep(3)
    found = read_table(stack.dynamodb, table)
    writer.require(found)
    assert {item["id"]["S"] for item in found} == set(writer.items)
    assert min(writer.tally.inserts, writer.tally.updates, writer.tally.deletes) > 20
    with pytest.raises(AssertionError):
        writer.require(found[1:])


@pytest.mark.timeout(LONGEST_RUN + 120)
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_nothing_is_lost_whatever_dies(hasty: Stack, stack: Stack, seed: int) -> None:
    dice = random.Random(seed)
    source, destination = stack.create_table(), stack.new_name()
    writer = writer_on(stack, source, seed, rate=dice.choice([40.0, 120.0]))
    writer.load()
    stack.proxy.add(Reset(after=True), mutating=True, tables=destination, rate=0.003, seed=seed)
    # Else the copy of so few items would be over before anything could happen to it.
    stack.proxy.add(
        Slow(latency=Latency(median_seconds=dice.choice([0.1, 0.6]))),
        operations="BatchExecuteStatement",
        tables=destination,
    )
    spec = stack.spec(
        source,
        destination,
        strategy="live",
        transform=TRANSFORM,
        segments=dice.choice([1, 3, 6]),
        verify="none",
    )
    spec["destination"]["create"] = DESTINATION
    began = time.monotonic()
    chaos = Chaos(stack, dice)
    with writer.writing():
        execution = stack.start(spec)
        with chaos.raging():
            stack.until(
                lambda: "DrainSync" in stack.entered(execution) or ended(stack, execution),
                LONGEST_RUN,
            )
        time.sleep(dice.uniform(0, 2))
    output = ended_well(stack, execution, seed)
    stack.proxy.clear()
    assert_moved(stack.dynamodb, source, destination, transformed)
    require_ledger(stack, writer, source, destination)
    print(
        f"seed {seed}: {writer.tally.writes} writes, kills {chaos.kills}, freezes {chaos.freezes}, "
        f"{time.monotonic() - began:.0f} s, copy {output['copy']}, sync {output['sync']}"
    )


def ended(stack: Stack, execution: str) -> bool:
    return bool(stack.describe(execution)["status"] != "RUNNING")


def ended_well(stack: Stack, execution: str, seed: int) -> dict[str, Any]:
    stack.wait(execution, LONGEST_RUN)
    assert stack.describe(execution)["status"] == "SUCCEEDED", (
        f"seed {seed}: {stack.last_words(execution)}"
    )
    return stack.output(execution)


def require_ledger(stack: Stack, writer: SeededWriter, source: str, destination: str) -> None:
    """The source adds up to what the writer did, and the destination to what it shall show."""
    writer.require(read_table(stack.dynamodb, source))
    shown = [item for item in writer.items.values() if "hidden" not in item]
    found = read_table(stack.dynamodb, destination)
    assert len(found) == len(shown), f"seed {writer.seed}"
    ledgers = (sum(int(item["ledger"]["N"]) for item in each) for each in (found, shown))
    assert len(set(ledgers)) == 1, f"seed {writer.seed}"


def wait_until_equal(stack: Stack, source: str, destination: str, seconds: float = 60.0) -> None:
    """Waits for sync, which has no event to wait for."""
    stack.until(lambda: not differences(stack.dynamodb, source, destination, transformed), seconds)
