"""Making the destination ready: creating it, or recognising the table that an earlier try created.

Fit to be run again at any time. A table is ours when it bears the run's tag, which CreateTable sets
together with the table. What follows creation is remembered before the table is made, and done once
it is ACTIVE.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tableferry.checking.sampling import take_sample
from tableferry.checking.table_checks import TablesPort, refuse_foreign
from tableferry.destination.like_source import RUN_TAG, Clone
from tableferry.destination.planned_destination import (
    Model,
    Planned,
    needs_sample,
    plan_like_source,
    plan_parameters,
)
from tableferry.errors import TableNotFoundError, TransientError
from tableferry.ports import OptionsPort, StepLog, TablePort
from tableferry.runs.run_spec import RunSpec
from tableferry.table_facts import Recovery, TableFacts
from tableferry.transform import Transform

STEP = "prepared"
# A table is there within seconds to minutes.
WAIT_SECONDS = 10
SAMPLED_ITEMS = 1_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """Whether the destination is ready, whether this run made it, and what was not carried."""

    ready: bool
    created: bool
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "ready": self.ready,
            "waitSeconds": 0 if self.ready else WAIT_SECONDS,
            "created": self.created,
            "notes": list(self.notes),
        }


def prepare_destination(log: StepLog, run: str, spec: RunSpec, tables: TablesPort) -> Prepared:
    """Creates the destination if the spec says so; to be called again until it is ready.

    Raises TableNotFoundError for a table that must exist, InvalidSpecError for one that `create`
    would make and that another made.
    """
    step = log.step(run, STEP) or {}
    if step.get("ready"):
        return _prepared(step)
    table = tables.table(spec.destination, "destination")
    facts = _described(table)
    create = spec.document["destination"]["create"]
    if create is None:
        return _existing(log, run, table, facts)
    if facts is None:
        step = _remember(log, run, _plan(spec, tables).clone)
        # Busy with another table: this one is made at the next call.
        with suppress(TransientError):
            table.create(_tagged(step["parameters"], run))
        return _prepared(step)
    refuse_foreign(table, create, run)
    options = tables.options(spec.destination, "destination")
    if not facts.is_ready or not _has_followed(options, step):
        return _prepared(step)
    step = {**step, "ready": True}
    log.record_step(run, STEP, step)
    return _prepared(step)


def finish_destination(log: StepLog, run: str, options: OptionsPort) -> None:
    """Turns on what a table of ours gets after verification: time to live. Fit to be run again."""
    step = log.step(run, STEP) or {}
    if step.get("created") and step.get("ttl"):
        options.turn_on_ttl(step["ttl"])


def _existing(log: StepLog, run: str, table: TablePort, facts: TableFacts | None) -> Prepared:
    if facts is None:
        raise TableNotFoundError(
            f"the destination {table.name} is not there any more",
            hint='restore it, or start a new migrationId with "create"',
        )
    step = {"ready": facts.is_usable, "created": False, "notes": []}
    if facts.is_usable:
        log.record_step(run, STEP, step)
    return _prepared(step)


def _described(table: TablePort) -> TableFacts | None:
    try:
        return table.describe()
    except TableNotFoundError:
        return None


def _plan(spec: RunSpec, tables: TablesPort) -> Planned:
    destination = spec.document["destination"]
    create, key_schema = destination["create"], destination["keySchema"]
    if isinstance(create, dict):
        return plan_parameters(create)
    table = tables.table(spec.source, "source")
    facts = table.describe()
    sample = None
    if needs_sample(facts, key_schema, spec.transform):
        items, is_all = table.sample(SAMPLED_ITEMS)
        transform = Transform.compile(spec.transform)
        sample = take_sample(items, transform, facts.key_names, is_all=is_all)
    return plan_like_source(
        Model(facts, table, tables.options(spec.source, "source")),
        tables.table(spec.destination, "destination").place,
        key_schema=key_schema,
        steps=spec.transform,
        sample=sample,
    )


def _remember(log: StepLog, run: str, clone: Clone) -> dict[str, Any]:
    step = {
        "ready": False,
        "created": True,
        "parameters": dict(clone.parameters),
        "recoveryDays": clone.recovery.days,
        "recovery": clone.recovery.is_on,
        "insights": dict(clone.insights),
        "policy": clone.policy,
        "ttl": clone.ttl_attribute,
        "notes": list(clone.notes),
    }
    log.record_step(run, STEP, step)
    return step


def _tagged(parameters: Mapping[str, Any], run: str) -> dict[str, Any]:
    tags = [*parameters.get("Tags", ()), {"Key": RUN_TAG, "Value": run}]
    return {**parameters, "Tags": tags}


def _has_followed(options: OptionsPort, step: Mapping[str, Any]) -> bool:
    """Sets what follows creation, all of it on each try; False where AWS is not ready for it."""
    try:
        if step.get("recovery"):
            options.set_recovery(Recovery(is_on=True, days=step["recoveryDays"]))
        for index, mode in step.get("insights", {}).items():
            options.turn_on_insights(index, mode)
        if step.get("policy"):
            options.put_policy(step["policy"])
    except TransientError:
        return False
    return True


def _prepared(step: Mapping[str, Any]) -> Prepared:
    notes = tuple(step.get("notes", ()))
    return Prepared(bool(step.get("ready")), bool(step.get("created")), notes)
