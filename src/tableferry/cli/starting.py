"""Starting an execution of the state machine, and waiting for it if asked."""

import uuid
from pathlib import Path
from typing import Any

from tableferry.cli.drawing import Line
from tableferry.cli.files import text_of
from tableferry.cli.following import follow, told_when_left
from tableferry.cli.looking import Looker
from tableferry.cli.options import Choices
from tableferry.cli.outcome_text import outcome_lines
from tableferry.cli.outcomes import Outcome, outcome_of_execution
from tableferry.cli.printing import print_document, say
from tableferry.cli.progress import print_styled, progress
from tableferry.cli.stack import Stack
from tableferry.spec import MigrationSpec, parse_text
from tableferry.transform.modules import FOLDER


def read_spec(path: Path) -> MigrationSpec:
    """The spec in a file; raises InvalidSpecError with all its problems, NotFoundError without a
    file.

    A transform's own modules are looked at where they are: in a clone that has the folder.
    """
    text = text_of(path, "a spec")
    return MigrationSpec.parse(parse_text(text), import_modules=Path(FOLDER).is_dir())


def announce(stack: Stack, choices: Choices) -> None:
    """Says where things will happen, before they do."""
    if choices.as_json:
        say(str(stack.place))
    else:
        print_styled([Line(f"{stack.place}, stack {stack.name}", "dim")])


def start_execution(stack: Stack, spec: MigrationSpec) -> str:
    """Starts the machine with the spec as its input; returns the execution's ARN.

    The name is the migrationId and a part of its own, so that botocore's retries of this very
    request start one execution; a second start of the same id is another one, which the first state
    refuses.
    """
    name = f"{spec.migration_id}-{uuid.uuid4().hex[:8]}"
    return stack.executions.start(stack.machine_arn, name, spec.to_json())


def wait_for(stack: Stack, migration_id: str, execution_arn: str) -> Outcome:
    """Shows progress until the execution has ended; its outcome."""
    with told_when_left(migration_id, say), progress() as show:
        follow(Looker(stack, migration_id, execution_arn), show)
    return outcome_of_execution(stack, execution_arn)


def report_started(stack: Stack, migration_id: str, execution_arn: str, choices: Choices) -> int:
    """Says what was started, for a command that does not wait."""
    if choices.as_json:
        document: dict[str, Any] = {
            "migrationId": migration_id,
            "status": "RUNNING",
            "executionArn": execution_arn,
            "account": stack.place.account,
            "region": stack.place.region,
            "endpoint": stack.place.endpoint,
        }
        print_document(document)
    else:
        print_styled(
            [
                Line(f"{migration_id}: started {execution_arn}"),
                Line(f"watch it: tableferry status {migration_id} --watch"),
            ]
        )
    return 0


def print_outcome(outcome: Outcome, choices: Choices) -> int:
    """The outcome on standard output; returns its exit status."""
    if choices.as_json:
        print_document(outcome.document)
    else:
        print_styled(outcome_lines(outcome.document))
    return outcome.exit_status
