"""The guard, on a simulated clock: what it says when, and that what was lost stays said."""

import pytest

from tests.unit.live.capture_world import CaptureWorld

KEPT_SECONDS = 24 * 3600.0


def behind() -> CaptureWorld:
    """Captured, with one record applied and one that waits."""
    world = CaptureWorld()
    world.captured()
    world.put("a", n=1)
    world.apply_all()
    world.guard()
    world.mappings.becomes("Disabled")
    world.put("a", n=2)
    return world


@pytest.mark.parametrize(
    ("hours", "unsafe", "warning"),
    [(17.9, "", "not Enabled"), (18.0, "", "18.0 h behind"), (24.0, "24.0 h old", "")],
)
def test_it_warns_at_18_hours_and_at_24_the_migration_is_unsafe(
    hours: float, unsafe: str, warning: str
) -> None:
    world = behind()
    world.pass_hours(hours)
    sighting = world.guard()
    assert abs(sighting.oldest_seconds - hours * 3600) <= 1
    assert unsafe in sighting.unsafe and bool(unsafe) is bool(sighting.unsafe)
    assert warning in sighting.warning and bool(warning) is bool(sighting.warning)


def test_it_says_nothing_while_sync_keeps_up() -> None:
    world = CaptureWorld(shards=3)
    world.captured()
    for hour in range(60):
        world.put(f"{hour % 7}", n=hour)
        world.apply_all()
        world.pass_hours(1)
        world.stream.forget(world.clock.now() - KEPT_SECONDS)
        sighting = world.guard()
        assert (sighting.oldest_seconds, sighting.unsafe, sighting.warning) == (0.0, "", "")


def test_a_source_that_nobody_writes_to_for_days_is_no_gap() -> None:
    world = CaptureWorld()
    world.captured()
    world.put("a")
    world.apply_all()
    world.guard()
    world.pass_hours(50)
    world.stream.forget(world.clock.now() - KEPT_SECONDS)
    assert not world.guard().unsafe
    world.put("a", n=2)
    assert world.guard().oldest_seconds < 2
    world.apply_all()
    assert not world.guard().unsafe


@pytest.mark.parametrize("forgotten_after", [23.0, 24.5])
def test_a_record_that_is_gone_before_it_was_applied_is_seen_whatever_the_clock_says(
    forgotten_after: float,
) -> None:
    world = behind()
    world.guard()
    world.pass_hours(forgotten_after)
    world.put("b")
    world.stream.forget(world.clock.now() - 3600)
    sighting = world.guard()
    assert "forgotten" in sighting.unsafe
    assert world.stream.arn in world.mappings.made


def test_what_is_lost_stays_said_when_sync_goes_on() -> None:
    world = behind()
    world.pass_hours(25)
    assert world.guard().unsafe
    world.stream.forget(world.clock.now() - KEPT_SECONDS)
    world.mappings.becomes("Enabled")
    world.put("b")
    world.apply_all()
    sighting = world.guard()
    assert sighting.unsafe and sighting.oldest_seconds == 0


@pytest.mark.parametrize("state", ["Disabled", "Disabling", "Updating"])
def test_a_mapping_that_is_off_is_warned_of(state: str) -> None:
    world = CaptureWorld()
    world.captured()
    world.mappings.becomes(state)
    assert state in world.guard().warning
    world.mappings.there.clear()
    assert "gone" in world.guard().warning


@pytest.mark.parametrize("is_on_again", [False, True])
def test_another_stream_is_a_gap(is_on_again: bool) -> None:
    world = CaptureWorld()
    world.captured()
    world.has_stream = False
    if is_on_again:
        world.turn_on_stream()
    assert "another one" in world.guard().unsafe


def test_it_reads_on_from_where_everything_was_applied() -> None:
    world = CaptureWorld()
    world.captured()
    world.stream.page = 10
    for n in range(200):
        world.put("a", n=n)
    world.apply_all()
    world.guard()
    before = world.stream.reads
    world.guard()
    assert world.stream.reads - before == 1
