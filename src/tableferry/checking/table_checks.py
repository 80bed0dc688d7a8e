"""Whether the tables of a spec are there, reachable, usable, and not each other."""

from typing import Any, Protocol

from tableferry.addresses import Addressed, Place
from tableferry.checking.objections import Objections
from tableferry.destination.like_source import RUN_TAG
from tableferry.errors import InvalidSpecError, Problem, TableNotFoundError
from tableferry.ports import OptionsPort, TablePort
from tableferry.spec import MigrationSpec, TableRef
from tableferry.table_facts import TableFacts


class TablesPort(Protocol):
    """The tables that a spec names, in any account (aws/table_access.py)."""

    @property
    def account(self) -> str: ...

    def table(self, table: Addressed, side: str) -> TablePort: ...

    def options(self, table: Addressed, side: str) -> OptionsPort: ...


def creates_destination(spec: MigrationSpec) -> bool:
    return spec.destination.create is not None and spec.mode in {"migrate", "plan"}


def look_at_source(
    spec: MigrationSpec, tables: TablesPort, against: Objections
) -> TableFacts | None:
    """The source's facts, None where it has none that can be used."""
    if spec.source is None or spec.mode == "clean":
        return None
    if not _is_reachable(spec.source, "source", tables, against):
        return None
    table = tables.table(spec.source, "source")
    facts, is_missing = _described(table, against)
    if is_missing:
        against.missing.append(_missing("source.tableName", table))
    return _usable(facts, "source.tableName", against)


def look_at_destination(
    spec: MigrationSpec, run: str, tables: TablesPort, against: Objections
) -> TableFacts | None:
    """The destination's facts; None where it is yet to be created, or can not be used."""
    destination = spec.destination
    if not _is_reachable(destination, "destination", tables, against):
        return None
    table = tables.table(destination, "destination")
    facts, is_missing = _described(table, against)
    if not creates_destination(spec):
        if is_missing:
            against.missing.append(_missing("destination.tableName", table))
        return _usable(facts, "destination.tableName", against)
    if facts is not None:
        against.tried(lambda: refuse_foreign(table, destination.create, run))
    elif isinstance(destination.create, dict):
        against.problems += [
            Problem("destination.create", fault, "is not what CreateTable takes", "mend it")
            for fault in table.creation_faults(destination.create)
        ]
    return facts


def refuse_foreign(table: TablePort, create: Any, run: str) -> None:
    """Raises InvalidSpecError for a table that `create` would make and that `run` did not make."""
    if table.tags().get(RUN_TAG) == run:
        return
    problem = Problem(
        "destination.create",
        create,
        f"the table {table.name} is there already, and this migration did not make it",
        "leave out create to write into that table, or name another one",
    )
    raise InvalidSpecError([problem])


def compare_places(
    spec: MigrationSpec, tables: TablesPort, ledger: Place, against: Objections
) -> None:
    """No table may be the other one, or the ledger, however they are named."""
    destination = tables.table(spec.destination, "destination").place
    source = tables.table(spec.source, "source").place if spec.source else None
    for path, place in (("source", source), ("destination", destination)):
        if place == ledger:
            against.problems.append(
                Problem(
                    f"{path}.tableName",
                    ledger.name,
                    "is Tableferry's own ledger",
                    "name a table of yours",
                )
            )
    if spec.mode != "clean" and source == destination:
        against.problems.append(
            Problem(
                "destination.tableName",
                spec.destination.table_name,
                f"is the source itself ({destination})",
                "name another table as destination",
            )
        )


def _described(table: TablePort, against: Objections) -> tuple[TableFacts | None, bool]:
    """The table's facts, and whether it is known to be missing."""
    try:
        return against.tried(table.describe), False
    except TableNotFoundError:
        return None, True


def _is_reachable(table: TableRef, path: str, tables: TablesPort, against: Objections) -> bool:
    if table.role_arn is not None or table.arn_account in {None, tables.account}:
        return True
    against.problems.append(
        Problem(
            f"{path}.roleArn",
            None,
            f"is required: {table.table_name} belongs to another account than this stack's, "
            f"{tables.account}",
            "name a role of that account that this stack may assume (AssumableRolePattern)",
        )
    )
    return False


def _missing(path: str, table: TablePort) -> Problem:
    return Problem(
        path,
        table.name,
        f"there is no such table in account {table.place.account}, Region {table.place.region}",
        "check name, account and Region",
    )


def _usable(facts: TableFacts | None, path: str, against: Objections) -> TableFacts | None:
    if facts is None or facts.is_usable:
        return facts
    against.problems.append(
        Problem(path, facts.name, f"the table is {facts.status}", "wait until it is ACTIVE")
    )
    return None
