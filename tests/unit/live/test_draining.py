"""The drain ends when everything from before it is applied and equal, and not before."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tableferry.aws.retrying import Progress, Retrier
from tableferry.deadline import Deadline
from tableferry.live.draining import PAUSE_SECONDS, Drain, Drained
from tableferry.live.equality import Mentions
from tableferry.verification.rereading import ItemReader
from tests.unit.live.capture_world import CaptureWorld
from tests.unit.live.live_world import DESTINATION, RUN, SOURCE, row


def captured(*items: dict[str, Any], **options: Any) -> CaptureWorld:
    world = CaptureWorld(items, **options)
    world.captured()
    return world


def drain(
    world: CaptureWorld, *, is_enabled: bool = True, meanwhile: Callable[[], None] = lambda: None
) -> Drained:
    """One look; `meanwhile` happens whenever it pauses."""

    def pause() -> None:
        world.clock.sleep(PAUSE_SECONDS)
        meanwhile()

    deadline = Deadline.after(10_000.0, world.clock.now)
    retrier = Retrier(deadline, Progress(900.0, world.clock.now()), lambda: None, world.clock.sleep)
    with ThreadPoolExecutor(2) as pool:

        def reader(table: str) -> ItemReader:
            return ItemReader(world.dynamo, table, ("pk",), retrier, pool)

        looked = Drain(
            run=RUN,
            log=world.steps_log,
            stream=world.stream,
            markers=world.log,
            is_mapping_enabled=is_enabled,
            source=reader(SOURCE),
            destination=reader(DESTINATION),
            mentions=Mentions(world.transform, world.rules),
            pause=pause,
            began=world.clock.now(),
        )
        return looked.look()


def test_it_waits_for_what_was_written_before_its_first_look() -> None:
    world = captured(shards=2)
    for number in range(9):
        world.put(f"{number}")
    first = drain(world)
    assert not first.done and "apply" in first.waiting_for
    world.apply_all()
    assert drain(world).done
    assert drain(world).done


def test_what_comes_after_its_first_look_it_does_not_wait_for() -> None:
    world = captured()
    world.put("a", n=1)
    assert not drain(world).done
    world.apply_all()
    world.put("b", n=1)
    # Written to without a pause: a record a second, each seen, none of them the drain's.
    looked = drain(world, meanwhile=lambda: world.put("c", n=int(world.clock.now())))
    assert "equal" in looked.waiting_for or "apply" in looked.waiting_for or looked.done
    world.apply_all()
    assert drain(world).done


def test_records_that_the_stream_shows_late_are_waited_for() -> None:
    world = captured()
    world.put("a", n=1)
    world.apply_all()
    world.put("a", n=2)
    world.stream.hidden = 1
    pauses: list[int] = []

    def show() -> None:
        pauses.append(1)
        if len(pauses) == 3:
            world.stream.hidden = 0

    assert not drain(world, meanwhile=show).done
    world.apply_all()
    assert drain(world).done


def test_a_mapping_that_is_off_is_waited_for() -> None:
    world = captured()
    looked = drain(world, is_enabled=False)
    assert not looked.done and "Enabled" in looked.waiting_for


def test_what_is_applied_and_not_equal_is_not_drained() -> None:
    world = captured()
    world.put("a", n=1)
    world.apply_all()
    world.destination.put(row("a", n=9))
    looked = drain(world)
    assert not looked.done and "1 keys to become equal" in looked.waiting_for
    world.destination.put(row("a", n=1))
    assert drain(world).done


def test_the_next_drain_begins_where_the_last_one_ended() -> None:
    world = captured()
    world.stream.page = 5
    for number in range(100):
        world.put("a", n=number)
    world.apply_all()
    assert drain(world).keys_compared == 1
    before = world.stream.reads
    world.put("b")
    world.apply_all()
    assert drain(world).done
    assert world.stream.reads - before < 10
