"""The embedded engine with a table that has limits: a fault proxy before the copy's workers.

The engine itself never throttles. So the function that copies gets `AWS_ENDPOINT_URL_DYNAMODB` in
its environment for as long as the block runs, and with it the proxy; everything else goes past it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tableferry.aws.refusals import translated
from tableferry.aws.session import Sessions
from tableferry.errors import UnreachableError
from tableferry.local.engine import REGION, RunningEngine
from tableferry.local.faults import Limits, RemoteFaultProxy
from tableferry.local.faults.remote import started

_VARIABLE = "AWS_ENDPOINT_URL_DYNAMODB"
_FUNCTION = "CopySegmentFunction"


@dataclass(frozen=True, slots=True)
class BudgetUsed:
    """What a budget did: units a second that the table takes, and what was used of them."""

    units_per_second: float
    units: float
    seconds: float
    requests: int
    throttled: int

    @property
    def share(self) -> float:
        return self.units / (self.units_per_second * self.seconds) if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "unitsPerSecond": self.units_per_second,
            "units": self.units,
            "seconds": round(self.seconds, 1),
            "share": round(self.share, 3),
            "requests": self.requests,
            "throttled": self.throttled,
        }

    def text(self) -> str:
        return (
            f"The copy wrote {self.units:,.0f} units in {self.seconds:.0f} s to a table that takes "
            f"{self.units_per_second:,.0f} a second: {self.share:.0%} of its budget; "
            f"{self.throttled:,} of {self.requests:,} requests were throttled"
        )


@dataclass(frozen=True, slots=True)
class LimitedTable:
    """A table behind the proxy."""

    proxy: RemoteFaultProxy
    table: str
    units_per_second: float

    def used(self) -> BudgetUsed:
        """From the first write to the last, index writes counted."""
        calls = self.proxy.calls.select(table=self.table, writes_items=True)
        return BudgetUsed(
            self.units_per_second,
            units=sum(call.write_units for call in calls),
            seconds=calls[-1].ended - calls[0].at if calls else 0.0,
            requests=len(calls),
            throttled=sum(call.status == 400 or call.unprocessed > 0 for call in calls),
        )


@contextmanager
def limited_table(
    engine: RunningEngine, stack_name: str, table: str, units_per_second: float, *indexes: str
) -> Iterator[LimitedTable]:
    """Has the table, and each of its `indexes`, take so many write units a second from copies."""
    functions = Sessions(region=REGION, endpoint_url=engine.endpoint_url).client("lambda")
    with started(engine.endpoint_url) as proxy:
        whole = dict.fromkeys(indexes, units_per_second)
        proxy.limit(table, Limits(write_units=units_per_second, index_write_units=whole))
        with _environment(functions, stack_name, proxy.endpoint_url):
            yield LimitedTable(proxy, table, units_per_second)


@contextmanager
def _environment(functions: Any, stack_name: str, endpoint_url: str) -> Iterator[None]:
    name, before = _function(functions, stack_name)
    _set(functions, name, {**before, _VARIABLE: endpoint_url})
    try:
        yield
    finally:
        _set(functions, name, before)


def _function(functions: Any, stack_name: str) -> tuple[str, dict[str, str]]:
    with translated("lambda:ListFunctions", stack_name):
        pages = functions.get_paginator("list_functions").paginate()
        found = [each for page in pages for each in page["Functions"]]
    for each in found:
        if each["FunctionName"].startswith(f"{stack_name}-{_FUNCTION}"):
            return each["FunctionName"], each["Environment"]["Variables"]
    raise UnreachableError(
        f"the stack {stack_name} in the engine has no {_FUNCTION}", hint="tableferry local up"
    )


def _set(functions: Any, name: str, variables: dict[str, str]) -> None:
    with translated("lambda:UpdateFunctionConfiguration", name):
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )
