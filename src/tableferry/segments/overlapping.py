"""A page whose writes are under way: the next one's fill the pipe while its last ones end."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from tableferry.model import Counts

# So few left that threads fall idle (working.WRITE_THREADS) unless more comes.
FEW_LEFT = 16


@dataclass(slots=True)
class Span:
    """What the next checkpoint vouches for: since when, and what reading it cost."""

    began: float
    read_units: float = 0.0


@dataclass(slots=True)
class Pending:
    """Batches in flight. `finish` waits for all of them, and answers or raises what came of it."""

    futures: Sequence["Future[Any]"]
    finish: Callable[[], Counts]
    _left: int = field(init=False)
    _is_ending: threading.Event = field(init=False, default_factory=threading.Event)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._left = len(self.futures)
        if self._left <= FEW_LEFT:
            self._is_ending.set()
        for future in self.futures:
            future.add_done_callback(self._count)

    def until_few_left(self) -> None:
        """Returns when the next page's batches should come, or when a batch failed."""
        self._is_ending.wait()

    def _count(self, future: "Future[Any]") -> None:
        with self._lock:
            self._left -= 1
            is_ending = self._left <= FEW_LEFT
        if is_ending or future.cancelled() or future.exception() is not None:
            self._is_ending.set()
