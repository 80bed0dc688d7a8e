"""What can go wrong, and when: actions, and the conditions under which each one strikes.

Both are plain values with a JSON form (`{"type": "Deny", …}`), so that another process can set
them.
"""

import math
import random
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from tableferry.local.faults.answers import Scope
from tableferry.local.faults.calls import PARTIAL, Call

ThrottleError = Literal[
    "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"
]
# The normal distribution's 99th percentile, in standard deviations.
_Z99 = 2.3263


class _Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Latency(_Value, frozen=True, kw_only=True):
    """A log-normal time to answer with that median and 99th percentile; constant without the
    latter.
    """

    median_seconds: float
    p99_seconds: float | None = None

    def draw(self, dice: random.Random) -> float:
        if self.p99_seconds is None:
            return self.median_seconds
        sigma = math.log(self.p99_seconds / self.median_seconds) / _Z99
        return self.median_seconds * math.exp(dice.gauss(0.0, sigma))


class Deny(_Value, frozen=True, kw_only=True, tag=True):
    """AccessDeniedException; with `per_statement` a BatchExecuteStatement's statements are denied
    one by one.
    """

    per_statement: bool = False


class Throttle(_Value, frozen=True, kw_only=True, tag=True):
    """The whole request is throttled, for the reason that `scope` and `index` make."""

    error: ThrottleError = "ProvisionedThroughputExceededException"
    scope: Scope = "table"
    index: str | None = None


class Unprocessed(_Value, frozen=True, kw_only=True, tag=True):
    """Part of a batch is not done: each entry with probability `share`, or exactly `entries` of
    them.

    The rest is forwarded. BatchWriteItem and BatchGetItem answer with what is unprocessed, or are
    throttled wholly when that is everything; a BatchExecuteStatement's statements get `code` each.
    Other operations are let through.
    """

    share: float = 0.5
    entries: int | None = None
    code: str = "ThrottlingError"
    scope: Scope = "table"


class Fail(_Value, frozen=True, kw_only=True, tag=True):
    """500 or 503; with `after` the engine does the work first."""

    status: Literal[500, 503] = 500
    after: bool = False


class Reset(_Value, frozen=True, kw_only=True, tag=True):
    """The connection is reset; with `after` the engine does the work and the answer is lost."""

    after: bool = False


class Slow(_Value, frozen=True, kw_only=True, tag=True):
    """The answer comes no sooner than `latency` after the request; with `before` the engine gets it
    that much later.
    """

    latency: Latency
    before: bool = False


class Freeze(_Value, frozen=True, kw_only=True, tag=True):
    """The request is held until the rule is removed; with `after` its answer is.

    When it is let go it reaches the engine even if its client is gone, as one in flight would.
    """

    after: bool = False


class Answer(_Value, frozen=True, kw_only=True, tag=True):
    """A canned answer in the engine's place, such as an acknowledgement that costs nothing."""

    body: str = "{}"
    status: int = 200


Action = Deny | Throttle | Unprocessed | Fail | Reset | Slow | Freeze | Answer


class When(_Value, frozen=True, kw_only=True):
    """Which calls a rule strikes; what is left out does not matter.

    Of the calls that fit, the first `skip` are let be, then each is struck with probability `rate`
    (dice of the rule's own, by `seed`, thrown in order of arrival) until `first` were struck.
    """

    operations: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    mutating: bool | None = None
    access_key: str | None = None
    agent: str | None = None
    body_contains: str | None = None
    rate: float = 1.0
    first: int | None = None
    skip: int = 0
    seed: int = 0


class Rule(_Value, frozen=True, kw_only=True):
    """An action and its conditions, under the name by which it is removed and asked for."""

    id: str = ""
    action: Action
    when: When = When()


Predicate = Callable[[Call, bytes], bool]


def when(**conditions: Any) -> When:
    """The fields of When; a single operation or table may be given as plain text."""
    for name in ("operations", "tables"):
        if name in conditions:
            given = conditions[name]
            conditions[name] = (given,) if isinstance(given, str) else tuple(given)
    return When(**conditions)


class Standing:
    """A rule in force: its dice and its counts. Only the proxy's thread calls `strikes`."""

    def __init__(self, rule: Rule, predicate: Predicate | None = None) -> None:
        self.rule = rule
        self.action = rule.action
        self.dice = random.Random(rule.when.seed)
        self.fitted = 0
        self.struck = 0
        self._predicate = predicate

    def strikes(self, call: Call, body: bytes) -> bool:
        """Whether this call is struck; counts it."""
        when = self.rule.when
        if not self._fits(call, body):
            return False
        self.fitted += 1
        if self.fitted <= when.skip or (when.first is not None and self.struck >= when.first):
            return False
        if when.rate < 1.0 and self.dice.random() >= when.rate:
            return False
        self.struck += 1
        return True

    def _fits(self, call: Call, body: bytes) -> bool:
        when = self.rule.when
        if isinstance(self.action, Unprocessed) and call.operation not in PARTIAL:
            return False
        return (
            (not when.operations or call.operation in when.operations)
            and (not when.tables or not set(when.tables).isdisjoint(call.tables))
            and (when.mutating is None or when.mutating == call.mutating)
            and (when.access_key is None or when.access_key == call.access_key)
            and (when.agent is None or when.agent in call.agent)
            and (when.body_contains is None or when.body_contains.encode() in body)
            and (self._predicate is None or self._predicate(call, body))
        )
