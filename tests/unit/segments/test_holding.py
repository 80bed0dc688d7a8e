"""Who may hold a segment, and what a worker that lost it can still do: nothing."""

import dataclasses
from typing import Any

import pytest

from tableferry.errors import MigrationPausedError, MigrationStoppedError, NotOwnerError
from tableferry.model import Control, Lease, Phase, SegmentRecord, StopFlag, Work
from tableferry.runs import ownership
from tableferry.segments.holding import SegmentTask
from tests.fake_ledger import MemoryLedger
from tests.worlds import OWNER, PLACE, RUN, World, numbered

OTHER = "arn:aws:states:us-east-1:123456789012:execution:migrate:two"


@pytest.fixture(autouse=True)
def _looks_at_every_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "LOOK_SECONDS", 0.0)


def world(**options: Any) -> World:
    made = World(numbered(200), **options)
    made.dynamo.page_bytes = 450
    return made


def writes_after(made: World, calls: int) -> int:
    later = [operation for operation, _ in made.dynamo.calls[calls:]]
    return later.count("BatchWriteItem")


class Once:
    """A hook that does something at one page's moment, and notes how many calls there were."""

    def __init__(self, made: World, moment: str, page: int, action: Any) -> None:
        self.calls = 0
        self._made, self._moment, self._page, self._action = made, moment, page, action

    def __call__(self, moment: str, **facts: Any) -> None:
        if moment == self._moment and facts["page"].number == self._page:
            self._action()
            self.calls = len(self._made.dynamo.calls)


def test_a_task_is_read_from_the_maps_input() -> None:
    event = {
        "migration": {"run": RUN, "owner": OWNER},
        "segment": {"work": "count-source", "segment": 3, "totalSegments": 7, "round": 2},
    }
    task = SegmentTask.from_event(event)
    assert task == SegmentTask(RUN, OWNER, Work.COUNT_SOURCE, 3, 7, 2)
    assert SegmentTask.from_event(event, Work.COPY).work is Work.COPY


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.COPYING], ids=str)
def test_no_copy_begins_in_another_phase(phase: Phase) -> None:
    made = world(phase=phase)
    with pytest.raises(NotOwnerError, match=f"the phase is {phase}"):
        made.copy()
    assert made.dynamo.calls == []
    assert made.ledger.leases(RUN) == []


def test_no_copy_begins_where_another_run_may_write() -> None:
    made = world()
    made.ledger.writers[PLACE] = "another"
    with pytest.raises(NotOwnerError, match="another run may write there"):
        made.copy()
    assert made.dynamo.calls == []


def test_a_stop_flag_in_mid_page_ends_the_writes() -> None:
    made = world()
    made.executions.set(OWNER, "ABORTED")
    flag = StopFlag(OWNER, 0, "pause", 1.0)
    hook = Once(made, "page read", 2, lambda: made.ledger.flag_stop(RUN, flag))
    with pytest.raises(MigrationPausedError, match="was stopped by pause"):
        made.copy(hook=hook)
    assert writes_after(made, hook.calls) == 0
    # The last writes of the page before may be under way when the next one is read; then the flag
    # stops them too, and the checkpoint stays behind that page.
    assert made.record().pages in (1, 2)
    assert made.ledger.leases(RUN) == []
    with pytest.raises(MigrationPausedError):
        made.copy()

    made.executions.set(OWNER, "RUNNING", redrive_count=1)
    made.copy_everything()
    assert made.is_equal()
    assert made.counts().written == 200


def test_a_migration_that_is_given_up_in_mid_page_is_not_written_to_any_more() -> None:
    made = world()
    hook = Once(made, "page read", 1, lambda: made.ledger.mark_stopped(RUN, "ender"))
    with pytest.raises(MigrationStoppedError):
        made.copy(hook=hook)
    assert writes_after(made, hook.calls) == 0


