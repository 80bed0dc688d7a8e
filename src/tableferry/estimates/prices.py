"""What AWS charges: one data file with the date and source of each price, and a user's own over it.

The carried prices are those of us-east-1, before free tiers, discounts and taxes.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tableferry.errors import InvalidSpecError, Problem
from tableferry.transform.modules import FOLDER

CARRIED = Path(__file__).with_name("prices.json")


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` for so many (`per`) of a unit, when (year-month) and where it was seen."""

    usd: float
    per: float
    unit: str
    date: str
    source: str


@dataclass(frozen=True, slots=True)
class Prices:
    """All prices by name; `region` says whose they are."""

    region: str
    prices: Mapping[str, Price]

    @classmethod
    def carried(cls) -> "Prices":
        """Those that Tableferry brings."""
        return cls._of(json.loads(CARRIED.read_text(encoding="utf-8")), {})

    @classmethod
    def with_own(cls, name: str) -> "Prices":
        """The carried prices with those of a user's file over them; the carried where `name` is "".

        The file stands in the folder `transforms`, which travels in the layer, and has the carried
        file's form. Raises InvalidSpecError with every price that has not, or where it is not
        there.
        """
        carried = cls.carried()
        if not name:
            return carried
        path = _found(name)
        try:
            return cls._of(json.loads(path.read_text(encoding="utf-8")), carried.prices)
        except ValueError as error:
            rule = f"is no JSON: {error}"
            raise InvalidSpecError([_problem(name, None, rule)]) from error

    def of(self, name: str, amount: float) -> float:
        """What so much costs, in USD."""
        price = self.prices[name]
        return price.usd * amount / price.per

    @property
    def dates(self) -> str:
        """When the prices were seen: from the oldest to the newest."""
        dates = sorted({price.date for price in self.prices.values()})
        return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"

    @classmethod
    def _of(cls, document: Any, under: Mapping[str, Price]) -> "Prices":
        problems: list[Problem] = []
        listed = document.get("prices") if isinstance(document, dict) else None
        if not isinstance(listed, dict):
            raise InvalidSpecError([_problem("prices", listed, "is no object of prices by name")])
        found = dict(under)
        for name, entry in listed.items():
            if under and name not in under:
                problems.append(_problem(name, entry, f"is none of {', '.join(sorted(under))}"))
                continue
            price = _price(entry)
            if price is None:
                problems.append(_problem(name, entry, "lacks usd, per, unit, date or source"))
            else:
                found[name] = price
        if problems:
            raise InvalidSpecError(problems)
        return cls(str(document.get("region", "")), found)


def _price(entry: Any) -> Price | None:
    try:
        price = Price(**{**entry, "usd": float(entry["usd"]), "per": float(entry.get("per", 1))})
    except (KeyError, TypeError, ValueError):
        return None
    return price if price.usd >= 0 and price.per > 0 else None


def _found(name: str) -> Path:
    for entry in [*sys.path, "."]:
        path = Path(entry) / FOLDER / name
        if path.is_file():
            return path
    raise InvalidSpecError([_problem(name, None, f"there is no such file in {FOLDER}/")])


def _problem(name: str, value: Any, rule: str) -> Problem:
    return Problem(f"PricesFile: {name}", value, rule, "mend the file and deploy again")
