"""Whether the roles of the stack may do what the run that was asked for needs.

Reading is tried, by validating. What would write is asked of IAM's simulation, role by role, which
knows the roles' own policies, permissions boundaries and service control policies, but no policies
of tables, buckets and keys: what those deny shows only when it happens. A simulation that is
refused is said as a warning, and the run goes on without it. Roles that a spec names for tables of
another account are that account's own: whether ours may assume them is asked, no more.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tableferry.addresses import Place
from tableferry.checking.permissions import MACHINE, NEEDS, Need
from tableferry.destination.planned_destination import Planned
from tableferry.errors import PermissionMissingError, Problem, RequestRefusedError
from tableferry.ports import RolesPort, StackRoles
from tableferry.spec import MigrationSpec, TableRef
from tableferry.table_facts import TableFacts

# IAM answers in a tenth of a second, and a run has some forty questions.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Subject:
    """The run that was asked for, and the places it touches."""

    spec: MigrationSpec
    source: TableFacts | None
    destination: TableFacts | None
    planned: Planned | None
    is_destination_empty: bool
    destination_place: Place
    ledger: Place
    bucket: str


def traits_of(subject: Subject) -> frozenset[str]:
    """What the run will do, in the words of permissions.NEEDS."""
    spec, clone = subject.spec, subject.planned.clone if subject.planned else None
    copies = spec.mode in {"migrate", "plan"}
    is_live = spec.strategy == "live"
    changes = spec.clean_destination or spec.on_existing == "overwrite"
    creates = copies and spec.destination.create is not None and subject.destination is None
    holds = {
        "always": True,
        "copies": copies,
        "creates": creates,
        "clones policy": creates and clone is not None and clone.policy is not None,
        "clones recovery": creates and clone is not None and clone.recovery.is_on,
        "clones insights": creates and clone is not None and bool(clone.insights),
        "clones expiry": creates and clone is not None and clone.ttl_attribute is not None,
        "undoes": spec.undo == "backup"
        and not subject.is_destination_empty
        and (spec.mode == "clean" or (copies and changes)),
        "asks": spec.mode == "migrate" and spec.approval,
        "cleans": spec.mode == "clean" or (copies and spec.clean_destination),
        "overwrites": copies and not is_live and spec.on_existing == "overwrite",
        "inserts": copies and (is_live or spec.on_existing == "keep"),
        "keeps": copies and not is_live and spec.on_existing == "keep",
        "quarantines": copies and spec.on_item_error == "quarantine",
        "live": copies and is_live,
        "counts": spec.mode == "count" or (copies and spec.verify == "count"),
        "verifies": spec.mode == "verify" or (copies and spec.verify == "content"),
        "watches": copies and is_live and spec.verify == "content",
        "repairs": spec.repair and spec.mode in {"migrate", "plan", "verify"},
        "snapshots": copies and spec.snapshot == "backup",
        "exports": copies and spec.snapshot == "export",
    }
    return frozenset(name for name, is_so in holds.items() if is_so)


def missing_permissions(roles: RolesPort, subject: Subject) -> tuple[list[Problem], list[str]]:
    """The actions that a role of the stack lacks, and what could not be asked."""
    try:
        stack = roles.stack()
        return _gaps(roles, stack, subject), _not_asked(subject)
    except (PermissionMissingError, RequestRefusedError) as error:
        return [], [
            "permissions to write were not checked, for IAM was not asked: "
            f"{error.cause}; a missing one fails the state that needs it"
        ]


def _gaps(roles: RolesPort, stack: StackRoles, subject: Subject) -> list[Problem]:
    asked: dict[tuple[str, str], tuple[str, list[str]]] = {}
    traits = traits_of(subject)
    for need in NEEDS:
        if need.when in traits and _role(stack, need.function):
            on, resources, actions = _question(need, stack, subject)
            for resource in resources:
                on_it = asked.setdefault((need.function, resource), (on, []))
                on_it[1].extend(actions)

    def answer(question: tuple[str, str]) -> Mapping[str, str]:
        function, resource = question
        return roles.denied(_role(stack, function), asked[question][1], resource)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(answer, asked))
    return [
        _problem(function, action, resource, on=on, decision=decision, subject=subject)
        for ((function, resource), (on, _actions)), denied in zip(
            asked.items(), answers, strict=True
        )
        for action, decision in denied.items()
    ]


def _question(
    need: Need, stack: StackRoles, subject: Subject
) -> tuple[str, Iterable[str], tuple[str, ...]]:
    """What a need is about, its ARNs (none where the run has nothing of the kind), and actions."""
    kind, _, rest = need.on.partition(":")
    execution = stack.machine_arn.replace(":stateMachine:", ":execution:")
    own = {
        "ledger": [_table_arn(subject.ledger, stack)],
        "machine": [stack.machine_arn],
        "executions": [f"{execution}/Map:child"],
        "functions": sorted(set(stack.functions.values())),
        "bucket": [f"arn:{_partition(stack)}:s3:::{subject.bucket}/{rest}object"],
    }
    if kind in own:
        return need.on, own[kind], need.actions
    side, _, part = kind.partition("-")
    reference = subject.spec.source if side == "source" else subject.spec.destination
    if reference is None:
        return need.on, [], ()
    if reference.role_arn is not None:
        return "role", [reference.role_arn], ("sts:AssumeRole",)
    return need.on, _of_table(side, part, stack, subject), need.actions


def _of_table(side: str, part: str, stack: StackRoles, subject: Subject) -> list[str]:
    """The ARN of a table or of what belongs to it."""
    facts = subject.source if side == "source" else subject.destination
    if part == "key":
        return _keys(facts, subject.planned if side == "destination" else None)
    if facts is None and side == "source":
        return []
    arn = facts.arn if facts is not None else _table_arn(subject.destination_place, stack)
    return [f"{arn}/{part}/any" if part else arn]


def _role(stack: StackRoles, function: str) -> str:
    return stack.machine_role if function == MACHINE else stack.roles.get(function, "")


def _table_arn(place: Place, stack: StackRoles) -> str:
    return f"arn:{_partition(stack)}:dynamodb:{place.region}:{place.account}:table/{place.name}"


def _partition(stack: StackRoles) -> str:
    return stack.machine_arn.split(":")[1]


def _keys(facts: TableFacts | None, planned: Planned | None) -> list[str]:
    """The customer's KMS key of a table that has one, or that will be created with one."""
    if facts is not None:
        key = facts.description.get("SSEDescription", {}).get("KMSMasterKeyArn")
    else:
        made = planned.clone.parameters if planned else {}
        key = made.get("SSESpecification", {}).get("KMSMasterKeyId")
    # A key that is named by an alias or an id alone is left out: a policy may name the ARN.
    return [key] if key and key.startswith("arn:") else []


