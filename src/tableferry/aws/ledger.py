"""The ledger's records of runs: who owns one, its phase, its spec, what its steps remembered.

Keys `pk` and `sk`; every read is strongly consistent. Records that workers write page by page
have a partition of their own (checkpoints.py), so none is hot; the control record is small, since
every worker reads it. What conditions look at is an attribute; the rest of a record is one JSON
text in `doc`.
"""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from tableferry.aws.ledger_table import ConditionFailedError, LedgerTable, key, text
from tableferry.errors import NotOwnerError
from tableferry.limits import RunLimits
from tableferry.model import Control, Phase, StopFlag

# Records of runs that use no migrationId up (count, verify, clean) leave by time to live.
SHORT_RUN_SECONDS = 30 * 24 * 3600


class Ledger:
    """Reads and conditional writes of runs; the rules about them live in the use cases."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table
        self.table_name = table.table

    # --- runs
    # -------------------------------------------------------------------------------------------

    def create_run(
        self,
        control: Control,
        record: dict[str, Any],
        *,
        writes: bool,
        keep: bool,
        replaces: str | None = None,
    ) -> None:
        """Claims the run's name and, when it `writes`, its destination, in one transaction; from
        the run that it `replaces`, if that has it.

        Raises ConditionFailedError: 0 means that the run exists, 3 that another run may write the
        destination.
        """
        record = {"createdAt": self._table.now(), **record}
        expires = (
            {} if keep else {"expiresAt": {"N": str(int(self._table.now() + SHORT_RUN_SECONDS))}}
        )
        absent = {"ConditionExpression": "attribute_not_exists(pk)"}
        actions: list[dict[str, Any]] = [
            {"Put": {"Item": {**self._control_item(control), **expires}, **absent}},
            {
                "Put": {
                    "Item": {
                        **key(control.run, "spec"),
                        "doc": text(json.dumps(record, ensure_ascii=False)),
                        "version": {"N": "0"},
                        **expires,
                    }
                }
            },
            self._execution_action(control.owner, control.run),
        ]
        if writes:
            actions.append(self._writer_action(control, replaces))
        self._table.transact(actions)

    def _control_item(self, control: Control) -> dict[str, Any]:
        return {
            **key(control.run, "control"),
            "owner": text(control.owner),
            "phase": text(control.phase),
            "destination": text(control.destination),
            **({"sharesWith": text(control.shares_with)} if control.shares_with else {}),
        }

    def _execution_action(self, execution_arn: str, run: str) -> dict[str, Any]:
        return {"Put": {"Item": {**key(f"execution#{execution_arn}", "run"), "run": text(run)}}}

    def _writer_action(self, control: Control, replaces: str | None) -> dict[str, Any]:
        action: dict[str, Any] = {
            "Put": {
                "Item": {
                    **key(f"destination#{control.destination}", "writer"),
                    "run": text(control.run),
                },
                "ConditionExpression": "attribute_not_exists(pk) OR #run = :run",
                "ExpressionAttributeNames": {"#run": "run"},
                "ExpressionAttributeValues": {":run": text(control.run)},
            }
        }
        if replaces is not None:
            action["Put"]["ConditionExpression"] += " OR #run = :replaces"
            action["Put"]["ExpressionAttributeValues"][":replaces"] = text(replaces)
        return action

    def take_over(self, run: str, old_owner: str, new_owner: str) -> None:
        """Makes another execution the owner; raises ConditionFailedError when the owner changed
        meanwhile.
        """
        self._table.transact(
            [
                {
                    "Update": {
                        "Key": key(run, "control"),
                        "UpdateExpression": "SET #owner = :new REMOVE #stop, limits",
                        "ConditionExpression": "#owner = :old AND attribute_not_exists(stopped)",
                        "ExpressionAttributeNames": {"#owner": "owner", "#stop": "stop"},
                        "ExpressionAttributeValues": {
                            ":new": text(new_owner),
                            ":old": text(old_owner),
                        },
                    }
                },
                self._execution_action(new_owner, run),
            ]
        )

    def claim_writer(self, control: Control, replaces: str | None = None) -> None:
        """Makes the run the one that may write its destination, in place of `replaces` if that
        run has it.
        """
        self._table.transact([self._writer_action(control, replaces)])

    def writer_of(self, destination: str) -> str | None:
        item = self._table.get(key(f"destination#{destination}", "writer"))
        return item["run"]["S"] if item else None

    def release_writer(self, destination: str, run: str) -> None:
        """Frees the destination if the run has it."""
        self._table.delete_if(key(f"destination#{destination}", "writer"), "run", run)

    def run_of(self, execution_arn: str) -> str | None:
        item = self._table.get(key(f"execution#{execution_arn}", "run"))
        return item["run"]["S"] if item else None

    # --- control
    # ----------------------------------------------------------------------------------------

    def control(self, run: str) -> Control | None:
        item = self._table.get(key(run, "control"))
        if item is None:
            return None
        stop = json.loads(item["stop"]["S"]) if "stop" in item else None
        return Control(
            run=run,
            owner=item["owner"]["S"],
            phase=Phase(item["phase"]["S"]),
            destination=item["destination"]["S"],
            stop=StopFlag(**stop) if stop else None,
            limits=RunLimits(**json.loads(item["limits"]["S"])) if "limits" in item else None,
            stopped_by=item["stopped"]["S"] if "stopped" in item else "",
            shares_with=item["sharesWith"]["S"] if "sharesWith" in item else "",
        )

    def advance(self, run: str, owner: str, old: Phase, new: Phase) -> None:
        """Changes the phase; raises ConditionFailedError when owner or phase are others."""
        self._update_control(
            run,
            "SET #phase = :new",
            "#owner = :owner AND #phase = :old",
            {":new": new, ":owner": owner, ":old": old},
        )

    def flag_stop(self, run: str, flag: StopFlag) -> None:
        """Sets the stop flag of that execution; raises ConditionFailedError when it is not the
        owner.
        """
        self._update_control(
            run,
            "SET #stop = :stop",
            "#owner = :owner",
            {":stop": json.dumps(dataclasses.asdict(flag)), ":owner": flag.execution_arn},
        )

    def set_limits(self, run: str, limits: RunLimits) -> None:
        """Sets the limits that hold from now on; those of a continued run's spec replace them."""
        document = json.dumps(limits.to_json(), ensure_ascii=False)
        self._update_control(
            run, "SET limits = :limits", "attribute_exists(pk)", {":limits": document}
        )

    def clear_stop(self, run: str, flag: StopFlag) -> None:
        """Removes exactly this stop flag; another one, set meanwhile, stays."""
        try:
            self._update_control(
                run,
                "REMOVE #stop",
                "#stop = :stop",
                {":stop": json.dumps(dataclasses.asdict(flag))},
            )
        except ConditionFailedError:
            return

    def mark_stopped(self, run: str, ender: str) -> None:
        """Gives the migration up, for good; from now on only the execution `ender` may end it."""
        condition = "attribute_exists(pk)"
        self._update_control(run, "SET stopped = :ender", condition, {":ender": ender})

    def _update_control(
        self, run: str, update: str, condition: str, values: dict[str, str]
    ) -> None:
        words = f"{update} {condition}"
        names = {f"#{name}": name for name in ("phase", "owner", "stop") if f"#{name}" in words}
        self._table.update(
            key(run, "control"),
            update,
            condition,
            {name: text(value) for name, value in values.items()},
            names=names,
        )

    # --- spec and steps
    # ---------------------------------------------------------------------------------

    def record(self, run: str) -> dict[str, Any] | None:
        """The run's own record: {mode, createdAt, spec, steps, …}; see claiming.py."""
        item = self._table.get(key(run, "spec"))
        return json.loads(item["doc"]["S"]) if item else None

    def step(self, run: str, name: str) -> dict[str, Any] | None:
        """What the named step remembered, None before its first record."""
        record = self.record(run) or {"steps": {}}
        value: dict[str, Any] | None = record["steps"].get(name)
        return value

    def amend(self, run: str, change: Callable[[dict[str, Any]], Any], owner: str) -> None:
        """Changes the run's record while `owner` owns the run, again until nobody came between.

        Raises NotOwnerError.
        """
        while True:
            item = self._table.get(key(run, "spec"))
            if item is None:
                raise _not_owner(run, owner)
            record = json.loads(item["doc"]["S"])
            change(record)
            try:
                self._table.transact(_amendment(run, owner, item["version"]["N"], record))
                return
            except ConditionFailedError as error:
                if 0 in error.failed:
                    raise _not_owner(run, owner) from error


def _amendment(run: str, owner: str, version: str, record: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "ConditionCheck": {
                "Key": key(run, "control"),
                "ConditionExpression": "#owner = :owner",
                "ExpressionAttributeNames": {"#owner": "owner"},
                "ExpressionAttributeValues": {":owner": text(owner)},
            }
        },
        {
            "Update": {
                "Key": key(run, "spec"),
                "UpdateExpression": "SET doc = :doc, version = :new",
                "ConditionExpression": "version = :old",
                "ExpressionAttributeValues": {
                    ":doc": text(json.dumps(record, ensure_ascii=False)),
                    ":new": {"N": str(int(version) + 1)},
                    ":old": {"N": version},
                },
            }
        },
    ]


def _not_owner(run: str, owner: str) -> NotOwnerError:
    return NotOwnerError(
        f"{run} is not owned by {owner} any more",
        hint="watch the execution that continues this migration",
    )


class OwnedSteps:
    """What a run remembers of its steps (ports.StepLog), written while `owner` owns the run."""

    def __init__(self, ledger: Ledger, owner: str) -> None:
        self._ledger = ledger
        self._owner = owner

    def step(self, run: str, name: str) -> dict[str, Any] | None:
        """What the named step remembered, None before its first record."""
        return self._ledger.step(run, name)

    def record_step(self, run: str, name: str, value: dict[str, Any]) -> None:
        """Remembers a step's value; raises NotOwnerError."""
        self._ledger.amend(
            run, lambda record: record["steps"].__setitem__(name, value), self._owner
        )
