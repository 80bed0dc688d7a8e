"""What AWS says about a table, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tableferry.addresses import TABLE_ARN, Place

# A table in these states answers reads and writes.
USABLE = frozenset({"ACTIVE", "UPDATING"})


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """A key attribute; `role` is HASH or RANGE, `type` S, N or B."""

    name: str
    type: str
    role: str


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """A secondary index; `projection` is ALL, KEYS_ONLY or INCLUDE (then `included`)."""

    name: str
    is_local: bool
    keys: tuple[str, ...]
    projection: str = "ALL"
    included: tuple[str, ...] = ()
    status: str = "ACTIVE"

    @classmethod
    def from_description(cls, index: Mapping[str, Any], *, is_local: bool) -> "IndexFacts":
        projection = index.get("Projection", {})
        return cls(
            name=index["IndexName"],
            is_local=is_local,
            keys=tuple(entry["AttributeName"] for entry in index["KeySchema"]),
            projection=projection.get("ProjectionType", "ALL"),
            included=tuple(projection.get("NonKeyAttributes", ())),
            status=index.get("IndexStatus", "ACTIVE"),
        )


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table as DescribeTable tells it.

    `items` and `size_bytes` are refreshed about every six hours [BC TableDescription]. `read_units`
    and `write_units` are what the table takes in a second: provisioned, or for an on-demand
    table its warm throughput; None where AWS does not say.
    """

    place: Place
    arn: str
    status: str
    keys: tuple[KeyAttribute, ...]
    attribute_types: Mapping[str, str]
    items: int
    size_bytes: int
    is_on_demand: bool
    read_units: int | None
    write_units: int | None
    indexes: tuple[IndexFacts, ...]
    stream_arn: str | None
    stream_view: str | None
    description: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_description(cls, table: Mapping[str, Any]) -> "TableFacts":
        """From the `Table` of a DescribeTable answer."""
        types = {each["AttributeName"]: each["AttributeType"] for each in _definitions(table)}
        mode = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        is_on_demand = mode == "PAY_PER_REQUEST"
        stream = table.get("StreamSpecification", {})
        return cls(
            place=place_of_arn(table["TableArn"]),
            arn=table["TableArn"],
            status=table["TableStatus"],
            keys=tuple(
                KeyAttribute(
                    entry["AttributeName"], types[entry["AttributeName"]], entry["KeyType"]
                )
                for entry in table["KeySchema"]
            ),
            attribute_types=types,
            items=table.get("ItemCount", 0),
            size_bytes=table.get("TableSizeBytes", 0),
            is_on_demand=is_on_demand,
            read_units=_units(table, "Read", is_on_demand),
            write_units=_units(table, "Write", is_on_demand),
            indexes=indexes_of(table),
            stream_arn=table.get("LatestStreamArn") if stream.get("StreamEnabled") else None,
            stream_view=stream.get("StreamViewType"),
            description=table,
        )

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def key_names(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys)

    @property
    def is_usable(self) -> bool:
        return self.status in USABLE

    @property
    def is_ready(self) -> bool:
        """Everything that was created with the table is there."""
        return self.status == "ACTIVE" and all(each.status == "ACTIVE" for each in self.indexes)


def place_of_arn(arn: str) -> Place:
    found = TABLE_ARN.fullmatch(arn)
    if found is None:
        raise ValueError(f"not the ARN of a table: {arn}")
    return Place(found["account"], found["region"], found["name"])


def _definitions(table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(table.get("AttributeDefinitions", ()))


def _units(table: Mapping[str, Any], kind: str, is_on_demand: bool) -> int | None:
    if is_on_demand:
        warm: int | None = table.get("WarmThroughput", {}).get(f"{kind}UnitsPerSecond")
        limit: int = table.get("OnDemandThroughput", {}).get(f"Max{kind}RequestUnits", -1)
        return min(warm or limit, limit) if limit > 0 else warm
    found: int | None = table.get("ProvisionedThroughput", {}).get(f"{kind}CapacityUnits")
    return found


def indexes_of(table: Mapping[str, Any]) -> tuple[IndexFacts, ...]:
    """The indexes in a table's description, or in CreateTable parameters."""
    local = table.get("LocalSecondaryIndexes", ())
    wide = table.get("GlobalSecondaryIndexes", ())
    return (
        *(IndexFacts.from_description(index, is_local=True) for index in local),
        *(IndexFacts.from_description(index, is_local=False) for index in wide),
    )


@dataclass(frozen=True, slots=True)
class Recovery:
    """Point-in-time recovery; `days` is its window, 1 to 35, None where AWS does not say."""

    is_on: bool
    days: int | None = None


@dataclass(frozen=True, slots=True)
class TableSettings:
    """What belongs to a table and DescribeTable does not tell.

    `insights` maps an index's name (the table itself: "") to its Contributor Insights mode.
    `is_key_of_aws`: whether the KMS key is AWS's own for DynamoDB, None where that is not known.
    `unread` names what could not be read, each with the reason.
    """

    ttl_attribute: str | None = None
    recovery: Recovery = Recovery(is_on=False)
    insights: Mapping[str, str | None] = field(default_factory=dict)
    policy: str | None = None
    stream_policy: str | None = None
    kinesis_streams: tuple[str, ...] = ()
    is_scaled: bool = False
    is_key_of_aws: bool | None = None
    unread: tuple[str, ...] = ()