def test_a_new_owner_in_mid_page_ends_the_old_ones_writes_and_goes_on() -> None:
    made = world()
    hook = Once(made, "page read", 2, lambda: made.ledger.take_over(RUN, OWNER, OTHER))
    with pytest.raises(NotOwnerError, match="owned by"):
        made.copy(hook=hook)
    assert writes_after(made, hook.calls) == 0
    assert made.copy(owner=OTHER) is True
    assert made.is_equal()
    assert made.counts().written == 200


@pytest.mark.parametrize("moment", ["page read", "batches written", "page written"])
def test_a_worker_that_lost_its_segment_rewinds_no_checkpoint(moment: str) -> None:
    made = world()
    ended: list[Any] = []
    if moment == "batches written":
        hook = _after_batches(made, ended)
    else:
        hook = Once(made, moment, 1, lambda: ended.append(made.copy() and made.record()))
    with pytest.raises(NotOwnerError, match="held by another worker"):
        made.copy(hook=hook)
    assert made.record() == ended[0]
    assert made.record().done
    assert made.record().failure is None
    assert made.counts().written == 200


def _after_batches(made: World, ended: list[Any]) -> Any:
    def hook(moment: str, **facts: Any) -> None:
        if moment == "batches written" and not ended:
            ended.append(None)
            made.copy()
            ended[0] = made.record()

    return hook


class Overtaken(MemoryLedger):
    """Another worker takes the segment right after the first one did."""

    def hold_segment(self, control: Control, record: SegmentRecord, lease: Lease | None) -> None:
        super().hold_segment(control, record, lease)
        if record.holder == "invocation-1":
            other = dataclasses.replace(record, holder="invocation-2")
            super().hold_segment(control, other, lease)


def test_a_worker_overtaken_while_it_takes_up_its_checkpoint_does_nothing() -> None:
    made = world()
    made.ledger.__class__ = Overtaken
    with pytest.raises(NotOwnerError, match="another worker took it at the same time"):
        made.copy()
    assert made.dynamo.calls == []
    assert made.record().holder == "invocation-2"


class LateFlag(MemoryLedger):
    """The event of a stop arrives after the redrive, between the gate and the hold."""

    def hold_segment(self, control: Control, record: SegmentRecord, lease: Lease | None) -> None:
        if record.holder == "invocation-1" and not self.was_flagged:
            self.was_flagged = True
            self.flag_stop(control.run, StopFlag(control.owner, 0, "the Stop button", 1.0))
        super().hold_segment(control, record, lease)

    was_flagged = False


def test_a_late_stop_flag_does_not_fail_a_redriven_run() -> None:
    made = world()
    made.ledger.__class__ = LateFlag
    made.executions.set(OWNER, "RUNNING", redrive_count=1)
    assert made.copy() is True
    assert made.ledger.controls[RUN].stop is None


def test_a_checkpoint_of_another_cut_is_not_gone_on_from() -> None:
    made = world(segments=3)

    def hook(moment: str, **facts: Any) -> None:
        if moment == "checkpoint written":
            made.clock.sleep(100)

    made.copy(1, seconds=100, hook=hook)
    assert made.record(1).last_key is not None
    made.segments = 2
    made.copy_everything()
    assert made.is_equal()
    assert made.counts().written == 200


def test_a_segment_that_is_being_read_again_is_not_read_by_an_earlier_round() -> None:
    made = world()
    made.copy(round_number=2)
    with pytest.raises(NotOwnerError, match="being read again"):
        made.copy(round_number=1)
    assert made.record().round == 2


def test_a_new_round_begins_at_the_start_with_counts_of_its_own() -> None:
    made = world()
    made.copy(round_number=1)
    made.copy(round_number=2)
    assert (made.record().round, made.counts().read) == (2, 200)


def test_the_lease_ends_with_the_invocation_and_is_given_back() -> None:
    made = world()
    seen: list[Lease] = []
    made.copy(seconds=900, hook=lambda moment, **facts: seen.extend(made.ledger.leases(RUN)))
    assert {(lease.work, lease.holder) for lease in seen} == {(Work.COPY, "invocation-1")}
    assert {lease.deadline for lease in seen} == {1_000_000.0 + 900 - 20 + 4}
    assert made.ledger.leases(RUN) == []
