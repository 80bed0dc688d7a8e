"""`tableferry demo`."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from tableferry.cli.drawing import Line, drawing
from tableferry.cli.looking import Look, Looker
from tableferry.cli.options import DEFAULT_STACK, Choices, json_option
from tableferry.cli.outcome_text import outcome_lines
from tableferry.cli.outcomes import Outcome
from tableferry.cli.printing import print_document, say
from tableferry.cli.progress import print_styled
from tableferry.cli.stack import Stack, connect
from tableferry.cli.starting import start_execution, wait_for
from tableferry.spec import MigrationSpec

if TYPE_CHECKING:
    from tableferry.local.demo import DemoTables
    from tableferry.local.engine import RunningEngine
    from tableferry.local.flight_writers import FlightWriters
    from tableferry.local.throttling import BudgetUsed, LimitedTable

DEFAULT_ITEMS = 50_000
MOST_ITEMS = 336_776
DEFAULT_WRITERS, MOST_WRITERS = 2, 50
_TOLD_EVERY = 10_000


@dataclass(slots=True)
class Timer:
    """How long each part took, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 1)


@dataclass(frozen=True, slots=True)
class Written:
    """What applications wrote meanwhile; `seconds_behind`: how long after the last write both
    tables were equal in every flight that was written, None when they were not.
    """

    writers: int
    writes: int
    seconds_behind: float | None

    def to_json(self) -> dict[str, Any]:
        return {
            "writers": self.writers,
            "writes": self.writes,
            "equal": self.seconds_behind is not None,
            "secondsBehind": self.seconds_behind,
        }


@dataclass(frozen=True, slots=True)
class Moved:
    """What the demo has to show."""

    engine: str
    items: int
    outcome: Outcome
    look: Look
    before: dict[str, Any]
    after: dict[str, Any] | None
    written: Written | None = None
    budget: "BudgetUsed | None" = None

    @property
    def exit_status(self) -> int:
        """1 too when what was written meanwhile did not arrive."""
        arrived = self.written is None or self.written.seconds_behind is not None
        return self.outcome.exit_status if arrived else 1

    def to_json(self, timer: Timer) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "items": self.items,
            "outcome": self.outcome.document,
            "states": [state.to_json() for state in self.look.graph.states.values()],
            "written": self.written.to_json() if self.written else None,
            "budget": self.budget.to_json() if self.budget else None,
            "sample": {"before": self.before, "after": self.after},
            "seconds": timer.seconds,
        }


@click.command(short_help="All of it on this machine: engine, data, migration.")
@click.option(
    "--items",
    type=click.IntRange(1, MOST_ITEMS),
    default=DEFAULT_ITEMS,
    show_default=True,
    help=f"How many flights to move, {MOST_ITEMS:,} at most.",
)
@click.option(
    "--writers",
    type=click.IntRange(0, MOST_WRITERS),
    default=DEFAULT_WRITERS,
    show_default=True,
    help="How many applications keep writing flights meanwhile; 0 copies a quiet table.",
)
@click.option(
    "--throttle",
    type=click.IntRange(50, 40_000),
    metavar="UNITS",
    help="Give the new table that many write units a second, and the migration as its budget.",
)
@json_option
@click.pass_obj
def demo(choices: Choices, items: int, writers: int, throttle: int | None) -> int:
    """Show all of it on this machine: engine, real data, a migration, verification, a summary.

    It moves the flights of New York 2013 from a table with three hot partitions, one an airport,
    to a table keyed by an id for each flight, with an index on the airport. Cancelled flights stay
    behind, an attribute is renamed, one is added, one is derived. Meanwhile applications put,
    update, delete and insert flights; at the end both tables are equal. No AWS account is touched.

    \b
    Examples:
      tableferry demo
      tableferry demo --items 10000 --json
      tableferry demo --writers 8
      tableferry demo --throttle 2000
    """
    from tableferry.local.bringing_up import bring_up
    from tableferry.local.loopback import loopback_only

    timer = Timer()
    with timer.part("engineAndDeployment"), loopback_only():
        up = bring_up(progress=say)
    with loopback_only(up.engine):
        moved = _move(up.engine, items, writers, timer, throttle=throttle)
    if choices.as_json:
        print_document(moved.to_json(timer))
    else:
        print_styled(_summary(moved, timer))
    return moved.exit_status


