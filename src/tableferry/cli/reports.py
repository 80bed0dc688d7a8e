"""The report of a migration as a page: on this machine, and in the artifacts bucket."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tableferry.cli.looking import status_of
from tableferry.cli.outcomes import Outcome
from tableferry.cli.stack import Stack
from tableferry.errors import NotFoundError, TableferryError
from tableferry.reporting.gathering import gather
from tableferry.reporting.page import render
from tableferry.runs.ownership import ExecutionState
from tableferry.runs.recording import Ending, find


@dataclass(frozen=True, slots=True)
class Written:
    """Where the page and its document are; `unsaved` says why the bucket has no page of now."""

    page: Path
    document: Path
    uri: str | None
    unsaved: str = ""


def page_of_migration(stack: Stack, migration_id: str, outcome: dict[str, Any]) -> str:
    """The report of a migration with that outcome, also while it runs."""
    migration = stack.migration(migration_id)
    owner = migration.control.owner
    known = stack.executions.describe(owner)
    # Step Functions forgets an execution after 90 days; the outcome and the ledger remain.
    state = known or ExecutionState(owner, str(outcome["status"]), 0)
    shown = replace(state, status=status_of(migration.control, state))
    found = find(stack.segments, migration.control.run, migration.steps)
    ending = Ending(migration.control.run, migration.record, found, shown, outcome)
    return render(gather(ending, stack.executions, stack.outcomes, time.time()))


def write_report(stack: Stack, migration_id: str, outcome: Outcome, folder: Path) -> Written:
    """Writes page and document into the folder, and the page of an ended run into the bucket.

    A run that still goes on writes its own at its end. Raises NotFoundError for a folder that can
    not be written.
    """
    page = page_of_migration(stack, migration_id, outcome.document)
    files = folder / f"{migration_id}.html", folder / f"{migration_id}.json"
    document = json.dumps(outcome.document, indent=1, ensure_ascii=False)
    try:
        for path, text in zip(files, (page, document), strict=True):
            path.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise NotFoundError(
            f"{error.filename} can not be written: {error.strerror}",
            hint="name another directory with --output",
        ) from error
    if outcome.document["status"] == "RUNNING":
        return Written(*files, uri=None)
    try:
        return Written(*files, uri=stack.outcomes.write_report(migration_id, page))
    except TableferryError as error:
        return Written(*files, uri=None, unsaved=error.cause)
