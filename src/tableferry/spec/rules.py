"""Rules between the fields of a spec: combinations that contradict themselves."""

from collections.abc import Callable, Sequence

from tableferry.errors import Problem
from tableferry.spec.model import DestinationRef, Fields, TableRef

Rule = Callable[[Fields], list[Problem]]


def source_is_given(spec: Fields) -> list[Problem]:
    if spec.source is not None or spec.mode in {"clean", "stop"}:
        return []
    return [Problem("source", None, f'is required for mode "{spec.mode}"', "add it")]


def tables_differ(spec: Fields) -> list[Problem]:
    """Only what the text shows; the first state compares the resolved tables."""
    source, destination = spec.source, spec.destination
    if source is None or spec.mode == "clean" or _identity(source) != _identity(destination):
        return []
    return [
        Problem(
            "destination.tableName",
            destination.table_name,
            "is the source itself",
            "name another table as destination",
        )
    ]


def _identity(table: TableRef) -> tuple[str | None, str | None, str]:
    return table.account, table.effective_region, table.name


def regions_agree(spec: Fields) -> list[Problem]:
    tables = {"source": spec.source, "destination": spec.destination}
    return [
        Problem(
            f"{path}.region",
            table.region,
            f"contradicts the ARN, which names {table.arn_region}",
            "leave one of them out",
        )
        for path, table in tables.items()
        if table and table.arn_region and table.region and table.arn_region != table.region
    ]


def clean_where_is_for_clean(spec: Fields) -> list[Problem]:
    if spec.clean_where is None or spec.mode == "clean":
        return []
    return [
        Problem(
            "cleanWhere",
            spec.clean_where,
            f'belongs to mode "clean" alone, not to "{spec.mode}"',
            'leave it out, or clean first in an execution of mode "clean"',
        )
    ]


def clean_needs_quiet_destination(spec: Fields) -> list[Problem]:
    if not spec.clean_destination or spec.strategy == "copy":
        return []
    return [
        Problem(
            "cleanDestination",
            True,
            f'is refused with strategy "{spec.strategy}": newer writes would be deleted',
            'empty the table before, in an execution of mode "clean"',
        )
    ]


def clean_leaves_nothing_to_keep(spec: Fields) -> list[Problem]:
    if not spec.clean_destination or spec.on_existing == "overwrite":
        return []
    return [
        Problem(
            "onExisting",
            spec.on_existing,
            'contradicts "cleanDestination": true, which deletes the items that would be kept',
            "leave out one of them: cleanDestination to keep items, onExisting to begin empty",
        )
    ]


def verify_compares_something(spec: Fields) -> list[Problem]:
    if spec.mode != "verify" or spec.verify != "none":
        return []
    return [
        Problem(
            "verify",
            "none",
            'contradicts mode "verify", which does nothing else',
            'give "content" or "count", or leave it out',
        )
    ]


def repair_compares_content(spec: Fields) -> list[Problem]:
    if not spec.repair or spec.verify == "content":
        return []
    return [
        Problem(
            "repair",
            True,
            f'mends what "verify": "content" names, and verify is "{spec.verify}"',
            'give "verify": "content", or leave out repair',
        )
    ]


def extras_are_deleted_by_repair(spec: Fields) -> list[Problem]:
    if not spec.delete_extras:
        return []
    if not spec.repair:
        return [
            Problem(
                "deleteExtras",
                True,
                "belongs to repair, which is false",
                'give "repair": true, or leave out deleteExtras',
            )
        ]
    if spec.on_existing == "overwrite":
        return []
    return [
        Problem(
            "deleteExtras",
            True,
            'contradicts "onExisting": "keep": the items that are kept are the extra ones',
            "leave out one of them",
        )
    ]


def resume_continues_a_migration(spec: Fields) -> list[Problem]:
    if not spec.resume or spec.mode in {"migrate", "plan"}:
        return []
    return [
        Problem(
            "resume",
            True,
            f'continues a migration, and mode "{spec.mode}" is none',
            "leave it out",
        )
    ]


def key_schema_has_a_model(spec: Fields) -> list[Problem]:
    destination: DestinationRef = spec.destination
    if destination.key_schema is None or destination.create == "likeSource":
        return []
    return [
        Problem(
            "destination.keySchema",
            destination.key_schema,
            'changes the keys of "create": "likeSource", which is not given',
            'add "create": "likeSource", or put KeySchema among the CreateTable parameters',
        )
    ]


# Each rule with the fields that it looks at, the one that it speaks of first.
RULES: Sequence[tuple[tuple[str, ...], Rule]] = (
    (("source", "mode"), source_is_given),
    (("destination", "source", "mode"), tables_differ),
    (("source", "destination"), regions_agree),
    (("cleanWhere", "mode"), clean_where_is_for_clean),
    (("cleanDestination", "strategy"), clean_needs_quiet_destination),
    (("cleanDestination", "onExisting"), clean_leaves_nothing_to_keep),
    (("verify", "mode"), verify_compares_something),
    (("repair", "verify"), repair_compares_content),
    (("deleteExtras", "repair", "onExisting"), extras_are_deleted_by_repair),
    (("resume", "mode"), resume_continues_a_migration),
    (("destination",), key_schema_has_a_model),
)
