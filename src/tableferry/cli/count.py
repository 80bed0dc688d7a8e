"""`tableferry count TABLE`."""

import time
from typing import Any

import click

from tableferry.cli.counting import counting_progress
from tableferry.cli.options import Choices, table_options
from tableferry.cli.printing import print_document, print_lines
from tableferry.errors import InvalidSpecError
from tableferry.machine.table_count import Counted, CountedTable, TableCount
from tableferry.transform import Transform, check_condition


@click.command(short_help="Count a table's items.")
@click.argument("table_name", metavar="TABLE")
@click.option(
    "--filter",
    "condition",
    metavar="'{% … %}'",
    help="Count only the items that this JSONata expression is true for.",
)
@click.option("--consistent", is_flag=True, help="Read consistently, at twice the price.")
@table_options
@click.pass_obj
def count(choices: Choices, table_name: str, condition: str | None, consistent: bool) -> int:
    """Count the items of a table, by its name or ARN, in a parallel scan with your credentials.

    Needs no stack. Reads eventually consistently by default, which costs half a read unit for each
    4 KB of the table, whatever the filter. A filter that fails on items counts nothing: it says on
    which.

    \b
    Examples:
      tableferry count Prefs
      tableferry count Prefs --filter "{% lastUpdated >= '2017-01-01' %}" --json
    """
    transform = _filter(condition)
    table = choices.table(table_name)
    began = time.monotonic()
    with counting_progress(table) as seen:
        counted = TableCount(table, transform, consistent=consistent, seen=seen).run()
    document = _document(table, counted, condition, consistent=consistent)
    document["seconds"] = round(time.monotonic() - began, 3)
    if choices.as_json:
        print_document(document)
    else:
        print_lines(_lines(document))
    return 0


def _filter(condition: str | None) -> Transform | None:
    """The filter as the transform's step; raises InvalidSpecError with what is wrong with it."""
    if condition is None:
        return None
    problems = check_condition(condition, "--filter")
    if problems:
        raise InvalidSpecError(problems)
    return Transform.compile([{"filter": condition}])


def _document(
    table: CountedTable, counted: Counted, condition: str | None, *, consistent: bool
) -> dict[str, Any]:
    return {
        "table": table.table_name,
        "items": counted.items,
        "scannedItems": counted.scanned,
        "filter": condition,
        "consistent": consistent,
        "segments": counted.segments,
        "readUnits": round(counted.read_units, 1),
    }


def _lines(document: dict[str, Any]) -> list[str]:
    read = f"{document['readUnits']:,} read units, {document['seconds']:.1f} s"
    if document["filter"] is None:
        return [f"{document['table']}: {document['items']:,} items ({read})"]
    return [
        f"{document['table']}: {document['items']:,} of {document['scannedItems']:,} items pass "
        f"the filter ({read})"
    ]
