"""The rules in force, set by any thread and asked by the proxy's."""

import asyncio
import itertools
import threading
from typing import Any

from tableferry.local.faults.calls import Call
from tableferry.local.faults.rules import Action, Predicate, Rule, Standing, when


class Rulebook:
    """Rules in the order in which they were added. A call is struck by every rule that fits it."""

    def __init__(self) -> None:
        self._standing: dict[str, Standing] = {}
        self._in_force: tuple[Standing, ...] = ()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(
        self, action: Action, *, predicate: Predicate | None = None, id: str = "", **conditions: Any
    ) -> str:
        """Puts an action in force under the conditions of When; the rule's id.

        An id that is in use is replaced. `predicate(call, body)` runs in the proxy's thread.
        """
        return self.put(Rule(id=id, action=action, when=when(**conditions)), predicate)

    def put(self, rule: Rule, predicate: Predicate | None = None) -> str:
        with self._lock:
            rule_id = rule.id or f"rule-{next(self._numbers)}"
            named = Rule(id=rule_id, action=rule.action, when=rule.when)
        self.remove(rule_id)
        with self._lock:
            self._standing[rule_id] = Standing(named, predicate)
            self._in_force = tuple(self._standing.values())
        return rule_id

    def remove(self, rule_id: str) -> None:
        """Takes a rule out of force; requests that it held go on. An unknown id is no error."""
        with self._lock:
            self._standing.pop(rule_id, None)
            self._in_force = tuple(self._standing.values())
            waiting = self._waiting.pop(rule_id, [])
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    def clear(self) -> None:
        for rule_id in list(self._standing):
            self.remove(rule_id)

    def rules(self) -> list[Rule]:
        return [standing.rule for standing in self._in_force]

    def struck(self, rule_id: str) -> int:
        """How many calls a rule in force has struck."""
        return self._standing[rule_id].struck

    def striking(self, call: Call, body: bytes) -> list[Standing]:
        """The rules that strike this call."""
        return [standing for standing in self._in_force if standing.strikes(call, body)]

    async def released(self, standing: Standing) -> None:
        """Returns when the rule is out of force."""
        rule_id = standing.rule.id
        event = asyncio.Event()
        with self._lock:
            if self._standing.get(rule_id) is not standing:
                return
            self._waiting.setdefault(rule_id, []).append((asyncio.get_running_loop(), event))
        await event.wait()
