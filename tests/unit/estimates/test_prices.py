import json
import re
from pathlib import Path
from typing import Any

import pytest

from tableferry.errors import InvalidSpecError
from tableferry.estimates.prices import Prices


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a user's prices stand: a folder `transforms` on the path, as the layer has it."""
    folder = tmp_path / "transforms"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder / "prices.json"


def test_every_carried_price_says_when_and_where_it_was_seen() -> None:
    prices = Prices.carried()
    assert prices.region == "us-east-1"
    for name, price in prices.prices.items():
        assert price.usd > 0 and price.unit and price.source, name
        assert re.fullmatch(r"20\d\d-\d\d", price.date), name
    assert re.fullmatch(r"20\d\d-\d\d to 20\d\d-\d\d", prices.dates)


def test_a_price_is_for_so_many() -> None:
    assert Prices.carried().of("writeRequestUnits", 2_000_000) == pytest.approx(1.25)


def test_own_prices_stand_over_the_carried_ones(own: Path) -> None:
    mine = {"usd": 0.7, "per": 1e6, "unit": "units", "date": "2027-01", "source": "our contract"}
    own.write_text(json.dumps({"region": "eu-central-1", "prices": {"writeRequestUnits": mine}}))
    prices = Prices.with_own("prices.json")
    assert prices.region == "eu-central-1"
    assert prices.of("writeRequestUnits", 1_000_000) == pytest.approx(0.7)
    assert prices.of("readRequestUnits", 1_000_000) == Prices.carried().of(
        "readRequestUnits", 1_000_000
    )
    assert Prices.with_own("") == Prices.carried()


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"prices": {"writeUnitz": {}}}, "PricesFile: writeUnitz"),
        ({"prices": {"writeRequestUnits": {"usd": 1}}}, "PricesFile: writeRequestUnits"),
        ({"prices": {"alarms": {"usd": "much", "per": 1}}}, "PricesFile: alarms"),
        ({}, "PricesFile: prices"),
    ],
)
def test_own_prices_that_are_wrong_are_refused(own: Path, content: Any, path: str) -> None:
    own.write_text(json.dumps(content))
    with pytest.raises(InvalidSpecError) as refused:
        Prices.with_own("prices.json")
    assert [problem.path for problem in refused.value.problems] == [path]


def test_a_file_that_is_not_there_is_refused(own: Path) -> None:
    with pytest.raises(InvalidSpecError) as refused:
        Prices.with_own("prices.json")
    assert "no such file" in str(refused.value)
