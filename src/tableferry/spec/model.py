"""The fields of a migration spec, their types and defaults.

Rules between fields are in `rules.py`, what later releases bring in `not_yet.py`. A field's
description is its line in docs/spec.md.
"""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from tableferry.addresses import ROLE_ARN, TABLE_ARN, TableAddress
from tableferry.spec.not_yet import DEFAULT_VERIFY

# 4.1 of the contract; the first character keeps an id from looking like an option.
_MIGRATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
# DynamoDB naming rules: 3 to 255 characters.
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}")
_PERCENT = re.compile(r"(?P<number>\d{1,3}(\.\d+)?)%")

# Parallel scan takes a million segments; a distributed Map starts 10,000 children at once at most.
MAX_SEGMENTS = 100_000
MAX_CONCURRENCY = 10_000
_ALL = 100.0


def refuse(rule: str, remedy: str) -> PydanticCustomError:
    """An error that becomes a Problem with this rule and remedy."""
    return PydanticCustomError("tableferry", "{rule}", {"rule": rule, "remedy": remedy})


def is_migration_id(text: str) -> bool:
    return _MIGRATION_ID.fullmatch(text) is not None


def _migration_id(value: str) -> str:
    if not is_migration_id(value):
        raise refuse(
            "must be 1 to 63 letters, digits, '_' or '-', and begin with a letter or digit",
            "choose another id, such as orders-v2",
        )
    return value


def _table_name(value: str) -> str:
    if value.startswith("arn:"):
        if not TABLE_ARN.fullmatch(value):
            raise refuse(
                "is not the ARN of a DynamoDB table",
                "give arn:aws:dynamodb:REGION:ACCOUNT:table/NAME, without an index or a stream",
            )
    elif not _TABLE_NAME.fullmatch(value):
        raise refuse(
            "is not a table name: 3 to 255 letters, digits, '_', '-' or '.'",
            "give the table's name or its ARN",
        )
    return value


def _role_arn(value: str) -> str:
    if not ROLE_ARN.fullmatch(value):
        raise refuse("is not the ARN of an IAM role", "give arn:aws:iam::ACCOUNT:role/NAME")
    return value


def _region(value: str) -> str:
    if not _REGION.fullmatch(value):
        raise refuse("is not the name of a Region", "give a Region such as eu-west-1")
    return value


def _segments(value: object) -> object:
    is_count = type(value) is int and 1 <= value <= MAX_SEGMENTS
    if value != "auto" and not is_count:
        raise refuse(
            f'must be "auto" or a whole number from 1 to {MAX_SEGMENTS:,}',
            'leave it out, or give "auto" to choose from the size of the table',
        )
    return value


def _units(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        is_valid = math.isfinite(value) and value > 0
    else:
        is_valid = value is None or percent_of(value) is not None
    if not is_valid:
        raise refuse(
            'must be a number over 0, a share such as "50%" (over 0%, at most 100%), or null',
            "give capacity units a second, or a share of what the table has provisioned",
        )
    return value


def percent_of(value: object) -> float | None:
    """50.0 for "50%", None for what is not a percentage over 0 and up to 100."""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    number = float(found["number"]) if found else 0.0
    return number if 0 < number <= _ALL else None


def _create(value: object) -> object:
    if value is not None and value != "likeSource" and not isinstance(value, dict):
        raise refuse(
            'must be "likeSource", an object of CreateTable parameters, or absent',
            'give "likeSource" for a table like the source, or leave it out if the table exists',
        )
    return value


Units = Annotated[float | int | str | None, PlainValidator(_units)]


class _Model(BaseModel):
    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
    )


class TableRef(_Model):
    """A table by name or ARN, with the role and Region to reach it."""

    table_name: Annotated[str, AfterValidator(_table_name)] = Field(
        description="Name or ARN of the table."
    )
    role_arn: Annotated[str, AfterValidator(_role_arn)] | None = Field(
        default=None,
        description="Role to assume for every call to this table; needed for another account.",
    )
    region: Annotated[str, AfterValidator(_region)] | None = Field(
        default=None,
        description="Region of the table; by default the ARN's, else the Region of the stack.",
    )

    @property
    def address(self) -> TableAddress:
        return TableAddress(self.table_name, self.role_arn, self.region)

    @property
    def name(self) -> str:
        return self.address.name

    @property
    def arn_account(self) -> str | None:
        return self.address.arn_account

    @property
    def arn_region(self) -> str | None:
        return self.address.arn_region

    @property
    def account(self) -> str | None:
        """The account of the ARN, else of the role; None means the account of the stack."""
        return self.address.account

    @property
    def effective_region(self) -> str | None:
        """The Region of the ARN, else `region`; None means the Region of the stack."""
        return self.address.effective_region


