"""The proxy's own HTTP endpoint, beside the engine's: other processes steer it and ask its log.

    GET    /_faults/rules       the rules in force, and how many calls each has struck
    POST   /_faults/rules       adds a rule; answers {"id": …}
    DELETE /_faults/rules[/ID]  removes one rule, or all
    GET    /_faults/calls       the calls that fit the query string (the fields of CallQuery)
    DELETE /_faults/calls       empties the call log
    GET    /_faults/limits      the limited tables, and the units that each has used
    PUT    /_faults/limits/T    sets table T's limits
    DELETE /_faults/limits/T    takes them away

With `at_least=N` they are answered as soon as there are N; answered ones, unless `ended=false`.
"""

import asyncio
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from tableferry.local.faults.answers import json_answer
from tableferry.local.faults.calls import Call, CallLog
from tableferry.local.faults.limits.buckets import Limits
from tableferry.local.faults.limits.metering import Metering
from tableferry.local.faults.messages import Message
from tableferry.local.faults.rulebook import Rulebook
from tableferry.local.faults.rules import Rule

PREFIX = b"/_faults/"
_JSON = b"application/json"


class CallQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The query string of /_faults/calls; the fields of CallFilter, `operations` separated by
    commas.
    """

    operations: str = ""
    table: str | None = None
    mutating: bool | None = None
    writes_items: bool | None = None
    forwarded: bool | None = None
    since: float = 0.0
    until: float = float("inf")
    access_key: str | None = None
    agent: str | None = None
    at_least: int = 0
    ended: bool = True
    timeout_seconds: float = 30.0


class Control:
    """Answers the endpoint's requests."""

    def __init__(self, log: CallLog, rulebook: Rulebook, metering: Metering) -> None:
        self._log = log
        self._metering = metering
        self._rulebook = rulebook

    async def answer(self, request: Message) -> Message:
        if b"origin" in request.headers:  # a web page's script: not a test's process
            return _json(403, {"error": "requests from web pages are refused"})
        method, target, _ = request.start.decode("latin-1").split(" ", 2)
        url = urlsplit(target)
        kind, _, name = url.path[len(PREFIX) :].partition("/")
        try:
            return await self._dispatched(
                f"{method} {kind}", unquote(name), url.query, request.body
            )
        except (msgspec.MsgspecError, ValueError) as error:
            return _json(400, {"error": str(error)})
        except TimeoutError as error:
            return _json(408, {"error": str(error)})

    async def _dispatched(self, what: str, name: str, query: str, body: bytes) -> Message:
        match what:
            case "GET calls":
                fields = dict(parse_qsl(query))
                calls = await self._calls(msgspec.convert(fields, CallQuery, strict=False))
                return _json(200, {"calls": [call.to_json() for call in calls]})
            case "GET rules":
                return _json(200, self._rules())
            case "POST rules":
                rule = msgspec.json.decode(body, type=Rule)
                return _json(200, {"id": self._rulebook.put(rule)})
            case "GET limits":
                return _json(200, self._limits())
        return self._changed(what, name, body)

    def _changed(self, what: str, name: str, body: bytes) -> Message:
        match what, name:
            case "DELETE calls", "":
                self._log.clear()
            case "DELETE rules", "":
                self._rulebook.clear()
            case "DELETE rules", _:
                self._rulebook.remove(name)
            case "PUT limits", _:
                self._metering.limit(name, msgspec.json.decode(body, type=Limits))
            case "DELETE limits", _:
                self._metering.limit(name, None)
            case _:
                return _json(404, {"error": f"{what} is not known"})
        return _json(200, {})

    def _rules(self) -> dict[str, Any]:
        rules = self._rulebook.rules()
        struck = {rule.id: self._rulebook.struck(rule.id) for rule in rules}
        return {"rules": rules, "struck": struck}

    def _limits(self) -> dict[str, Any]:
        limits = self._metering.limits()
        return {"limits": limits, "used": {table: self._metering.used(table) for table in limits}}

    async def _calls(self, query: CallQuery) -> list[Call]:
        wanted = msgspec.structs.asdict(query)
        at_least = wanted.pop("at_least")
        waiting = {name: wanted.pop(name) for name in ("ended", "timeout_seconds")}
        wanted["operations"] = [name for name in query.operations.split(",") if name]
        if not at_least:
            return self._log.select(**wanted)
        return await asyncio.to_thread(self._log.wait_for, at_least=at_least, **waiting, **wanted)


def _json(status: int, document: Any) -> Message:
    return json_answer(status, document, _JSON)
