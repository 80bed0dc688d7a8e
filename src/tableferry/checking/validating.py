"""Checking a spec against the tables that it names: everything that needs a look at AWS, at once.

Nothing is changed and nothing is claimed. objections.py says which error comes of what.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tableferry.addresses import Place
from tableferry.checking.objections import Objections
from tableferry.checking.permission_checking import Subject, missing_permissions
from tableferry.checking.sampling import Sample, Sampled, judge, take_sample, verdict
from tableferry.checking.table_checks import (
    TablesPort,
    compare_places,
    creates_destination,
    look_at_destination,
    look_at_source,
)
from tableferry.destination.planned_destination import (
    Model,
    Planned,
    plan_as_it_is,
    plan_like_source,
    plan_parameters,
)
from tableferry.errors import Problem
from tableferry.live.checking import live_problems
from tableferry.ports import RolesPort
from tableferry.spec import MigrationSpec, TableRef
from tableferry.table_facts import TableFacts
from tableferry.transform import Transform

SAMPLED_ITEMS = 1_000
# Of a table that is larger: so many more, from as many places of its key space.
PLACES, ITEMS_OF_A_PLACE = 8, 100


@dataclass(frozen=True, slots=True)
class Validation:
    """What validation found; `destination` is None where the run will create it.

    `sample` and `planned` are there in modes migrate and plan, `elsewhere` too: items from other
    places of a source that the sample does not hold whole. `is_recovery_on` is that of a source
    that is to be exported.
    """

    source: TableFacts | None
    destination: TableFacts | None
    planned: Planned | None
    sample: Sample | None
    is_destination_empty: bool
    warnings: tuple[str, ...]
    elsewhere: Sequence[Sampled] = ()
    is_recovery_on: bool | None = None

    @property
    def all_sampled(self) -> list[Sampled]:
        return [*(self.sample.items if self.sample else ()), *self.elsewhere]


@dataclass(frozen=True, slots=True)
class StackRun:
    """The stack that will run it: who may do what, and where it keeps its own."""

    roles: RolesPort
    bucket: str


def validate_migration(
    spec: MigrationSpec,
    run: str,
    tables: TablesPort,
    ledger: Place,
    *,
    stack: StackRun | None = None,
) -> Validation:
    """The facts about the tables of a spec that may run; `ledger` is the ledger's own table.

    Without `stack` the permissions of its roles are not asked for.
    """
    against = Objections()
    source = look_at_source(spec, tables, against)
    destination = look_at_destination(spec, run, tables, against)
    compare_places(spec, tables, ledger, against)
    found = Validation(source, destination, None, None, destination is None, ())
    if spec.mode in {"migrate", "plan"}:
        found = _with_items(found, _Items(spec, tables, against))
        against.problems += _live_problems(spec, found)
    if stack is not None:
        _ask_roles(spec, found, tables, ledger, stack=stack, against=against)
    against.raise_them()
    return replace(found, warnings=tuple(against.warnings))


def _with_items(found: Validation, items: "_Items") -> Validation:
    """What was found so far, with what the items of both tables say."""
    sample = items.sample(found.source)
    elsewhere = items.elsewhere(found.source, sample)
    planned = items.plan(found.source, found.destination, sample)
    return replace(
        found,
        planned=planned,
        sample=items.judge(sample, planned),
        elsewhere=elsewhere,
        is_recovery_on=items.is_recovery_on(found.source),
        is_destination_empty=items.is_destination_empty(found.destination),
    )


def _live_problems(spec: MigrationSpec, found: Validation) -> Sequence[Problem]:
    if spec.strategy != "live" or found.source is None or found.planned is None:
        return ()
    return live_problems(
        found.source,
        Transform.compile(spec.transform),
        found.planned.rules.primary,
        destination=spec.destination.name,
        is_empty=found.is_destination_empty,
        is_continued=spec.resume,
    )


def _ask_roles(
    spec: MigrationSpec,
    found: Validation,
    tables: TablesPort,
    ledger: Place,
    *,
    stack: StackRun,
    against: Objections,
) -> None:
    """Adds the permissions that the stack's roles lack."""
    is_empty = found.is_destination_empty
    if spec.mode == "clean" and found.destination is not None:
        is_empty = found.destination.items == 0
    subject = Subject(
        spec=spec,
        source=found.source,
        destination=found.destination,
        planned=found.planned,
        is_destination_empty=is_empty,
        destination_place=tables.table(spec.destination, "destination").place,
        ledger=ledger,
        bucket=stack.bucket,
    )
    gaps, warnings = missing_permissions(stack.roles, subject)
    against.gaps += gaps
    against.warnings += warnings


