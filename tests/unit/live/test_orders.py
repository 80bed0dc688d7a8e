"""Every named order of read, update, apply, write, delete, checkpoint, phase and sweep.

A copy worker and sync stop at their yield points, and something else happens there.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from tableferry.errors import NotOwnerError
from tableferry.model import Phase
from tests.unit.live.actors import Actor
from tests.unit.live.live_world import LiveWorld, row

KEYS = {"pk": "S", "place": "S"}
STEPS = [{"filter": "{% $not($exists(hidden)) %}"}]

# Where each word stops its invocation.
COPY_WORDS = {
    "read": "page read",
    "write": "batches written",
    "checkpoint": "checkpoint written",
}
SYNC_WORDS = {
    "lease": "sync lease taken",
    "settle": "records settled",
    "apply": "record applied",
}


class Play:
    """Plays a script of words on one item `a`, and then lets everything come to its end."""

    def __init__(self, before: bool) -> None:
        items = [row("a", place="x", n=1)] if before else []
        # The page that a worker reads is never empty.
        items.append(row("other", place="x", n=0))
        self.world = LiveWorld(items, steps=STEPS, destination_keys=KEYS)
        self.worker: Actor | None = None
        self.sync: Actor | None = None
        self.stale: list[Actor] = []
        self.writes = 1
        self.may_sweep = False

    def play(self, script: str) -> None:
        for word in script.split():
            if word in COPY_WORDS:
                self._copy(COPY_WORDS[word])
            elif word in SYNC_WORDS:
                self._sync(SYNC_WORDS[word])
            else:
                self._words[word](self)
        self.end()

    def end(self) -> None:
        for actor in [self.worker, self.sync, *self.stale]:
            if actor is not None and not actor.is_over:
                with suppress(NotOwnerError):
                    actor.finish()
        self._heard()
        self.world.finish()

    def _copy(self, moment: str) -> None:
        if self.worker is None:
            self.worker = Actor(lambda hook: self.world.copy(hook=hook))
        self.worker.until(moment)

    def _sync(self, moment: str) -> None:
        self._heard()
        if self.sync is None:
            batch = self.world.pollers[0].batch()
            assert batch, "nothing is to be applied"
            self.sync = Actor(lambda hook: self.world.sync(batch, hook=hook))
        if self.sync.at != moment:
            self.sync.until(moment)

    def _heard(self) -> None:
        """The poller goes on behind an invocation that is over."""
        if self.sync is not None and self.sync.is_over:
            if self.sync.result is not None:
                poller = self.world.pollers[0]
                poller.position += self.sync.result.changes
            self.sync = None

    def _finish_sync(self) -> None:
        assert self.sync is not None
        self.sync.finish()
        self._heard()

    def _believed_dead(self) -> None:
        """The poller gives the invocation up, which goes on at the very end."""
        assert self.sync is not None
        self.stale.append(self.sync)
        self.sync = None

    def _worker_believed_dead(self) -> None:
        assert self.worker is not None
        self.stale.append(self.worker)
        self.worker = None
        self.world.clock.sleep(500.0)

    def _put(self, place: str, **more: bool) -> None:
        self.writes += 1
        self.world.put("a", place=place, n=self.writes, **more)

    def _phase(self) -> None:
        with suppress(NotOwnerError):
            self.world.clean_up()

    def _open_sweep(self) -> None:
        if self.world.phase.order >= Phase.CLOSED.order:
            self.may_sweep = self.world.open_sweep()

    def _sweep(self) -> None:
        if self.may_sweep:
            self.world.sweep()

    _words: dict[str, Callable[["Play"], object]] = {
        "update": lambda play: play._put("x"),
        "insert": lambda play: play._put("x"),
        "move": lambda play: play._put("y"),
        "hide": lambda play: play._put("x", hidden=True),
        "delete": lambda play: play.world.delete("a"),
        "release": _finish_sync,
        "believed-dead": _believed_dead,
        "worker-believed-dead": _worker_believed_dead,
        "close": _phase,
        "open-sweep": _open_sweep,
        "sweep": _sweep,
        "wait": lambda play: play.world.clock.sleep(500.0),
    }


def require_equal(play: Play, script: str) -> None:
    assert play.world.is_equal(), (script, play.world.destination.items)
    assert not play.world.tombstones(), script


@pytest.mark.parametrize(
    "script",
    [
        # 1 and 5: a stale read never wins, and what was deleted stays away.
        "read update apply write",
        "read delete apply write",
        "read delete apply release insert apply write",
        "read delete insert apply write",
        "read move apply write",
        "read move apply release move delete apply write",
        "read hide apply write",
        "read hide apply release update apply write",
        "update read write apply",
        "read write update apply checkpoint",
        "read write delete apply checkpoint",
        "read write checkpoint delete apply",
        "delete read write apply",
        "update delete insert delete read apply write",
        # Sync stands in the middle of a batch while the worker goes on.
        "read update lease write settle apply",
        "read delete lease settle write apply",
        "read delete lease settle apply write release checkpoint",
        "read move lease write settle checkpoint apply",
        # Closing begins while the worker holds its stale read.
        "read delete close apply write",
        "read close delete apply write",
        "read close move apply write close",
        "read write close checkpoint delete apply close",
        # A batch that began in an earlier phase leaves its tombstone late.
        "read write checkpoint delete close lease close open-sweep settle apply",
        "read write checkpoint delete lease close open-sweep apply release open-sweep sweep",
        "read write checkpoint delete lease close open-sweep wait wait open-sweep sweep",
        # A deleted item's tombstone is swept while it is put again.
        "read delete apply write release close close open-sweep insert sweep apply",
        "read delete apply write release close close open-sweep insert apply sweep",
        # 28: those believed dead go on behind everything.
        "read worker-believed-dead read write checkpoint delete apply release close wait close "
        "open-sweep sweep",
        "read worker-believed-dead read write checkpoint update apply",
        "update lease believed-dead wait apply release update apply",
        "update lease settle believed-dead wait apply release delete apply",
        "delete lease settle believed-dead wait apply release insert apply release",
    ],
)
@pytest.mark.parametrize("before", [True, False], ids=["there", "not there"])
def test_a_named_order_ends_equal(script: str, before: bool) -> None:
    play = Play(before)
    script = script if before else f"insert {script}"
    play.play(script)
    require_equal(play, script)


WRITES = ("update", "delete", "move", "hide", "delete update", "move update", "hide delete")
PLACES = range(5)


def _orders(count: int) -> Iterator[Sequence[int]]:
    """Places of each write and of what applies it, each no sooner than what it follows."""
    for places in itertools.product(PLACES, repeat=2 * count):
        pairs = list(zip(places[::2], places[1::2], strict=True))
        in_order = all(
            one[0] <= other[0] and one[1] <= other[1] for one, other in itertools.pairwise(pairs)
        )
        if in_order and all(write <= apply for write, apply in pairs):
            yield places


@pytest.mark.parametrize("history", WRITES)
@pytest.mark.parametrize("before", [True, False], ids=["there", "not there"])
def test_every_order_of_writes_and_applies_around_the_worker_ends_equal(
    history: str, before: bool
) -> None:
    """Places: before the worker, after its read, its write, its checkpoint, after the closing."""
    writes = history.split()
    orders = list(_orders(len(writes)))
    assert len(orders) >= 15
    for order in orders:
        play = Play(before)
        script: list[str] = []
        for place, word in enumerate(["read", "write", "checkpoint", "close close", ""]):
            for number, write in enumerate(writes):
                if order[2 * number] == place:
                    script.append(write)
            if place in order[1::2]:
                script.append("deliver")
            script.append(word)
        _play_delivering(play, " ".join(script))
        require_equal(play, " ".join(script))


def _play_delivering(play: Play, script: str) -> None:
    """As `play`, with the word `deliver`: everything that waits, in one invocation."""
    for part in script.split("deliver"):
        for word in part.split():
            if word in COPY_WORDS:
                play._copy(COPY_WORDS[word])
            else:
                play._words[word](play)
        play.world.deliver()
    play.end()
