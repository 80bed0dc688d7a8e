"""The table that `count` counts, and its progress on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import click
from pydantic import ValidationError

from tableferry.errors import InvalidSpecError
from tableferry.machine.table_count import THREADS, Counted, CountedTable
from tableferry.shown_time import duration
from tableferry.spec.model import TableRef
from tableferry.spec.problems import problem_of

_TERMINAL_SECONDS, _LINE_SECONDS = 0.2, 5.0


def open_table(table_name: str, region: str | None, profile: str | None) -> CountedTable:
    """The table with the credentials of the person at the CLI.

    Raises InvalidSpecError for what is no table name, TableNotFoundError, and what AWS refuses.
    """
    try:
        reference = TableRef.model_validate({"tableName": table_name})
    except ValidationError as error:
        problems = [problem_of(each) for each in error.errors(include_url=False)]
        raise InvalidSpecError([replace(each, path="TABLE") for each in problems]) from error
    # Imported here, so that `--help` and a wrong filter answer at once.
    from tableferry.aws.refusals import translated
    from tableferry.aws.session import Sessions
    from tableferry.aws.wire import BotocoreWireClient
    from tableferry.table_facts import TableFacts

    sessions = Sessions(region=region, profile=profile)
    sessions.require_credentials()
    with translated("dynamodb:DescribeTable", f"table {table_name}"):
        answer = sessions.table_client(reference).describe_table(TableName=table_name)
    facts = TableFacts.from_description(answer["Table"])
    client = BotocoreWireClient(sessions.data_client(reference, THREADS))
    return CountedTable(table_name, facts.key_names, facts.items, facts.size_bytes, client)


@contextmanager
def counting_progress(table: CountedTable) -> Iterator[Callable[[Counted], None]]:
    """How far it is: one line that renews itself on a terminal, a line now and then elsewhere."""
    is_terminal = sys.stderr.isatty()
    pause = _TERMINAL_SECONDS if is_terminal else _LINE_SECONDS
    began = said = time.monotonic()
    is_line_open = False

    def seen(counted: Counted) -> None:
        nonlocal said, is_line_open
        now = time.monotonic()
        if now - said < pause:
            return
        said, text = now, progress_text(counted, table.items, now - began)
        is_line_open = is_terminal
        click.echo(f"\r\x1b[2K{text}" if is_terminal else text, err=True, nl=not is_terminal)

    try:
        yield seen
    finally:
        if is_line_open:
            click.echo("\r\x1b[2K", err=True, nl=False)


def progress_text(counted: Counted, expected: int, seconds: float) -> str:
    """`1,200 of about 3,000 items, 40 %, 600 a second, 3.0 s left`; AWS's own number is old."""
    rate = counted.scanned / seconds if seconds > 0 else 0.0
    if expected <= counted.scanned:
        return f"{counted.scanned:,} items, {rate:,.0f} a second"
    share = counted.scanned / expected
    left = f", {duration((expected - counted.scanned) / rate)} left" if rate else ""
    return (
        f"{counted.scanned:,} of about {expected:,} items, {share:.0%}, {rate:,.0f} a second{left}"
    )
