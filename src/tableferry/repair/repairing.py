"""Mending what verification found: read again, change on condition of what was seen, look again.

The source is right. But what somebody wrote to the destination since the comparison is left as it
is, and named: the next comparison will show whether it is a difference. What the repair itself
wrote it may change again, while the source moves on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from tableferry.aws.wire import Capacity, units
from tableferry.errors import RequestRefusedError
from tableferry.items import WireItem, to_typed
from tableferry.repair.conditional_writes import ConditionalWrite, changes, deletion, insertion
from tableferry.segments.writing import ITEM_ERRORS
from tableferry.verification.differences import Difference, Kind
from tableferry.verification.fingerprints import content_hash

# How often one key is looked at before it is left alone: the source moved on each time.
TRIES = 6


class Action(StrEnum):
    """What a repair does about one difference."""

    PUT = "put"
    CHANGE = "change"
    DELETE = "delete"
    LEAVE = "leave"


class WriteAnswer(msgspec.Struct, rename="pascal"):
    attributes: WireItem | None = None
    consumed_capacity: Capacity | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Both sides of one key: what the source's items become, and what the destination holds."""

    wanted: list[WireItem]
    held: WireItem | None


class RepairTables(Protocol):
    """Consistent reads of one key on both sides, and one attempt at a conditional write.

    `write` raises RequestRefusedError with AWS's code, ConditionalCheckFailedException among them.
    """

    def look(self, difference: Difference) -> Look: ...

    def write(self, request: ConditionalWrite) -> WriteAnswer: ...


@dataclass(frozen=True, slots=True)
class RepairRules:
    """What may be repaired in which table."""

    table: str
    key_names: tuple[str, ...]
    delete_extras: bool


@dataclass(slots=True)
class Repair:
    """What became of one difference."""

    difference: Difference
    action: Action = Action.LEAVE
    is_equal: bool = False
    reason: str = ""
    write_units: float = 0.0
    lost: WireItem | None = None

    def to_json(self) -> dict[str, Any]:
        lost = {} if self.lost is None else {"deleted": to_typed(self.lost)}
        return {
            **self.difference.public(),
            "action": str(self.action),
            "equal": self.is_equal,
            "reason": self.reason,
            **lost,
        }


def planned_action(kind: Kind, *, delete_extras: bool) -> Action:
    """What a repair would do about a difference of this kind, should it still stand."""
    actions: Mapping[Kind, Action] = {
        Kind.MISSING: Action.PUT,
        Kind.DIFFERENT: Action.CHANGE,
        Kind.UNDECIDED: Action.CHANGE,
        Kind.EXTRA: Action.DELETE if delete_extras else Action.LEAVE,
    }
    return actions.get(kind, Action.LEAVE)


@dataclass(slots=True)
class Mender:
    """Mends one difference after the other."""

    tables: RepairTables
    rules: RepairRules

    def mend(self, difference: Difference) -> Repair:
        """Brings the destination's item to what the source's is, unless somebody else writes it."""
        repair = Repair(difference)
        # What may stand there without anybody else having written it.
        ours = {difference.seen.destination}
        for _ in range(TRIES):
            look = self.tables.look(difference)
            if self._is_settled(look, ours, repair):
                return repair
            # A refusal may be that of our own second attempt, when the first one's answer was lost.
            ours = (set() if self._try(look, repair) else ours) | {_content(look.wanted)}
        repair.reason = "the source was written again and again"
        return repair

    def _is_settled(self, look: Look, ours: set[bytes | None], repair: Repair) -> bool:
        """Whether nothing is left to do; says why in the repair."""
        held = _content([look.held] if look.held else [])
        if len(look.wanted) > 1 or repair.difference.unnamed:
            repair.reason = "several source items map to this key"
        elif held == _content(look.wanted):
            repair.is_equal = True
        elif repair.reason:
            return True
        elif held not in ours:
            repair.reason = "the destination was written since it was compared"
        elif not look.wanted and not self.rules.delete_extras:
            repair.reason = "extra items are deleted only with deleteExtras"
        return repair.is_equal or bool(repair.reason)

    def _try(self, look: Look, repair: Repair) -> bool:
        """Whether the write was made; it is not where the item is another by now."""
        repair.action, requests = self._requests(look)
        try:
            for request in requests:
                answer = self.tables.write(request)
                repair.write_units += units(answer.consumed_capacity)
        except RequestRefusedError as error:
            if error.code == "ConditionalCheckFailedException":
                return False
            if error.code not in ITEM_ERRORS:
                raise
            repair.reason = error.cause
            return False
        if repair.action is Action.DELETE:
            self._give_back(look.held, answer.attributes, repair)
        return True

    def _requests(self, look: Look) -> tuple[Action, list[ConditionalWrite]]:
        table, names = self.rules.table, self.rules.key_names
        if not look.wanted:
            held = look.held or {}
            return Action.DELETE, [deletion(table, held, names)]
        if look.held is None:
            return Action.PUT, [insertion(table, look.wanted[0], names)]
        return Action.CHANGE, changes(table, look.held, look.wanted[0], names)

    def _give_back(self, held: WireItem | None, old: WireItem | None, repair: Repair) -> None:
        """Puts back an item that had more than the condition could see."""
        if held is None or old is None or content_hash(old) == content_hash(held):
            return
        repair.reason = "the destination was written while it was deleted; it was put back"
        try:
            self.tables.write(insertion(self.rules.table, old, self.rules.key_names))
        except RequestRefusedError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            repair.lost = old
            repair.reason = (
                "the destination was written while it was deleted, and again before it could be "
                "put back; what was deleted stands here"
            )


def _content(items: Sequence[WireItem]) -> bytes | None:
    return content_hash(items[0]) if items else None
