"""Which items only wait for DynamoDB to delete them (time to live)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from tableferry.items import WireItem, typed

# A time this far past is ignored, against accidental deletion [DDB:time-to-live].
_IGNORED_AFTER_SECONDS = 5 * 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Expiry:
    """The attributes that hold an item's time to live, in epoch seconds."""

    attributes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, attributes: Iterable[str | None]) -> "Expiry":
        return cls(frozenset(each for each in attributes if each is not None))

    def is_over(self, item: WireItem, now: float) -> bool:
        """Whether the item may be deleted at any moment; values that are no N say nothing."""
        return any(self._is_past(item, name, now) for name in self.attributes if name in item)

    def _is_past(self, item: WireItem, name: str, now: float) -> bool:
        text = typed(item[name]).get("N")
        if text is None:
            return False
        age = Decimal(now) - Decimal(text)
        return 0 < age <= _IGNORED_AFTER_SECONDS
