"""Applications of the demo: they keep writing flights, by seed, while the table is migrated."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tableferry.addresses import TableAddress
from tableferry.aws.refusals import translated
from tableferry.items import from_typed, to_typed
from tableferry.local import flights
from tableferry.local.demo import DemoTables
from tableferry.transform import Transform

Item = dict[str, Any]

HOT_FLIGHTS = 500
WRITES_A_SECOND = 25.0  # of each writer
LONGEST_WAIT_SECONDS = 60.0


@dataclass(slots=True)
class Hand:
    """One writer's flights: nobody else writes them, so it knows what each must be."""

    dice: random.Random
    flights: Sequence[Item]
    last: dict[int, Item | None] = field(default_factory=dict)
    writes: int = 0

    def step(self, client: Any) -> None:
        """A put, an update, a delete, or an insert of what was deleted."""
        place = self.dice.randrange(len(self.flights))
        flight = self.flights[place]
        now = self.last.get(place, flight)
        key = {name: flight[name] for name in ("origin", "id")}
        delay = {"N": str(self.dice.randint(-20, 300))}
        draw = self.dice.random()
        if now is None or draw < 0.2:
            item = {**flight, "dep_delay": delay}
            client.put_item(TableName=flights.SOURCE, Item=item)
            self.last[place] = item
        elif draw < 0.8:
            request = {
                "UpdateExpression": "SET dep_delay = :delay",
                "ExpressionAttributeValues": {":delay": delay},
            }
            client.update_item(TableName=flights.SOURCE, Key=key, **request)
            self.last[place] = {**now, "dep_delay": delay}
        else:
            client.delete_item(TableName=flights.SOURCE, Key=key)
            self.last[place] = None
        self.writes += 1


@dataclass
class FlightWriters:
    """So many writers of the first flights; `seed` makes each run the same."""

    tables: DemoTables
    count: int
    seed: int = 2013
    errors: list[Exception] = field(default_factory=list)
    hands: list[Hand] = field(init=False)

    def __post_init__(self) -> None:
        hot = list(flights.read_flights(HOT_FLIGHTS))
        self.hands = [
            Hand(random.Random(f"{self.seed}:{number}"), hot[number :: self.count])
            for number in range(self.count)
        ]
        self._stop = threading.Event()

    @property
    def writes(self) -> int:
        return sum(hand.writes for hand in self.hands)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Writes while the block runs; raises afterwards what went wrong."""
        threads = [threading.Thread(target=self._write, args=(hand,)) for hand in self.hands]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        for error in self.errors:
            raise error

    def _write(self, hand: Hand) -> None:
        client = self.tables.sessions.data_client(TableAddress(flights.SOURCE), 1)
        try:
            with translated("dynamodb:PutItem", flights.SOURCE):
                while not self._stop.wait(1 / WRITES_A_SECOND):
                    hand.step(client)
        except Exception as error:
            self.errors.append(error)

    def seconds_until_equal(self) -> float | None:
        """How long after the last write every written flight is in the destination as it must be;
        None when it is not within a minute.
        """
        began = time.monotonic()
        transform = Transform.compile(flights.TRANSFORM)
        left = [
            (hand.flights[place], item) for hand in self.hands for place, item in hand.last.items()
        ]
        while time.monotonic() - began < LONGEST_WAIT_SECONDS:
            left = [each for each in left if not self._is_equal(transform, *each)]
            if not left:
                return round(time.monotonic() - began, 1)
            time.sleep(0.1)
        return None

    def _is_equal(self, transform: Transform, flight: Item, item: Item | None) -> bool:
        wanted = None if item is None else transform.apply(from_typed(item))
        key = {"flightId": {"S": flights.flight_id(flight)}}
        found = self.tables.item(flights.DESTINATION, key)
        return found == (None if wanted is None else to_typed(wanted))
