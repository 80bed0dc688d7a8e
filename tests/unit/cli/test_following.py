"""Looking until the end, and showing it on the way."""

from typing import Any

import pytest

from tableferry.cli.drawing import drawing
from tableferry.cli.following import Pace, follow, told_when_left
from tableferry.cli.looking import Look, Looker
from tableferry.cli.progress import LiveDrawing, PlainLines
from tableferry.errors import NotFoundError
from tableferry.shown_time import duration
from tests.fakes import Clock
from tests.unit.cli.fake_stack import EXECUTIONS, World, entered, left, read

ARN = f"{EXECUTIONS}:one"
MAP = "CopySourceToDestination"


class Shown:
    def __init__(self) -> None:
        self.looks: list[Look] = []

    def look(self, look: Look) -> None:
        self.looks.append(look)


class FakeLive:
    """rich.live.Live, as far as it is used."""

    def __init__(self) -> None:
        self.drawn: list[Any] = []

    def update(self, renderable: Any, *, refresh: bool) -> None:
        assert refresh
        self.drawn.append(renderable)


def followed(world: World, clock: Clock, at_end: float) -> tuple[Look, Shown]:
    """Follows the execution, which ends after that time."""

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.slept >= at_end:
            world.executions.end(ARN, "SUCCEEDED")

    shown = Shown()
    looker = Looker(world.stack, "prefs-v2", ARN)
    return follow(looker, shown, Pace(sleep, clock.now)), shown


def test_looks_until_the_execution_has_ended(world: World) -> None:
    world.migrate()
    last, shown = followed(world, Clock(), 3.0)
    assert last.status == "SUCCEEDED"
    assert [look.status for look in shown.looks] == ["RUNNING"] * 6 + ["SUCCEEDED"]


def test_long_run_is_looked_at_less_often(world: World) -> None:
    world.migrate()
    _, shown = followed(world, Clock(), 3600.0)
    assert len(shown.looks) < 600


def test_execution_that_does_not_show_yet_is_waited_for(world: World) -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.slept > 5:
            world.executions.end(ARN, "SUCCEEDED")

    last = follow(Looker(world.stack, "prefs-v2", ARN), Shown(), Pace(sleep, clock.now))
    assert last.status == "SUCCEEDED"


def test_execution_that_never_shows_is_not_waited_for_for_ever(world: World) -> None:
    clock = Clock()
    with pytest.raises(NotFoundError):
        follow(Looker(world.stack, "prefs-v2", ARN), Shown(), Pace(clock.sleep, clock.now))
    assert clock.slept < 20


def test_leaving_says_that_the_migration_goes_on() -> None:
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt), told_when_left("prefs-v2", said.append):
        raise KeyboardInterrupt
    assert "tableferry status prefs-v2 --watch" in said[0]
    assert "tableferry pause prefs-v2" in said[0]


def copying(world: World, items: int) -> Look:
    if "prefs-v2" not in world.ledger.controls:
        world.migrate(steps={"copying": {"segments": {"copy": 2}}})
    world.executions.events[ARN] = [
        entered("ValidateMigration", 100.0),
        left("ValidateMigration", 101.0),
        entered(MAP, 101.0, "Map"),
    ]
    world.segment(0, counts=read(items))
    return Looker(world.stack, "prefs-v2", ARN, lambda: 112.0).look()


def test_plain_lines_come_with_each_state_and_now_and_then(world: World) -> None:
    said: list[str] = []
    clock = Clock()
    lines = PlainLines(said.append, clock.now)
    for items in range(10, 100, 10):
        lines.look(copying(world, items))
        clock.sleep(1)
    assert len(said) == 2, "the first look, and one five seconds later"
    assert f"{MAP}: copy 0 of 2 segments, 1 running, 10 items" in said[0]
    assert "60 items" in said[1]
    world.executions.events[ARN] += [left(MAP, 112.0, "Map"), entered("CleanUp", 112.0)]
    lines.look(Looker(world.stack, "prefs-v2", ARN, lambda: 113.0).look())
    assert said[2].endswith("CleanUp")


def test_live_drawing_shows_the_graph(world: World) -> None:
    live = FakeLive()
    look = copying(world, 10)
    LiveDrawing(live).look(look)
    (text,) = live.drawn
    assert text.plain == "\n".join(line.text for line in drawing(look))
    assert "▶ CopySourceToDestination" in text.plain


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (61, "1 min 1 s"),
        (3599, "59 min 59 s"),
        (3661, "1 h 1 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