def _move(
    engine: "RunningEngine", items: int, writers: int, timer: Timer, *, throttle: int | None
) -> Moved:
    """Loads the flights, migrates them, and looks at what came of it."""
    from tableferry.local import flights
    from tableferry.local.demo import DemoTables
    from tableferry.local.engine import REGION
    from tableferry.local.flight_writers import FlightWriters

    tables = DemoTables.of(engine)
    with timer.part("load"):
        loaded = _load(tables, items)
    stack = connect(DEFAULT_STACK, REGION, None, engine.endpoint_url)
    name = f"flights-{uuid.uuid4().hex[:6]}"
    spec = MigrationSpec.parse(
        flights.spec_of_flights(name, live=writers > 0, write_units=throttle)
    )
    say(f"migrating {flights.SOURCE} to {flights.DESTINATION} as {spec.migration_id}")
    applications = FlightWriters(tables, writers)
    with _limited(engine, throttle) as limited:
        with timer.part("migration"), applications.writing():
            execution_arn = start_execution(stack, spec)
            outcome = wait_for(stack, spec.migration_id, execution_arn)
        budget = limited.used() if limited else None
    written = _written(applications, writers)
    if written:
        say("ending sync, so that the demo can be run again")
        _give_up(stack, spec)
    before = next(flights.read_flights(1))
    return Moved(
        engine=engine.endpoint_url,
        items=loaded,
        outcome=outcome,
        look=Looker(stack, spec.migration_id, execution_arn).look(),
        before=before,
        after=tables.item(flights.DESTINATION, {"flightId": {"S": flights.flight_id(before)}}),
        written=written,
        budget=budget,
    )


def _load(tables: "DemoTables", items: int) -> int:
    from tableferry.local import flights

    tables.make_anew(flights.SOURCE_TABLE, flights.DESTINATION)
    say(f"loading {items:,} flights into {flights.SOURCE}")
    return tables.load(flights.SOURCE, flights.read_flights(items), _told())


def _written(applications: "FlightWriters", writers: int) -> Written | None:
    if not writers:
        return None
    return Written(writers, applications.writes, applications.seconds_until_equal())


@contextmanager
def _limited(engine: "RunningEngine", throttle: int | None) -> Iterator["LimitedTable | None"]:
    """The new table with limits, where that was asked for: the engine itself has none."""
    from tableferry.local.flights import DESTINATION, INDEX
    from tableferry.local.throttling import limited_table

    if throttle is None:
        yield None
        return
    with limited_table(engine, DEFAULT_STACK, DESTINATION, throttle, INDEX) as limited:
        yield limited


def _give_up(stack: Stack, spec: MigrationSpec) -> None:
    """`tableferry stop`: sync goes on until then, and would hold both tables."""
    destination = {"tableName": spec.destination.table_name}
    document = {"mode": "stop", "migrationId": spec.migration_id, "destination": destination}
    wait_for(stack, spec.migration_id, start_execution(stack, MigrationSpec.parse(document)))


def _told() -> Callable[[int], None]:
    """Tells how many are loaded, now and then."""
    told = 0

    def tell(count: int) -> None:
        nonlocal told
        if count - told >= _TOLD_EVERY:
            told = count
            say(f"  {count:,} loaded")

    return tell


def _summary(moved: Moved, timer: Timer) -> list[Line]:
    look, outcome = moved.look, moved.outcome.document
    lines = [Line(""), *drawing(look), Line(""), *outcome_lines(outcome)]
    lines += [
        Line(""),
        *_written_lines(moved.written),
        *([Line(moved.budget.text()), Line("")] if moved.budget else []),
        Line("One flight before (Flights, keyed by airport and number):"),
        Line(f"  {_plain(moved.before)}", "dim"),
        Line("and after (FlightsById, keyed by a UUID that applications can compute too):"),
        Line(f"  {_plain(moved.after)}", "dim"),
        Line(""),
        Line("Took " + ", ".join(f"{name} {value} s" for name, value in _parts(timer))),
        Line(""),
        Line("What next:"),
        *(Line(f"  {command:<43}{words}") for command, words in _next(look.migration_id)),
    ]
    return lines


def _written_lines(written: Written | None) -> list[Line]:
    if written is None:
        return []
    text = f"{written.writers} applications wrote {written.writes:,} times meanwhile; "
    if written.seconds_behind is None:
        return [Line(f"{text}THE TABLES ARE NOT EQUAL", "bold red"), Line("")]
    equal = f"{written.seconds_behind} s after the last write both tables were equal"
    return [Line(text + equal, "bold green"), Line("")]


def _next(migration_id: str) -> list[tuple[str, str]]:
    return [
        (f"tableferry report {migration_id} --json", "the outcome as scripts get it"),
        ('eval "$(tableferry local env)"', "point these commands, and the AWS CLI, at the engine"),
        ("tableferry plan SPEC", "your own move: docs/spec.md says what a spec is"),
        ("tableferry local down", "stop the engine; its tables are gone then"),
    ]


def _parts(timer: Timer) -> list[tuple[str, float]]:
    words = {"engineAndDeployment": "engine and deployment", "load": "loading"}
    return [(words.get(name, name), value) for name, value in timer.seconds.items()]


def _plain(item: dict[str, Any] | None) -> str:
    """DynamoDB JSON without its types; the demo has text and numbers only."""
    if item is None:
        return "(it is not there)"
    values = {name: next(iter(value.values())) for name, value in item.items()}
    return json.dumps(values, ensure_ascii=False)