class DestinationRef(TableRef):
    """The destination, and how it comes to be."""

    create: Annotated[Literal["likeSource"] | dict[str, Any] | None, PlainValidator(_create)] = (
        Field(
            default=None,
            description="Absent: the table must exist. `likeSource`: made like the source. "
            "An object: CreateTable parameters, spelt as AWS does.",
        )
    )
    key_schema: list[dict[str, Any]] | None = Field(
        default=None,
        description="Beside `likeSource`: other keys, as CreateTable's KeySchema. An entry may "
        "carry `AttributeType`; without it the type is the source's, or what the sample shows.",
    )


class Limits(_Model):
    """What the run may use."""

    max_concurrency: int = Field(
        default=40,
        ge=1,
        le=MAX_CONCURRENCY,
        description="Segments that are worked on at the same time.",
    )
    read_units_per_second: Units = Field(
        default=None, description='Read units a second: a number, or a share such as `"50%"`.'
    )
    write_units_per_second: Units = Field(
        default=None, description='Write units a second: a number, or a share such as `"50%"`.'
    )
    nice: bool = Field(default=False, description="Back off when applications are throttled.")


class Fields(_Model):
    """All fields of the spec; `MigrationSpec` adds the rules between them."""

    migration_id: Annotated[str, AfterValidator(_migration_id)] = Field(
        description="Names the migration: 1 to 63 letters, digits, `_`, `-`."
    )
    mode: Literal["migrate", "plan", "count", "verify", "clean", "stop"] = Field(
        default="migrate", description="What the execution does."
    )
    source: TableRef | None = Field(
        default=None, description="The table to read. Only mode `clean` needs none."
    )
    destination: DestinationRef = Field(description="The table to write.")
    strategy: Literal["copy", "live", "hot"] = Field(
        default="copy",
        description="`copy`: the source is quiet. `live`: it is written to. `hot`: applications "
        "already write the destination.",
    )
    transform: list[Any] = Field(
        default_factory=list, description="Steps that reshape each item, in order."
    )
    on_existing: Literal["overwrite", "keep"] = Field(
        default="overwrite",
        description="What happens to an item that the destination already holds under the key.",
    )
    clean_destination: bool = Field(
        default=False, description="Delete everything in the destination first."
    )
    clean_where: str | None = Field(
        default=None,
        description="Mode `clean` only: JSONata condition; only items it is true for are deleted.",
    )
    undo: Literal["backup", "none"] = Field(
        default="backup",
        description="Back up a destination that holds items before it is cleaned, overwritten or "
        "repaired.",
    )
    on_item_error: Literal["fail", "quarantine"] = Field(
        default="fail", description="What happens to an item that can not be migrated."
    )
    segments: Annotated[Literal["auto"] | int, PlainValidator(_segments)] = Field(
        default="auto", description=f"Parallel-scan segments: `auto` or 1 to {MAX_SEGMENTS:,}."
    )
    limits: Limits = Field(default_factory=Limits, description="What the run may use.")
    verify: Literal["none", "count", "content"] = Field(
        default=DEFAULT_VERIFY, description="How the two tables are compared at the end."
    )
    repair: bool = Field(
        default=False, description="Mend what verification found missing or different."
    )
    delete_extras: bool = Field(
        default=False, description="Let repair delete what only the destination has."
    )
    snapshot: Literal["none", "backup", "export"] = Field(
        default="backup", description="Snapshot of the source before the end."
    )
    stray_writes: Literal["report", "forward"] = Field(
        default="report", description="What happens to writes that reach the source after cut-over."
    )
    resume: bool = Field(default=False, description="Continue this migrationId in a new execution.")
    approval: bool = Field(
        default=False, description="Wait for a person before the destination is touched."
    )

    def to_json(self) -> dict[str, Any]:
        """The document with every default filled in; `parse` of it gives this very spec."""
        return self.model_dump(mode="json", by_alias=True)
