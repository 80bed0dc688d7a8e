"""Verifying again: the spec of mode verify for a migration or for any two tables, and its run."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tableferry.cli.drawing import Line
from tableferry.cli.files import text_of
from tableferry.cli.following import follow
from tableferry.cli.looking import Looker
from tableferry.cli.outcomes import Outcome, outcome_of_execution
from tableferry.cli.printing import say
from tableferry.cli.progress import progress
from tableferry.cli.stack import Stack
from tableferry.errors import AccessError, InvalidSpecError, Problem
from tableferry.model import Work
from tableferry.repair.planning_repair import STEP as REPAIRING
from tableferry.runs.outcome import total
from tableferry.spec import MigrationSpec, parse_text
from tableferry.transform.modules import FOLDER

# What a migration's spec has to say about its beginning, and not about comparing.
_OF_THE_MOVE: Mapping[str, Any] = {
    "approval": False,
    "resume": False,
    "cleanDestination": False,
    "snapshot": "none",
}
_ID_CHARACTERS = 40


def spec_of_migration(
    stack: Stack, migration_id: str, *, repair: bool, delete_extras: bool
) -> MigrationSpec:
    """Mode verify of a migration, by content; raises NotFoundError for an unknown id."""
    known = stack.migration(migration_id).record["spec"]
    destination = {name: known["destination"].get(name) for name in _REFERENCE}
    asked = {"mode": "verify", "verify": "content", "repair": repair, "deleteExtras": delete_extras}
    document = {**known, **_OF_THE_MOVE, **asked, "destination": destination}
    return MigrationSpec.parse(document, import_modules=False)


_REFERENCE = ("tableName", "roleArn", "region")


def spec_of_tables(source: str, destination: str, transform: Path | None) -> MigrationSpec:
    """Mode verify of two tables, by name or ARN, that Tableferry need not have moved."""
    document = {
        "migrationId": _id_of(source, destination),
        "mode": "verify",
        "verify": "content",
        "source": {"tableName": source},
        "destination": {"tableName": destination},
        "transform": _steps(transform) if transform else [],
    }
    return MigrationSpec.parse(document, import_modules=Path(FOLDER).is_dir())


def _id_of(source: str, destination: str) -> str:
    """The same for the same tables, so that the outcome of the last comparison is the one there."""
    digest = hashlib.sha256(f"{source}\n{destination}".encode()).hexdigest()[:8]
    names = "-".join(table.rpartition("/")[2] for table in (source, destination))
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", names)[:_ID_CHARACTERS]
    return f"compare-{plain}-{digest}"


def _steps(path: Path) -> Any:
    """The steps in a file: a list of them, or a spec that has a transform."""
    text = text_of(path, "a transform")
    try:
        document = json.loads(text)
    except (RecursionError, ValueError):
        # Says line and column of the mistake.
        document = parse_text(text)
    if isinstance(document, dict) and "transform" not in document:
        raise InvalidSpecError(
            [
                Problem(
                    "--transform",
                    str(path),
                    "holds neither a list of steps nor a spec with a transform",
                    "name a file that does",
                )
            ]
        )
    return document["transform"] if isinstance(document, dict) else document


def wait_for_verdict(stack: Stack, spec: MigrationSpec, execution_arn: str) -> Outcome:
    """Shows progress until the execution has ended; its outcome.

    Raises what the first state refused; of a repair it then says that nothing was changed.
    """
    try:
        with progress() as show:
            follow(Looker(stack, spec.migration_id, execution_arn), show)
    except KeyboardInterrupt:
        say(f"\nstopped looking; the verification goes on as {execution_arn}")
        raise
    try:
        return outcome_of_execution(stack, execution_arn)
    except AccessError:
        if spec.repair:
            say(f"nothing was changed in {spec.destination.name}")
        raise


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did, by the ledger's count."""

    written: int
    deleted: int
    left: int

    @classmethod
    def of(cls, stack: Stack, execution_arn: str) -> "Repaired":
        run = stack.runs.run_of(execution_arn)
        record = (stack.runs.record(run) if run else None) or {"steps": {}}
        segments = record["steps"].get(REPAIRING, {"segments": {}})["segments"]
        counts = total(stack.segments.segments(run or "", Work.REPAIR, segments.get("repair", 0)))
        return cls(counts.written, counts.deleted, counts.skipped)

    def line(self, table: str) -> Line:
        if not self.written and not self.deleted:
            left = f"; {self.left:,} items were left as they are" if self.left else ""
            return Line(f"  repaired  nothing was changed in {table}{left}")
        return Line(
            f"  repaired  {self.written:,} items written, {self.deleted:,} deleted, "
            f"{self.left:,} left as they are, in {table}"
        )
