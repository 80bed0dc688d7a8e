"""`tableferry local load TABLE FILE`."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tableferry.cli.options import Choices, json_option
from tableferry.cli.printing import print_document, print_lines, say
from tableferry.errors import InvalidSpecError, Problem

if TYPE_CHECKING:
    from tableferry.local.loading.keys import Key
    from tableferry.local.loading.loading import Loader

_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")  # [BC CreateTable]


@click.command(short_help="Load your own data into it.")
@click.argument("table", metavar="TABLE")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--key",
    "partition",
    metavar="NAME[:TYPE]",
    help="Partition key; TYPE is S, N or B. Without it the table's own, or a guess.",
)
@click.option("--sort-key", "sort", metavar="NAME[:TYPE]", help="Sort key, beside --key.")
@json_option
@click.pass_obj
def load(
    choices: Choices, table: str, file: Path, *, partition: str | None, sort: str | None
) -> int:
    """Load a DynamoDB export (its folder), JSON Lines or CSV into a table of the engine.

    JSON Lines are DynamoDB JSON, with or without {"Item": …} around it, or plain JSON; CSV has a
    header. Either may be gzipped. Numbers stay exact. A table that is not there is created, on
    demand. All of FILE is checked before the first write, so that a mistake in it loads nothing.

    \b
    Examples:
      tableferry local load Prefs AWSDynamoDB/01693685827463-2d8752fd
      tableferry local load Prefs prefs.jsonl --key userId --sort-key updated:N
      tableferry local load Flights flights.csv
    """
    from tableferry.aws.session import Sessions
    from tableferry.local.bringing_up import project_engine
    from tableferry.local.engine import REGION
    from tableferry.local.loading.loading import Loader
    from tableferry.local.loopback import loopback_only

    given = _given(table, partition, sort)
    with loopback_only():
        running = project_engine().running()
    with loopback_only(running):
        sessions = Sessions(region=REGION, endpoint_url=running.endpoint_url)
        document = _load(Loader(sessions, table), file, given)
    if choices.as_json:
        print_document(document)
    else:
        print_lines([f"{table}: {document['items']:,} items loaded in {document['seconds']:.1f} s"])
    return 0


def _load(loader: "Loader", file: Path, given: tuple["Key", ...]) -> dict[str, Any]:
    from tableferry.local.loading.loading import check, source_of

    began = time.monotonic()
    existing = loader.existing_keys()
    keys = _agreed(loader.table, existing, given)
    source = source_of(file, keys)
    said = source.said
    for line in said:
        say(line)
    checked = check(source, keys)
    origin = "the table's own" if existing else "given" if given else "guessed: unique in the file"
    said.append(f"keys: {', '.join(map(str, checked.keys))}, {origin}")
    say(said[-1])
    if existing is None:
        loader.create(checked.keys)
        say(f"created the table {loader.table}, on demand")
    loaded = loader.load(checked, say)
    return {
        "table": loader.table,
        "items": loaded,
        "created": existing is None,
        "keys": [{"name": key.name, "type": key.kind} for key in checked.keys],
        "keysAre": "existing" if existing else "given" if given else "guessed",
        "said": said,
        "seconds": round(time.monotonic() - began, 3),
    }


def _given(table: str, partition: str | None, sort: str | None) -> tuple["Key", ...]:
    from tableferry.local.loading.keys import Key

    problems = []
    if not _TABLE_NAME.fullmatch(table):
        rule = "is not a table's name: 3 to 255 of letters, digits, _ . -"
        problems.append(Problem("TABLE", table, rule, "choose another name"))
    if sort and not partition:
        problems.append(Problem("--sort-key", sort, "needs --key", "give the partition key too"))
    keys = tuple(Key.of_text(text) for text in (partition, sort) if text)
    if len({key.name for key in keys}) < len(keys):
        problems.append(Problem("--sort-key", sort, "is the partition key", "name another"))
    if problems:
        raise InvalidSpecError(problems)
    return keys


def _agreed(
    table: str, existing: tuple["Key", ...] | None, given: tuple["Key", ...]
) -> tuple["Key", ...]:
    """The table's own keys, which those that are given must not contradict."""
    if existing is None or not given:
        return existing or given
    same_names = [key.name for key in existing] == [key.name for key in given]
    same_kinds = all(not b.kind or a.kind == b.kind for a, b in zip(existing, given, strict=False))
    if same_names and same_kinds:
        return existing
    rule = f"the table {table} is there, with the keys {', '.join(map(str, existing))}"
    remedy = "leave the option out, or choose another TABLE"
    raise InvalidSpecError([Problem("--key", ", ".join(map(str, given)), rule, remedy)])
