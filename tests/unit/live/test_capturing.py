"""Capture comes first and is proven; a gap ends in a clear error, or is mended where asked."""

from collections.abc import Callable

import pytest

from tableferry.errors import InvalidSpecError, NotOwnerError, RequestRefusedError, StreamGapError
from tableferry.live.draining import STEP as DRAIN_STEP
from tableferry.verification.content_verifying import Standing, read_anew
from tests.unit.live.actors import Actor
from tests.unit.live.capture_world import LONGEST, CaptureWorld
from tests.unit.live.live_world import INVOCATION_SECONDS, MARGIN_SECONDS, RUN, row


def test_the_stream_is_on_and_read_and_handed_over_before_it_is_ready() -> None:
    world = CaptureWorld()
    assert "turned on" in world.start_sync().waiting_for
    assert "ENABLED" in world.start_sync().waiting_for
    assert not world.mappings.made
    # Written before the first scan: captured all the same.
    world.put("a", n=1)
    world.stream.state = "ENABLED"
    assert "Creating" in world.start_sync().waiting_for
    assert world.stream.reads > 0
    world.mappings.becomes("Enabled")
    capture = world.start_sync()
    assert (capture.ready, capture.stream_arn) == (True, world.stream.arn)
    assert world.start_sync().ready
    assert (world.streams_made, world.mappings.made) == (1, [world.stream.arn])
    world.apply_all()
    assert world.held("a") == row("a", n=1)


def test_a_stream_that_is_on_is_joined() -> None:
    world = CaptureWorld()
    world.turn_on_stream()
    world.stream.state = "ENABLED"
    world.start_sync()
    assert (world.streams_made, world.mappings.made) == (1, ["arn:stream/1"])


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"])
def test_a_stream_of_another_view_is_refused(view: str) -> None:
    world = CaptureWorld()
    world.turn_on_stream()
    world.view = view
    with pytest.raises(InvalidSpecError, match=view):
        world.start_sync()
    assert (world.streams_made, world.mappings.made, world.log.sources) == (1, [], {})


def test_a_source_that_another_migration_has_is_refused() -> None:
    world = CaptureWorld()
    world.turn_on_stream()
    world.stream.state = "ENABLED"
    world.log.claim_source("other", world.stream.arn)
    with pytest.raises(NotOwnerError, match="other"):
        world.start_sync()
    assert not world.mappings.made


def test_a_stream_that_can_not_be_read_is_not_ready() -> None:
    world = CaptureWorld()
    world.turn_on_stream()
    world.stream.state = "ENABLED"
    world.stream.closed = {0}
    with pytest.raises(StreamGapError, match="no open shard"):
        world.start_sync()
    world.stream.closed = set()
    world.stream.forgotten = []
    with pytest.raises(IndexError):
        world.start_sync()
    assert not world.mappings.made


# --- gaps ---


def _mapping_removed(world: CaptureWorld) -> None:
    world.mappings.there.clear()


def _stream_off(world: CaptureWorld) -> None:
    world.has_stream = False


def _stream_replaced(world: CaptureWorld) -> None:
    world.turn_on_stream()
    world.stream.state = "ENABLED"


def _past_retention(world: CaptureWorld) -> None:
    world.put("a", n=9)
    world.pass_hours(25)
    assert world.guard().unsafe
    world.stream.forget(world.clock.now() - 24 * 3600)


GAPS = (_mapping_removed, _stream_off, _stream_replaced, _past_retention)


@pytest.mark.parametrize("gap", GAPS)
def test_a_gap_ends_in_an_error_that_says_how_to_go_on(gap: Callable[[CaptureWorld], None]) -> None:
    world = CaptureWorld()
    world.captured()
    gap(world)
    streams, mappings = world.streams_made, list(world.mappings.made)
    for _ in range(2):
        with pytest.raises(StreamGapError) as caught:
            world.start_sync()
        assert '"repair": true' in caught.value.hint and '"resume": true' in caught.value.hint
    # Nothing was begun anew, and the run remembers.
    assert (world.streams_made, world.mappings.made) == (streams, mappings)
    assert (world.ledger.step(RUN, "gap") or {})["reason"] in str(caught.value)


@pytest.mark.parametrize("gap", GAPS)
def test_after_a_gap_the_source_is_captured_anew_where_it_is_asked(
    gap: Callable[[CaptureWorld], None],
) -> None:
    world = CaptureWorld([row("a", n=0)])
    world.captured()
    world.put("b", n=1)
    world.apply_all()
    world.guard()
    gap(world)
    began, old = world.clock.now(), world.mapping
    waited = []
    while not (capture := world.start_sync(mends=True)).ready:
        waited.append(capture.waiting_for)
        assert len(waited) < 500
        world.clock.sleep(capture.wait_seconds)
        # What is asked for happens while it waits.
        world.mappings.there.pop(old, None)
        world.stream.state = "ENABLED"
        world.mappings.becomes("Enabled")
    assert world.clock.now() - began >= LONGEST
    assert world.mapping != old
    assert not world.guard().unsafe
    assert world.ledger.step(RUN, DRAIN_STEP) == {"positions": {}}
    world.put("b", n=2)
    world.apply_all()
    assert world.held("b") == row("b", n=2)


def test_capturing_anew_waits_for_the_batches_of_before() -> None:
    world = CaptureWorld()
    world.captured()
    world.put("a", n=1)
    batch = world.pollers[0].batch()
    dead = Actor(lambda hook: world.sync(batch, hook=hook, mapping=world.mapping))
    assert dead.until("records settled")
    (lease,) = world.log.sync_leases(RUN)
    _mapping_removed(world)
    while len(world.mappings.made) < 2:
        world.clock.sleep(world.start_sync(mends=True).wait_seconds)
    assert world.clock.now() > lease.deadline + MARGIN_SECONDS
    assert world.clock.now() > lease.deadline - INVOCATION_SECONDS + LONGEST


def test_an_error_of_the_stream_is_not_taken_for_a_gap() -> None:
    world = CaptureWorld()
    world.captured()
    world.put("a")
    world.apply_all()
    world.guard()

    def refuse(shard: str, after: str | None) -> str:
        raise RequestRefusedError("no", code="ValidationException")

    world.stream.iterator = refuse  # type: ignore[method-assign]
    with pytest.raises(RequestRefusedError):
        world.guard()


def test_after_a_gap_both_tables_are_read_again_and_may_be_repaired_again() -> None:
    world = CaptureWorld()
    world.captured()
    Standing(round=3, repaired=True, result={"match": True}).keep(world.steps_log, RUN)
    read_anew(world.steps_log, RUN)
    standing = Standing.of(world.steps_log, RUN).begun()
    assert (standing.round, standing.repaired, standing.result) == (4, True, None)
    standing.keep(world.steps_log, RUN)
    _mapping_removed(world)
    while len(world.mappings.made) < 2:
        world.clock.sleep(world.start_sync(mends=True).wait_seconds)
    standing = Standing.of(world.steps_log, RUN).begun()
    assert (standing.round, standing.repaired) == (5, False)
