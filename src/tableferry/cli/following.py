"""Following an execution until it ends."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from tableferry.cli.looking import Look, Looker
from tableferry.errors import NotFoundError

# A look costs requests of account-wide quotas: a long run is looked at less often.
_FIRST_SECONDS, _MOST_SECONDS, _SHARE = 0.5, 10.0, 0.02
# DescribeExecution is eventually consistent [BC DescribeExecution]: a new one may be unknown yet.
_UNKNOWN_SECONDS = 15.0


class Show(Protocol):
    """Shows one look after the other."""

    def look(self, look: Look) -> None: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait between looks: longer, the longer it has run."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def looks(self, looker: Looker) -> Iterator[Look]:
        """One look after the other; the last one is that of an execution that does not run."""
        began = self.clock()
        while True:
            elapsed = self.clock() - began
            try:
                look = looker.look()
            except NotFoundError:
                if elapsed > _UNKNOWN_SECONDS:
                    raise
            else:
                yield look
                if not look.is_running:
                    return
            self.sleep(min(_MOST_SECONDS, max(_FIRST_SECONDS, elapsed * _SHARE)))


def follow(looker: Looker, show: Show, pace: Pace | None = None) -> Look:
    """Shows every look until the execution has ended; returns the last one."""
    last = None
    for look in (pace or Pace()).looks(looker):
        show.look(look)
        last = look
    assert last is not None
    return last


@contextmanager
def told_when_left(migration_id: str, say: Callable[[str], None]) -> Iterator[None]:
    """Ctrl-C ends the looking, not the migration; says so."""
    try:
        yield
    except KeyboardInterrupt:
        say(
            f"\nstopped looking; {migration_id} goes on. "
            f"`tableferry status {migration_id} --watch` looks again, "
            f"`tableferry pause {migration_id}` pauses it"
        )
        raise
