"""Progress while one waits: a drawing that renews itself on a terminal, plain lines elsewhere.

All of it goes to standard error; standard output is for the result.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from tableferry.cli.drawing import Line, drawing, one_line
from tableferry.cli.following import Show
from tableferry.cli.looking import Look
from tableferry.cli.printing import say
from tableferry.shown_time import duration

# A line that only counts on is worth reading this often.
_LINE_SECONDS = 5.0


class PlainLines:
    """A line for each state, and now and then one for how far it is."""

    def __init__(
        self,
        say: Callable[[str], None] = say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._clock = clock
        self._state = ""
        self._said = ""
        self._said_at = float("-inf")

    def look(self, look: Look) -> None:
        state = f"{look.status} {look.current.name if look.current else ''}"
        line = one_line(look)
        is_due = self._clock() - self._said_at >= _LINE_SECONDS and line != self._said
        if state != self._state or is_due:
            self._say(f"{duration(look.seconds):>10}  {line}")
            self._state, self._said, self._said_at = state, line, self._clock()


class LiveDrawing:
    """The whole graph, drawn anew at each look."""

    def __init__(self, live: Any) -> None:
        self._live = live

    def look(self, look: Look) -> None:
        self._live.update(rich_text(drawing(look)), refresh=True)


@contextmanager
def progress() -> Iterator[Show]:
    """What fits standard error: a live drawing on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield PlainLines()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        yield LiveDrawing(live)


def rich_text(lines: Sequence[Line]) -> Any:
    """The lines with their styles."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ellipsis")
    for place, line in enumerate(lines):
        text.append(("\n" if place else "") + line.text, style=line.style or None)
    return text


def print_styled(lines: Sequence[Line]) -> None:
    """A result for people on standard output: in colours on a terminal, plain elsewhere."""
    if not sys.stdout.isatty():
        for line in lines:
            click.echo(line.text)
        return
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line.text, style=line.style or None, markup=False)
