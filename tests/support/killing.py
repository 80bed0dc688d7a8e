"""Signals to the processes that run functions, at moments that a seed draws."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tableferry.local.engine import Worker
from tableferry.local.faults import CallLog

# A moment is so many requests after the one before, and while the last of them is under way or
# after it was answered: what a worker does between two requests takes no time beside them.
MOST_CALLS = 12


@dataclass(slots=True)
class Killer:
    """Kills one of the busy workers at a time; `killed` are the moments (epoch seconds)."""

    workers: Callable[[], Sequence[Worker]]
    calls: CallLog
    dice: random.Random
    killed: list[float] = field(default_factory=list)

    def kill(self) -> None:
        """Waits for the next moment, and ends a busy worker then; TimeoutError if there is none.

        A worker that came to its end by itself in between does not count, and another is taken.
        """
        while True:
            began = time.time()
            calls = self.dice.randint(1, MOST_CALLS)
            is_answered = self.dice.random() < 0.5
            self.calls.wait_for(at_least=calls, since=began, ended=is_answered)
            busy = self.workers()
            if not busy:
                continue
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(busy).pid, signal.SIGKILL)
                self.killed.append(time.time())
                return


@contextmanager
def standing_still(workers: Sequence[Worker]) -> Iterator[None]:
    """Processes that stand still (SIGSTOP) while the block runs, and then go on."""
    for worker in workers:
        os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            # One that was killed while it stood still is gone.
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGCONT)
