"""What a run costs in money: units, Lambda, Step Functions, snapshots; and what stays after it.

Capacity that is provisioned is paid for whether it is used or not, so it adds nothing. Free tiers
and discounts are left out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tableferry.estimates.prices import Prices
from tableferry.estimates.timing import Pace, Phase, Times
from tableferry.runs.route import functions_of

GIGABYTE = 1024**3
# A worker hands back before its time is up, and is invoked again.
HAND_BACK_SECONDS = 30
# A child's last state, beside those of each invocation.
TRANSITIONS_OF_A_SEGMENT = 1
# Of a function that is no worker: half a GB for about a second.
GIGABYTE_SECONDS_OF_A_STATE = 0.5
# A worker's own start and end, beside the segment's share of its phase.
SECONDS_OF_AN_INVOCATION = 1.0
# Of the ledger: a segment is opened, leased, released and closed; a page of 1 MB is a checkpoint.
LEDGER_WRITES_OF_A_SEGMENT, LEDGER_WRITES_OF_A_PAGE = 8, 2
# The stack's own, whether anything runs or not (template.yaml).
ALARMS, DASHBOARDS = 8, 1
# GuardSync looks every five minutes, for about a second.
GUARD_TURNS_OF_A_MONTH = 12 * 24 * 30


@dataclass(frozen=True, slots=True)
class StackFacts:
    """What the deployed stack's workers are."""

    worker_megabytes: int = 1024
    worker_seconds: int = 300
    is_arm: bool = True
    prices_file: str = ""
    pace: Pace = Pace()


@dataclass(frozen=True, slots=True)
class Bill:
    """Units that are paid by the request, and bytes that are kept or exported."""

    read_units: float
    write_units: float
    verification_units: float
    backup_bytes: float
    export_bytes: float
    turns_recovery_on: bool


@dataclass(frozen=True, slots=True)
class Effort:
    """State transitions, invocations and GB-seconds of a run."""

    transitions: int
    invocations: int
    gigabyte_seconds: float
    ledger_writes: int


def effort_of(
    phases: Sequence[Phase],
    times: Times,
    states: Sequence[str],
    stack: StackFacts,
    *,
    pages: float,
) -> Effort:
    """`states` are those of the machine itself, one for each time; `pages` are of 1 MB."""
    functions = functions_of(states)
    transitions, invocations, seconds = len(states), functions, 0.0
    for phase in phases:
        busy = times.phases[phase.name] * phase.workers
        each = busy / phase.segments
        turns = math.ceil(each / max(1, stack.worker_seconds - HAND_BACK_SECONDS)) or 1
        calls = phase.segments * turns
        invocations += calls
        transitions += calls * phase.turn_states
        transitions += phase.segments * TRANSITIONS_OF_A_SEGMENT
        seconds += busy + calls * SECONDS_OF_AN_INVOCATION
    worker_gigabytes = stack.worker_megabytes / 1024
    segments = sum(phase.segments for phase in phases)
    return Effort(
        transitions=transitions,
        invocations=invocations,
        gigabyte_seconds=seconds * worker_gigabytes + functions * GIGABYTE_SECONDS_OF_A_STATE,
        ledger_writes=round(
            segments * LEDGER_WRITES_OF_A_SEGMENT + pages * LEDGER_WRITES_OF_A_PAGE
        ),
    )


def cost_of(bill: Bill, effort: Effort, stack: StackFacts, prices: Prices) -> dict[str, Any]:
    """The bill in USD: `total` is what the run costs, a month of its snapshot included."""
    machine = _machine(stack)
    lines = {
        "readUnits": prices.of("readRequestUnits", bill.read_units),
        "writeUnits": prices.of("writeRequestUnits", bill.write_units),
        "lambda": prices.of(machine, effort.gigabyte_seconds)
        + prices.of("lambdaRequests", effort.invocations),
        "stepFunctions": prices.of("stateTransitions", effort.transitions),
        "ledger": prices.of("writeRequestUnits", effort.ledger_writes),
        "backups": prices.of("backupStorage", bill.backup_bytes / GIGABYTE),
        "export": prices.of("exportedData", bill.export_bytes / GIGABYTE)
        + prices.of("objectStorage", bill.export_bytes / GIGABYTE),
    }
    recovery = prices.of("recoveryStorage", bill.export_bytes / GIGABYTE)
    return {
        "total": _cents(sum(lines.values())),
        **{name: _cents(amount) for name, amount in lines.items()},
        "ofThatVerification": _cents(prices.of("readRequestUnits", bill.verification_units)),
        "recoveryPerMonthWhileOn": _cents(recovery) if bill.turns_recovery_on else None,
        "idleStackPerMonth": _cents(_idle(stack, prices)),
        "stateTransitions": effort.transitions,
        "gigabyteSeconds": round(effort.gigabyte_seconds, 1),
        "prices": f"{prices.region}, seen {prices.dates}; free tiers and discounts left out",
    }


def _machine(stack: StackFacts) -> str:
    return "lambdaArm64" if stack.is_arm else "lambdaX86"


def _idle(stack: StackFacts, prices: Prices) -> float:
    """A month of a stack in which nothing runs; its ledger and bucket are next to empty."""
    seconds = GUARD_TURNS_OF_A_MONTH * GIGABYTE_SECONDS_OF_A_STATE
    return (
        prices.of("alarms", ALARMS)
        + prices.of("dashboards", DASHBOARDS)
        + prices.of(_machine(stack), seconds)
        + prices.of("lambdaRequests", GUARD_TURNS_OF_A_MONTH)
    )


def _cents(usd: float) -> float:
    """To a hundredth of a cent: many runs cost less than a cent."""
    return round(usd, 4)
