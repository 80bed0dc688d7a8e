"""Limits in force: admits, refuses and counts what requests use of them."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

from tableferry.items import WireItem
from tableferry.local.faults import answers
from tableferry.local.faults.calls import PARTIAL
from tableferry.local.faults.limits import reads, writes
from tableferry.local.faults.limits.buckets import Limits, Meter
from tableferry.local.faults.limits.consumption import Used, reported
from tableferry.local.faults.limits.shapes import UNKNOWN_SHAPE, Shapes, TableShape, own_request
from tableferry.local.faults.messages import Message
from tableferry.local.faults.outcome import Exchange, Outcome
from tableferry.local.faults.upstream import Upstream

_Refusal = tuple[answers.Scope, str | None]
_OLD_ITEMS_AT_ONCE = 100


class Metering:
    """The meters of the tables that have limits; the other tables' requests pass untouched."""

    def __init__(self, upstream: Upstream, clock: Callable[[], float] = time.monotonic) -> None:
        self._upstream = upstream
        self._clock = clock
        self._meters: dict[str, Meter] = {}
        self._lock = threading.Lock()
        self._shapes = Shapes(upstream.send)
        self._means = reads.Means()

    def limit(self, table: str, limits: Limits | None) -> None:
        """Sets a table's limits, with full buckets; None takes them away."""
        with self._lock:
            meters = {name: meter for name, meter in self._meters.items() if name != table}
            if limits is not None:
                meters[table] = Meter(limits, self._clock)
            self._meters = meters

    def limits(self) -> dict[str, Limits]:
        return {table: meter.limits for table, meter in self._meters.items()}

    def used(self, table: str) -> tuple[float, float]:
        """Read and write units that a limited table has used since its limits were set."""
        meter = self._meters[table]
        return meter.reads.used, meter.writes.used

    def concerns(self, exchange: Exchange) -> bool:
        self._shapes.forget(exchange.call.operation, exchange.call.tables)
        return bool(self._meters) and not self._meters.keys().isdisjoint(exchange.call.tables)

    async def admit(self, exchange: Exchange) -> Outcome | None:
        """Takes a write's units and holds back what the limits refuse; an answer where that is
        everything.
        """
        call = exchange.call
        if call.writes_items:
            refused = await self._admit_writes(exchange)
        elif call.operation in reads.READING:
            refused = await self._admit_reads(exchange)
        else:
            return None
        if not refused:
            return None
        exchange.reasons += self._reasons(exchange, refused)
        if self._on_demand(exchange):
            exchange.throttle_error = "ThrottlingException"
        if call.operation in PARTIAL:
            code = (
                "ThrottlingError" if self._on_demand(exchange) else "ProvisionedThroughputExceeded"
            )
            exchange.held.update(dict.fromkeys(refused, code))
            return None
        if call.operation == "TransactWriteItems":
            return Outcome(answers.transaction_cancelled(call.keys, refused))
        return Outcome(answers.throttled(exchange.throttle_error, exchange.reasons))

    async def settle(self, exchange: Exchange, outcome: Outcome) -> None:
        """Counts what an answered request used, and reports it in the answer as AWS does."""
        answer = outcome.answer
        if answer is None or answer.status != 200:
            return
        if exchange.call.writes_items:
            used = [Used(c.table, c.units, c.index_units, is_write=True) for c in exchange.admitted]
        elif exchange.call.operation in reads.READING:
            used = await self._reads_used(exchange, answer)
        else:
            return
        used = [each for each in used if each.table in self._meters]
        outcome.write_units = sum(each.total for each in used if each.is_write)
        outcome.read_units = sum(each.total for each in used if not each.is_write)
        outcome.answer = reported(exchange, answer, used)

    async def _admit_writes(self, exchange: Exchange) -> dict[int, _Refusal]:
        costs = await self._write_costs(exchange)
        partial = exchange.call.operation in PARTIAL
        refused: dict[int, _Refusal] = {}
        for position, cost in enumerate(costs):
            meter = self._meters.get(cost.table)
            if meter is None or position in exchange.held:
                continue
            refusal = meter.writes.refusal(cost.partition_key, cost.index_units)
            if refusal is not None:
                refused[position] = refusal
            elif partial:
                self._take(cost, exchange)
        if not partial and not refused:
            for cost in costs:
                self._take(cost, exchange)
        return refused

    def _take(self, cost: writes.WriteCost, exchange: Exchange) -> None:
        meter = self._meters.get(cost.table)
        if meter is not None:
            meter.writes.take(cost.partition_key, cost.units, cost.index_units)
            exchange.admitted.append(cost)

    async def _write_costs(self, exchange: Exchange) -> list[writes.WriteCost]:
        written = writes.writes_of(exchange.call.operation, exchange.request.body)
        shapes = await self._shapes_of({each.table for each in written}, exchange.request)
        old: dict[tuple[str, str], WireItem] = {}
        costs = []
        for table, shape in shapes.items():
            if self._meters[table].limits.reads_old_items:
                mine = [each.item for each in written if each.table == table]
                old |= await self._old_items(table, shape, mine, exchange.request)
        for each in written:
            shape = shapes.get(each.table, UNKNOWN_SHAPE)
            replaced = old.get((each.table, shape.key_text(each.item)))
            costs.append(writes.cost(each, shape, replaced))
        return costs

    async def _shapes_of(self, tables: Iterable[str], caller: Message) -> dict[str, TableShape]:
        limited = [table for table in tables if table in self._meters]
        return {table: await self._shapes.of(table, caller) for table in limited}

    async def _old_items(
        self, table: str, shape: TableShape, items: list[WireItem], caller: Message
    ) -> dict[tuple[str, str], WireItem]:
        """The items that are there now under those items' keys, by table and key."""
        keys = {
            shape.key_text(item): {n: item[n] for n in shape.keys if n in item} for item in items
        }
        wanted = list(keys.values())[:_OLD_ITEMS_AT_ONCE]
        document = {"RequestItems": {table: {"Keys": wanted, "ConsistentRead": True}}}
        answer = await self._upstream.send(own_request("BatchGetItem", document, caller))
        if answer.status != 200:
            return {}
        found = msgspec.json.decode(answer.body, type=_BatchAnswer).responses.get(table, [])
        return {(table, shape.key_text(item)): item for item in found}

    async def _admit_reads(self, exchange: Exchange) -> dict[int, _Refusal]:
        keys = reads.keys_read(exchange.call.operation, exchange.request.body)
        shapes = await self._shapes_of({table for table, _ in keys}, exchange.request)
        refused: dict[int, _Refusal] = {}
        for position, (table, key) in enumerate(keys):
            meter = self._meters.get(table)
            if meter is None or position in exchange.held:
                continue
            refusal = meter.reads.refusal(shapes[table].partition_key(key))
            if refusal is not None:
                refused[position] = refusal
        return refused

    async def _reads_used(self, exchange: Exchange, answer: Message) -> list[Used]:
        costs = reads.read_costs(
            exchange.call.operation, exchange.sent_body, answer.body, self._means
        )
        shapes = await self._shapes_of({cost.table for cost in costs}, exchange.request)
        for cost in costs:
            meter = self._meters.get(cost.table)
            if meter is not None and cost.table in shapes:
                meter.reads.take(shapes[cost.table].partition_key(cost.item), cost.units)
        return [Used(cost.table, cost.units, {}, is_write=False) for cost in costs]

    def _reasons(self, exchange: Exchange, refused: Mapping[int, _Refusal]) -> list[dict[str, str]]:
        """Each kind of refusal once, for the first limited table that the request names."""
        table = next(name for name in exchange.call.tables if name in self._meters)
        on_demand = self._on_demand(exchange)
        found: list[dict[str, str]] = []
        for scope, index in dict.fromkeys(refused.values()):
            named: answers.Scope = "onDemandMaximum" if on_demand and scope == "table" else scope
            write = exchange.call.writes_items
            found.append(answers.throttling_reason(named, table, write=write, index=index))
        return found

    def _on_demand(self, exchange: Exchange) -> bool:
        meters = (self._meters.get(table) for table in exchange.call.tables)
        return any(meter is not None and meter.limits.on_demand for meter in meters)


class _BatchAnswer(msgspec.Struct, rename="pascal"):
    responses: dict[str, list[dict[str, msgspec.Raw]]] = {}
