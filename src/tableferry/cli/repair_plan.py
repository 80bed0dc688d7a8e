"""What a repair would do about the differences that the last verification named."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tableferry.cli.drawing import Line
from tableferry.cli.outcomes import outcome_of_migration
from tableferry.cli.stack import Stack
from tableferry.errors import NotFoundError
from tableferry.repair.repairing import Action, planned_action
from tableferry.shown_time import clock
from tableferry.verification.content_verifying import SAMPLE
from tableferry.verification.differences import Difference

_WORDS = {
    Action.PUT: "written, since they are missing",
    Action.CHANGE: "changed to what the source has",
    Action.DELETE: "deleted, since the source does not have them",
    Action.LEAVE: "left as they are",
}
_KEYS_SHOWN = 20


@dataclass(slots=True)
class RepairPlan:
    """Each difference with what would be done, should it still stand then."""

    migration_id: str
    verified_at: float
    execution_arn: str
    details_uri: str | None
    actions: Counter[Action] = field(default_factory=Counter)
    sample: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "migrationId": self.migration_id,
            "verifiedAt": clock(self.verified_at),
            "executionArn": self.execution_arn,
            "actions": {str(action): self.actions[action] for action in Action},
            "sample": self.sample,
            "detailsUri": self.details_uri,
        }

    def lines(self) -> Iterator[Line]:
        """The plan for people."""
        yield Line(f"{self.migration_id}: as verified at {clock(self.verified_at)}")
        if not self.actions:
            yield Line("  the tables matched: there is nothing to repair", "green")
            return
        for action, words in _WORDS.items():
            if self.actions[action]:
                yield Line(f"  {self.actions[action]:,} items would be {words}")
        for each in self.sample[:_KEYS_SHOWN]:
            key = each["key"] if each["key"] is not None else each["sourceKeys"]
            text = json.dumps(key, ensure_ascii=False)
            yield Line(f"  {each['action'].ljust(6)}  {each['kind']}: {text}")
        yield Line(f"  all of them: {self.details_uri}")
        yield Line("each is read again on both sides first, and what others wrote since then stays")

    def add(self, difference: Difference, action: Action) -> None:
        self.actions[action] += 1
        if len(self.sample) < SAMPLE:
            self.sample.append({**difference.public(), "action": str(action)})


def repair_plan(stack: Stack, migration_id: str, *, delete_extras: bool) -> RepairPlan:
    """Reads the differences of the newest verification; starts and writes nothing.

    Raises NotFoundError for an unknown id, and where nothing was verified by content yet.
    """
    verified_at, document = _newest(stack, migration_id)
    found = document["verify"]
    plan = RepairPlan(migration_id, verified_at, document["executionArn"], found["detailsUri"])
    if not found["match"]:
        for line in stack.outcomes.lines(found["detailsUri"]):
            difference = Difference.from_json(json.loads(line))
            plan.add(difference, planned_action(difference.kind, delete_extras=delete_extras))
    return plan


def _newest(stack: Stack, migration_id: str) -> tuple[float, dict[str, Any]]:
    """The last outcome with a verification by content, of the migration or of mode verify."""
    documents = [
        outcome_of_migration(stack, migration_id).document,
        stack.outcomes.read_outcome(f"{migration_id}.verify"),
    ]
    compared = [
        (_ended_at(stack, document), document)
        for document in documents
        if document and (document.get("verify") or {}).get("level") == "content"
    ]
    if not compared:
        raise NotFoundError(
            f"{migration_id} was not verified by content yet, so no difference is known",
            hint=f"tableferry verify {migration_id}",
        )
    return max(compared, key=lambda each: each[0])


def _ended_at(stack: Stack, document: dict[str, Any]) -> float:
    """Zero for an execution that Step Functions has forgotten: any other one is newer."""
    state = stack.executions.describe(document["executionArn"])
    return (state.ended_at or time.time()) if state else 0.0