@dataclass(frozen=True, slots=True)
class _Items:
    """What the items of both tables say."""

    spec: MigrationSpec
    tables: TablesPort
    against: Objections

    def sample(self, source: TableFacts | None) -> Sample | None:
        reference = self.spec.source
        if source is None or reference is None:
            return None
        table = self.tables.table(reference, "source")
        page = self.against.tried(lambda: table.sample(SAMPLED_ITEMS))
        if page is None:
            return None
        items, is_all = page
        transform = Transform.compile(self.spec.transform)
        return take_sample(items, transform, source.key_names, is_all=is_all)

    def elsewhere(self, source: TableFacts | None, sample: Sample | None) -> Sequence[Sampled]:
        """Items from other places than the sample's, which shows the beginning of key space."""
        reference = self.spec.source
        if source is None or reference is None or sample is None or sample.is_all:
            return ()
        table = self.tables.table(reference, "source")
        items = self.against.tried(lambda: table.sample_places(PLACES, ITEMS_OF_A_PLACE))
        transform = Transform.compile(self.spec.transform)
        return take_sample(items or [], transform, source.key_names, is_all=False).items

    def is_recovery_on(self, source: TableFacts | None) -> bool | None:
        reference = self.spec.source
        if self.spec.snapshot != "export" or source is None or reference is None:
            return None
        options = self.tables.options(reference, "source")
        found = self.against.tried(options.recovery)
        return None if found is None else found.is_on

    def plan(
        self, source: TableFacts | None, destination: TableFacts | None, sample: Sample | None
    ) -> Planned | None:
        create, reference = self.spec.destination.create, self.spec.source
        if destination is not None:
            return plan_as_it_is(destination)
        if isinstance(create, dict):
            return plan_parameters(create)
        if source is None or reference is None or not creates_destination(self.spec):
            return None
        planned = self.against.tried(lambda: self._like_source(source, reference, sample))
        if planned is not None:
            self.against.warnings += planned.clone.notes
        return planned

    def _like_source(
        self, source: TableFacts, reference: TableRef, sample: Sample | None
    ) -> Planned:
        table = self.tables.table(reference, "source")
        return plan_like_source(
            Model(source, table, self.tables.options(reference, "source")),
            self.tables.table(self.spec.destination, "destination").place,
            key_schema=self.spec.destination.key_schema,
            steps=self.spec.transform,
            sample=sample,
        )

    def judge(self, sample: Sample | None, planned: Planned | None) -> Sample | None:
        if sample is None or planned is None:
            return sample
        judged = judge(sample, planned.rules)
        said = verdict(
            judged,
            planned.rules.primary,
            "transform" if self.spec.transform else "destination.tableName",
            quarantines=self.spec.on_item_error == "quarantine",
            cleans=self.spec.clean_destination,
        )
        self.against.problems += said.problems
        self.against.warnings += said.warnings
        self.against.collision = said.collision
        return judged

    def is_destination_empty(self, destination: TableFacts | None) -> bool:
        """Whether it is empty, or not there yet; warns of what becomes of its items."""
        if destination is None or not destination.is_usable:
            return True
        table = self.tables.table(self.spec.destination, "destination")
        is_empty = self.against.tried(table.is_empty)
        if is_empty is False:
            self.against.warnings.append(_fate_of_items(self.spec, destination.name))
        return bool(is_empty)


def _fate_of_items(spec: MigrationSpec, name: str) -> str:
    undo = "backed up first" if spec.undo == "backup" else 'not backed up ("undo": "none")'
    if spec.clean_destination:
        return f"{name} holds items: all of them are deleted before the copy ({undo})"
    if spec.on_existing == "keep":
        return f"{name} holds items: they are kept, and win over items of the source"
    return (
        f"{name} holds items ({undo}): those under a copied key are overwritten; those that the "
        "source does not have stay, count as extra and fail verification"
    )
