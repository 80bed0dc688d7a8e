"""A destination made like the source: CreateTable parameters, what follows, what is not carried.

What belongs to a table is listed in BC TableDescription and in the calls of aws/table_options.py.
AWS's own restore carries no tags, streams, time to live, point-in-time recovery or policies.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tableferry.addresses import Place
from tableferry.destination.clone_shape import CloneShape, throughput
from tableferry.following import follow
from tableferry.table_facts import KeyAttribute, Recovery, TableFacts, TableSettings

RUN_TAG = "tableferry:run"
MAX_TAGS = 50

Steps = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Clone:
    """How to make the destination.

    `parameters` go to CreateTable; then recovery, insights and policy, once the table is ACTIVE;
    `ttl_attribute` only after verification: until then each table would delete expired items on its
    own clock, and the counts would differ. `notes` say plainly what is not carried, or changed.
    """

    parameters: Mapping[str, Any]
    recovery: Recovery = Recovery(is_on=False)
    insights: Mapping[str, str] = field(default_factory=dict)
    policy: str | None = None
    ttl_attribute: str | None = None
    notes: tuple[str, ...] = ()


def like_source(
    source: TableFacts,
    settings: TableSettings,
    destination: Place,
    *,
    keys: Sequence[KeyAttribute],
    steps: Steps,
    tags: Mapping[str, str],
) -> Clone:
    """A table like `source` with these keys; indexes and time to live follow what the steps rename.

    `tags` are the source's; the caller adds the run's own (RUN_TAG).
    """
    notes: list[str] = []
    shape = CloneShape(source, keys, steps, notes)
    parameters = {
        "KeySchema": [{"AttributeName": key.name, "KeyType": key.role} for key in keys],
        **shape.indexes(),
        **_capacity(source, notes),
        **_encryption(source, settings, destination, notes),
        **_features(source),
    }
    parameters["AttributeDefinitions"] = shape.definitions()
    kept_tags = _tags(tags, notes)
    if kept_tags:
        parameters["Tags"] = [{"Key": name, "Value": value} for name, value in kept_tags.items()]
    _note_what_stays_behind(source, settings, notes)
    return Clone(
        parameters=parameters,
        recovery=settings.recovery,
        insights=_insights(settings, parameters),
        policy=_policy(source, settings, destination),
        ttl_attribute=_ttl(settings, steps, notes),
        notes=tuple(notes),
    )


def _capacity(source: TableFacts, notes: list[str]) -> dict[str, Any]:
    mode = "PAY_PER_REQUEST" if source.is_on_demand else "PROVISIONED"
    found = throughput(source.description, source.is_on_demand)
    warm = found.get("WarmThroughput")
    if warm:
        notes.append(
            f"the table is pre-warmed to {warm['ReadUnitsPerSecond']:,} reads and "
            f"{warm['WriteUnitsPerSecond']:,} writes a second like the source; AWS charges for it"
        )
    return {"BillingMode": mode, **found}


def _encryption(
    source: TableFacts, settings: TableSettings, destination: Place, notes: list[str]
) -> dict[str, Any]:
    """No SSEDescription means the key that AWS owns, which is also the default [I]."""
    found = source.description.get("SSEDescription", {})
    if found.get("SSEType") != "KMS":
        return {}
    specification = {"Enabled": True, "SSEType": "KMS"}
    key = found.get("KMSMasterKeyArn")
    is_near = (destination.account, destination.region) == (
        source.place.account,
        source.place.region,
    )
    if key is None or settings.is_key_of_aws:
        return {"SSESpecification": specification}
    if is_near:
        return {"SSESpecification": {**specification, "KMSMasterKeyId": key}}
    notes.append(
        f"the KMS key {key} is not carried to another account or Region: AWS's own key encrypts "
        'the table; give "create" as CreateTable parameters to choose a key there'
    )
    return {"SSESpecification": specification}


def _features(source: TableFacts) -> dict[str, Any]:
    description = source.description
    found: dict[str, Any] = {}
    table_class = description.get("TableClassSummary", {}).get("TableClass")
    if table_class:
        found["TableClass"] = table_class
    if description.get("DeletionProtectionEnabled"):
        found["DeletionProtectionEnabled"] = True
    if source.stream_arn is not None:
        found["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": source.stream_view,
        }
    return found


def _tags(tags: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    own = {name: value for name, value in tags.items() if not name.startswith("aws:")}
    own.pop(RUN_TAG, None)
    reserved = len(tags) - len(own) - (RUN_TAG in tags)
    if reserved:
        notes.append(f"{reserved} tags that begin with aws: are AWS's own and are not carried")
    kept = dict(list(own.items())[: MAX_TAGS - 1])
    if len(kept) < len(own):
        notes.append(f"the tag {list(own)[-1]} is left out: with {RUN_TAG} there would be over 50")
    return kept


def _insights(settings: TableSettings, parameters: Mapping[str, Any]) -> dict[str, str]:
    made = {"", *(index["IndexName"] for index in parameters.get("GlobalSecondaryIndexes", ()))}
    return {
        index: mode
        for index, mode in settings.insights.items()
        if index in made and mode is not None
    }


def _policy(source: TableFacts, settings: TableSettings, destination: Place) -> str | None:
    if settings.policy is None:
        return None
    partition = source.arn.split(":")[1]
    home = f"arn:{partition}:dynamodb:{destination.region}:{destination.account}"
    # Not within the ARN of a table whose name begins with this one's.
    this_table = re.compile(re.escape(source.arn) + r"(?![A-Za-z0-9_.-])")
    return this_table.sub(f"{home}:table/{destination.name}", settings.policy)


def _ttl(settings: TableSettings, steps: Steps, notes: list[str]) -> str | None:
    if settings.ttl_attribute is None:
        return None
    after = follow(steps, settings.ttl_attribute)
    if after.name is None:
        notes.append(f"time to live is not carried: the transform removes {settings.ttl_attribute}")
        return None
    notes.append(f"time to live is turned on (attribute {after.name}) after verification")
    return after.name


def _note_what_stays_behind(source: TableFacts, settings: TableSettings, notes: list[str]) -> None:
    description = source.description
    replicas = [each["RegionName"] for each in description.get("Replicas", ())]
    if replicas:
        notes.append(f"replicas are not carried: add {', '.join(replicas)} after the migration")
    if description.get("GlobalTableWitnesses") or description.get("MultiRegionConsistency"):
        notes.append("the consistency and the witness of a global table are not carried")
    if source.stream_arn is not None:
        notes.append("the stream is on as in the source; its consumers are not carried")
    if settings.stream_policy is not None:
        notes.append("the resource policy of the stream is not carried")
    if settings.policy is not None:
        notes.append("the resource policy is carried with the table's ARN changed in it")
    for stream in settings.kinesis_streams:
        notes.append(
            f"the Kinesis destination {stream} is not carried: it would get every copied item"
        )
    if settings.is_scaled:
        notes.append("auto scaling is not carried: register the table, its capacity stays fixed")
    notes += [f"could not be read, so it is not carried: {what}" for what in settings.unread]