def _problem(
    function: str, action: str, resource: str, *, on: str, decision: str, subject: Subject
) -> Problem:
    who = "the state machine" if function == MACHINE else f"the function {function}"
    return Problem(
        f"permissions.{function}",
        action,
        f"{who} may not do {action} on {resource} ({decision})",
        _remedy(on, resource, decision, subject),
    )


def _remedy(on: str, resource: str, decision: str, subject: Subject) -> str:
    if decision == "explicitDeny":
        return "a policy, a permissions boundary or a service control policy denies it: take it out"
    if on == "role":
        return f"deploy with AssumableRolePattern={resource}"
    side = on.partition(":")[0].partition("-")[0]
    if on.endswith("-key"):
        return f"deploy with TableKeyArnPattern={resource}"
    if side == "source" and subject.source is not None:
        return _pattern("SourceTablePattern", subject.source.name)
    if side == "destination":
        return _pattern("DestinationTablePattern", subject.spec.destination.name)
    return "deploy the template again, which gives it; then look for a boundary that takes it away"


def _pattern(parameter: str, name: str) -> str:
    return f"deploy with {parameter}={name}, or a pattern that takes it in beside your other tables"


def _not_asked(subject: Subject) -> list[str]:
    tables: list[TableRef | None] = [subject.spec.source, subject.spec.destination]
    return [
        f"what {table.role_arn} may do to {table.table_name} is that account's to say: "
        "reading was tried, writing was not asked"
        for table in tables
        if table is not None and table.role_arn is not None
    ]
