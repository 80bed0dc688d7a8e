"""Rules as values: their JSON form, their dice, what they fit."""

import random
import statistics

import msgspec
import pytest

from tableferry.local.faults import Deny, Fail, Latency, Reset, Rule, Slow, Throttle, Unprocessed
from tableferry.local.faults.calls import Call
from tableferry.local.faults.rules import Action, Standing, when


def call(operation: str = "PutItem", table: str = "t") -> Call:
    return Call(0, 0.0, operation, (table,), mutating=not operation.startswith(("Get", "Scan")))


@pytest.mark.parametrize(
    "action",
    [
        Deny(per_statement=True),
        Throttle(error="ThrottlingException", scope="account"),
        Unprocessed(entries=3),
        Fail(status=503, after=True),
        Reset(after=True),
        Slow(latency=Latency(median_seconds=0.01, p99_seconds=0.05)),
    ],
)
def test_rule_survives_its_json_form(action: Action) -> None:
    rule = Rule(id="r", action=action, when=when(operations="PutItem", rate=0.5, seed=9))
    assert msgspec.json.decode(msgspec.json.encode(rule), type=Rule) == rule


def test_rule_fits_by_operation_table_and_mutating() -> None:
    fits = Standing(Rule(action=Deny(), when=when(operations=["PutItem", "Scan"], tables="t")))
    assert fits.strikes(call("Scan"), b"")
    assert not fits.strikes(call("GetItem"), b"")
    assert not fits.strikes(call("Scan", "other"), b"")
    changing = Standing(Rule(action=Deny(), when=when(mutating=True)))
    assert [changing.strikes(call(name), b"") for name in ("Scan", "PutItem")] == [False, True]


def test_unprocessed_strikes_batches_only() -> None:
    standing = Standing(Rule(action=Unprocessed(), when=when(first=1)))
    assert not standing.strikes(call("PutItem"), b"")
    assert standing.strikes(call("BatchWriteItem"), b"")


def test_rate_is_met_and_told_by_the_seed() -> None:
    def struck(seed: int) -> list[bool]:
        standing = Standing(Rule(action=Deny(), when=when(rate=0.2, seed=seed)))
        return [standing.strikes(call(), b"") for _ in range(2000)]

    assert struck(1) == struck(1) != struck(2)
    assert 300 < sum(struck(1)) < 500


def test_latency_has_its_median_and_its_99th_percentile() -> None:
    latency = Latency(median_seconds=0.010, p99_seconds=0.050)
    dice = random.Random(5)
    drawn = sorted(latency.draw(dice) for _ in range(20_000))
    assert statistics.median(drawn) == pytest.approx(0.010, rel=0.05)
    assert drawn[int(0.99 * len(drawn))] == pytest.approx(0.050, rel=0.1)
    assert Latency(median_seconds=0.2).draw(dice) == 0.2
