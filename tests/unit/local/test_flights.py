"""The demo's data set, and the migration that the demo makes of it."""

from typing import Any

import msgspec
import pytest

from tableferry.errors import NotFoundError
from tableferry.items import from_typed, to_typed
from tableferry.local import flights
from tableferry.spec import MigrationSpec
from tableferry.transform import Transform

COUNT = 5_000


@pytest.fixture(scope="module")
def items() -> list[dict[str, Any]]:
    return list(flights.read_flights(COUNT))


def test_flights_come_as_they_are_in_the_data_set(items: list[dict[str, Any]]) -> None:
    assert len(items) == COUNT
    first = items[0]
    assert first["origin"] == {"S": "EWR"}
    assert first["id"] == {"S": "2013-01-01#UA1545"}
    assert first["dep_time"] == {"N": "517"}
    assert {item["origin"]["S"] for item in items} == {"EWR", "JFK", "LGA"}


def test_key_of_the_source_is_unique(items: list[dict[str, Any]]) -> None:
    assert len({(item["origin"]["S"], item["id"]["S"]) for item in items}) == COUNT


def test_what_is_not_known_is_not_there(items: list[dict[str, Any]]) -> None:
    assert any("dep_time" not in item for item in items)
    values = [next(iter(value.values())) for item in items for value in item.values()]
    assert not {"", "NA"} & set(values)


def test_transform_gives_the_id_that_an_application_computes(items: list[dict[str, Any]]) -> None:
    transform = Transform.compile(flights.TRANSFORM)
    after = transform.apply(from_typed(items[0]))
    assert after is not None
    assert to_typed(after)["flightId"] == {"S": flights.flight_id(items[0])}
    assert to_typed(after)["route"] == {"S": "EWR-IAH"}
    assert to_typed(after)["destination"] == {"S": "IAH"}
    assert "dest" not in after


def test_cancelled_flights_stay_behind(items: list[dict[str, Any]]) -> None:
    transform = Transform.compile(flights.TRANSFORM)
    cancelled = next(item for item in items if "dep_time" not in item)
    assert transform.apply(from_typed(cancelled)) is None


def test_spec_has_no_mistake() -> None:
    spec = MigrationSpec.parse(flights.spec_of_flights("flights-1"))
    assert spec.destination.name == flights.DESTINATION
    assert msgspec.json.encode(spec.to_json())


def test_missing_data_set_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotFoundError) as caught:
        next(flights.read_flights(1))
    assert "tableferry[demo]" in caught.value.hint
