"""One request from its arrival to its answer: signature, rules, limits, engine."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from tableferry.local.faults import answers, rules
from tableferry.local.faults.batches import Batch
from tableferry.local.faults.calls import Call
from tableferry.local.faults.limits.metering import Metering
from tableferry.local.faults.messages import Message
from tableferry.local.faults.outcome import Exchange, Outcome
from tableferry.local.faults.rulebook import Rulebook
from tableferry.local.faults.upstream import NoAnswerError, UnreachableEngineError, Upstream

_AMZ_DATE_LENGTH = len("20261122T120000Z")


class Exchanger:
    """Carries requests to the engine as the rules say."""

    def __init__(
        self,
        upstream: Upstream,
        rulebook: Rulebook,
        metering: Metering,
        *,
        signature_seconds: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._upstream = upstream
        self._rulebook = rulebook
        self._metering = metering
        self._clock = clock
        self.signature_seconds = signature_seconds

    async def exchange(self, call: Call, request: Message, struck: list[rules.Standing]) -> Outcome:
        loop = asyncio.get_running_loop()
        exchange = Exchange(call, request, loop.time(), struck)
        refusal = self._expired(call) or await self._before(exchange)
        if refusal is None and struck:
            refusal = self._expired(call)  # rules may have held it for long
        if refusal is not None:
            await self._delay(exchange)
            return refusal
        if self._metering.concerns(exchange):
            outcome = await self._forward_metered(exchange)
        else:
            outcome = await self._forward(exchange)
        return await self._after(exchange, outcome)

    async def _forward_metered(self, exchange: Exchange) -> Outcome:
        try:
            refusal = await self._metering.admit(exchange)
        except (UnreachableEngineError, NoAnswerError) as error:
            return Outcome(answers.server_fault(503), error=f"unreachable: {error}")
        except msgspec.MsgspecError:
            return await self._forward(exchange)  # what DynamoDB can not read it refuses itself
        if refusal is not None:
            return refusal
        outcome = await self._forward(exchange)
        await self._metering.settle(exchange, outcome)
        return outcome

    def _expired(self, call: Call) -> Outcome | None:
        if self.signature_seconds is None or len(call.signed_at) != _AMZ_DATE_LENGTH:
            return None
        now = datetime.fromtimestamp(self._clock(), UTC)
        lifetime = timedelta(seconds=self.signature_seconds)
        # Such texts have the order of the times that they stand for.
        if call.signed_at >= (now - lifetime).strftime(answers.AMZ_DATE):
            return None
        return Outcome(answers.old_signature(call.signed_at, now, lifetime))

    async def _before(self, exchange: Exchange) -> Outcome | None:
        """What happens instead of, or before, the engine's work; None lets the request go on."""
        for standing in exchange.struck:
            refusal = await self._applied(standing, exchange)
            if refusal is not None:
                return refusal
        return None

    async def _applied(self, standing: rules.Standing, exchange: Exchange) -> Outcome | None:
        match standing.action:
            case rules.Freeze(after=False):
                await self._rulebook.released(standing)
            case rules.Slow(latency=latency, before=True):
                await asyncio.sleep(latency.draw(standing.dice))
            case rules.Reset(after=False):
                return Outcome(error="reset")
            case rules.Fail(status=status, after=False):
                return Outcome(answers.server_fault(status))
            case rules.Answer(status=status, body=body):
                return Outcome(answers.json_answer(status, body.encode()))
            case rules.Throttle() as throttle:
                return _throttled(throttle, exchange.call)
            case rules.Deny(per_statement=per_statement):
                return _denied(exchange, per_statement=per_statement)
            case rules.Unprocessed() as unprocessed:
                _hold_back(unprocessed, standing, exchange)
        return None

    async def _forward(self, exchange: Exchange) -> Outcome:
        if exchange.held:
            return await self._forward_part(exchange)
        exchange.sent_body = exchange.request.body
        return await self._sent(exchange.request)

    async def _forward_part(self, exchange: Exchange) -> Outcome:
        batch = Batch(exchange.call.operation, exchange.request.body)
        body = batch.forwarded(exchange.held)
        held = len(exchange.held)
        if body is not None:
            exchange.sent_body = body
            plain = exchange.request.without(b"accept-encoding")
            outcome = await self._sent(plain.with_body(body))
        elif batch.operation == "BatchExecuteStatement":
            outcome = Outcome(answers.json_answer(200, {"Responses": []}))
        else:
            answer = answers.throttled(exchange.throttle_error, exchange.reasons)
            return Outcome(answer, unprocessed=held)
        if outcome.answer is not None and outcome.answer.status == 200:
            merged = batch.answered(outcome.answer.body, exchange.held)
            outcome.answer = outcome.answer.with_body(merged)
            outcome.unprocessed = held
        return outcome

    async def _sent(self, request: Message) -> Outcome:
        try:
            return Outcome(await self._upstream.send(request), forwarded=True)
        except UnreachableEngineError as error:
            return Outcome(answers.server_fault(503), error=f"unreachable: {error}")
        except NoAnswerError as error:
            return Outcome(forwarded=True, error=f"no answer: {error}")

    async def _after(self, exchange: Exchange, outcome: Outcome) -> Outcome:
        """What happens to the answer on its way back."""
        for standing in exchange.struck:
            match standing.action:
                case rules.Freeze(after=True):
                    await self._rulebook.released(standing)
                case rules.Reset(after=True):
                    outcome.answer, outcome.error = None, "reset"
                case rules.Fail(status=status, after=True):
                    outcome.answer = answers.server_fault(status)
        await self._delay(exchange)
        return outcome

    async def _delay(self, exchange: Exchange) -> None:
        for standing in exchange.struck:
            match standing.action:
                case rules.Slow(latency=latency, before=False):
                    due = exchange.started + latency.draw(standing.dice)
                    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


def _throttled(throttle: rules.Throttle, call: Call) -> Outcome:
    reasons = _reasons(call, throttle.scope, throttle.index)
    return Outcome(answers.throttled(throttle.error, reasons))


def _reasons(call: Call, scope: answers.Scope, index: str | None = None) -> list[dict[str, str]]:
    return [
        answers.throttling_reason(scope, table, write=call.mutating, index=index)
        for table in call.tables
    ]


def _denied(exchange: Exchange, *, per_statement: bool) -> Outcome | None:
    call = exchange.call
    if per_statement and call.operation == "BatchExecuteStatement":
        batch = Batch(call.operation, exchange.request.body)
        exchange.held.update(dict.fromkeys(range(len(batch.entries)), "AccessDenied"))
        return None
    return Outcome(answers.access_denied(call.operation, next(iter(call.tables), "*")))


def _hold_back(action: rules.Unprocessed, standing: rules.Standing, exchange: Exchange) -> None:
    count = exchange.call.keys
    if action.entries is None:
        chosen = [n for n in range(count) if standing.dice.random() < action.share]
    else:
        chosen = standing.dice.sample(range(count), min(action.entries, count))
    exchange.held.update(dict.fromkeys(chosen, action.code))
    exchange.reasons += _reasons(exchange.call, action.scope)
