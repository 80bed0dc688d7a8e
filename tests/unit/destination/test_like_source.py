from collections.abc import Mapping
from typing import Any

from tableferry.addresses import Place
from tableferry.destination.like_source import Clone, like_source
from tableferry.table_facts import KeyAttribute, Recovery, TableFacts, TableSettings

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/Flights"
HERE = Place("123456789012", "eu-west-1", "FlightsV2")

DESCRIPTION: dict[str, Any] = {
    "TableName": "Flights",
    "TableArn": ARN,
    "TableStatus": "ACTIVE",
    "KeySchema": [
        {"AttributeName": "origin", "KeyType": "HASH"},
        {"AttributeName": "id", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "origin", "AttributeType": "S"},
        {"AttributeName": "id", "AttributeType": "N"},
        {"AttributeName": "carrier", "AttributeType": "S"},
        {"AttributeName": "delay", "AttributeType": "N"},
    ],
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "byCarrier",
            "KeySchema": [{"AttributeName": "carrier", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["delay", "plane"]},
            "IndexStatus": "ACTIVE",
            "IndexSizeBytes": 5,
            "ItemCount": 1,
            "IndexArn": f"{ARN}/index/byCarrier",
            "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "byDelay",
            "KeySchema": [
                {"AttributeName": "origin", "KeyType": "HASH"},
                {"AttributeName": "delay", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
            "IndexArn": f"{ARN}/index/byDelay",
        }
    ],
    "WarmThroughput": {
        "ReadUnitsPerSecond": 12_000,
        "WriteUnitsPerSecond": 4_000,
        "Status": "ACTIVE",
    },
}


def source(**changes: Any) -> TableFacts:
    return TableFacts.from_description({**DESCRIPTION, **changes})


def clone(
    facts: TableFacts | None = None,
    *,
    settings: TableSettings | None = None,
    place: Place = HERE,
    keys: tuple[KeyAttribute, ...] | None = None,
    steps: list[dict[str, Any]] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Clone:
    facts = facts or source()
    return like_source(
        facts,
        settings or TableSettings(),
        place,
        keys=keys or facts.keys,
        steps=steps or [],
        tags=tags or {},
    )


def said(found: Clone, text: str) -> bool:
    return any(text in note for note in found.notes)


def test_keys_indexes_and_billing_are_those_of_the_source() -> None:
    found = clone()
    assert found.parameters == {
        "KeySchema": DESCRIPTION["KeySchema"],
        "AttributeDefinitions": DESCRIPTION["AttributeDefinitions"][:2]
        + DESCRIPTION["AttributeDefinitions"][3:]
        + DESCRIPTION["AttributeDefinitions"][2:3],
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "byCarrier",
                "KeySchema": [{"AttributeName": "carrier", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["delay", "plane"]},
            }
        ],
        "LocalSecondaryIndexes": [
            {
                "IndexName": "byDelay",
                "KeySchema": DESCRIPTION["LocalSecondaryIndexes"][0]["KeySchema"],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    }
    assert found.notes == ()


def test_other_keys_keep_the_rest_and_define_nothing_that_no_key_uses() -> None:
    found = clone(keys=(KeyAttribute("flightId", "S", "HASH"),))
    assert found.parameters["KeySchema"] == [{"AttributeName": "flightId", "KeyType": "HASH"}]
    assert found.parameters["AttributeDefinitions"] == [
        {"AttributeName": "flightId", "AttributeType": "S"},
        {"AttributeName": "carrier", "AttributeType": "S"},
    ]
    assert "LocalSecondaryIndexes" not in found.parameters
    assert said(found, "local index byDelay is left out")


def test_a_local_index_follows_a_partition_key_that_is_only_renamed() -> None:
    found = clone(
        keys=(KeyAttribute("airport", "S", "HASH"), KeyAttribute("id", "N", "RANGE")),
        steps=[{"rename": {"from": "origin", "to": "airport"}}],
    )
    (index,) = found.parameters["LocalSecondaryIndexes"]
    assert [entry["AttributeName"] for entry in index["KeySchema"]] == ["airport", "delay"]


def test_a_local_index_needs_a_sort_key() -> None:
    found = clone(keys=(KeyAttribute("origin", "S", "HASH"),))
    assert "LocalSecondaryIndexes" not in found.parameters
    assert said(found, "only beside a sort key")


def test_a_global_index_follows_what_the_transform_renames_and_casts() -> None:
    found = clone(
        steps=[
            {"rename": {"from": "carrier", "to": "airline"}},
            {"rename": {"from": "plane", "to": "tail"}},
            {"cast": {"attribute": "delay", "to": "S"}},
        ]
    )
    (index,) = found.parameters["GlobalSecondaryIndexes"]
    assert index["KeySchema"] == [{"AttributeName": "airline", "KeyType": "HASH"}]
    assert index["Projection"]["NonKeyAttributes"] == ["delay", "tail"]
    types = {
        e["AttributeName"]: e["AttributeType"] for e in found.parameters["AttributeDefinitions"]
    }
    assert types == {"origin": "S", "id": "N", "airline": "S", "delay": "S"}
    assert said(found, "index byCarrier follows its key attribute carrier to airline")


def test_an_index_whose_key_is_removed_is_said_to_be_empty() -> None:
    assert said(clone(steps=[{"remove": ["carrier"]}]), "index byCarrier will be empty")


def test_keys_are_not_projected_twice() -> None:
    found = clone(keys=(KeyAttribute("plane", "S", "HASH"), KeyAttribute("delay", "N", "RANGE")))
    (index,) = found.parameters["GlobalSecondaryIndexes"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_provisioned_capacity_is_carried_for_table_and_index() -> None:
    units = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 5, "NumberOfDecreasesToday": 0}
    index = {**DESCRIPTION["GlobalSecondaryIndexes"][0], "ProvisionedThroughput": units}
    found = clone(
        source(
            BillingModeSummary={"BillingMode": "PROVISIONED"},
            ProvisionedThroughput=units,
            GlobalSecondaryIndexes=[index],
            WarmThroughput={"ReadUnitsPerSecond": 7, "WriteUnitsPerSecond": 5},
        ),
        settings=TableSettings(is_scaled=True),
    )
    kept = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 5}
    assert found.parameters["BillingMode"] == "PROVISIONED"
    assert found.parameters["ProvisionedThroughput"] == kept
    assert found.parameters["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"] == kept
    assert "WarmThroughput" not in found.parameters
    assert said(found, "auto scaling is not carried")


def test_limits_on_demand_and_warm_throughput_above_a_new_tables_are_carried() -> None:
    found = clone(
        source(
            OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 500},
            WarmThroughput={"ReadUnitsPerSecond": 9_000, "WriteUnitsPerSecond": 40_000},
        )
    )
    assert found.parameters["OnDemandThroughput"] == {"MaxWriteRequestUnits": 500}
    assert found.parameters["WarmThroughput"] == {
        "ReadUnitsPerSecond": 12_000,
        "WriteUnitsPerSecond": 40_000,
    }
    assert said(found, "pre-warmed to 12,000 reads and 40,000 writes")


KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
ENCRYPTED = {"SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": KEY}}


def test_a_key_of_the_customer_is_carried_where_it_can_be_used() -> None:
    found = clone(source(**ENCRYPTED), settings=TableSettings(is_key_of_aws=False))
    assert found.parameters["SSESpecification"]["KMSMasterKeyId"] == KEY
    for place in (Place("210987654321", "eu-west-1", "x"), Place("123456789012", "us-east-1", "x")):
        far = clone(source(**ENCRYPTED), place=place)
        assert far.parameters["SSESpecification"] == {"Enabled": True, "SSEType": "KMS"}
        assert said(far, f"the KMS key {KEY} is not carried")


def test_a_key_of_aws_is_not_named() -> None:
    found = clone(source(**ENCRYPTED), settings=TableSettings(is_key_of_aws=True))
    assert found.parameters["SSESpecification"] == {"Enabled": True, "SSEType": "KMS"}


def test_class_protection_and_stream_are_carried() -> None:
    found = clone(
        source(
            TableClassSummary={"TableClass": "STANDARD_INFREQUENT_ACCESS"},
            DeletionProtectionEnabled=True,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            LatestStreamArn=f"{ARN}/stream/1",
        )
    )
    assert found.parameters["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert found.parameters["DeletionProtectionEnabled"] is True
    assert found.parameters["StreamSpecification"] == {
        "StreamEnabled": True,
        "StreamViewType": "NEW_IMAGE",
    }
    assert said(found, "its consumers are not carried")


def test_a_vector_index_is_carried_without_its_state() -> None:
    index = {
        "IndexName": "near",
        "VectorAttribute": {"AttributeName": "embedding"},
        "Dimensions": 4,
        "DistanceFunction": "COSINE",
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    found = clone(source(VectorIndexes=[{**index, "IndexStatus": "ACTIVE", "ItemCount": 3}]))
    assert found.parameters["VectorIndexes"] == [index]


def test_tags_are_carried_but_for_those_of_aws_and_of_an_earlier_run() -> None:
    tags = {"team": "air", "aws:cloudformation:stack-name": "x", "tableferry:run": "older"}
    found = clone(tags=tags)
    assert found.parameters["Tags"] == [{"Key": "team", "Value": "air"}]
    assert said(found, "1 tags that begin with aws:")


def test_one_place_is_left_for_the_tag_of_the_run() -> None:
    found = clone(tags={f"t{n:02}": "x" for n in range(50)})
    assert len(found.parameters["Tags"]) == 49
    assert said(found, "the tag t49 is left out")


def test_what_follows_creation() -> None:
    policy = f'{{"Resource": ["{ARN}", "{ARN}/index/*", "{ARN}Archive"]}}'
    found = clone(
        settings=TableSettings(
            ttl_attribute="expires",
            recovery=Recovery(is_on=True, days=7),
            insights={"": "THROTTLED_KEYS", "byCarrier": "", "byDelay": None},
            policy=policy,
        ),
        steps=[{"rename": {"from": "expires", "to": "ttl"}}],
    )
    assert found.recovery == Recovery(is_on=True, days=7)
    assert found.insights == {"": "THROTTLED_KEYS", "byCarrier": ""}
    new = ARN.replace("Flights", "FlightsV2")
    assert found.policy == f'{{"Resource": ["{new}", "{new}/index/*", "{ARN}Archive"]}}'
    assert found.ttl_attribute == "ttl"
    assert said(found, "time to live is turned on (attribute ttl) after verification")


def test_everything_that_stays_behind_is_said() -> None:
    found = clone(
        source(
            Replicas=[{"RegionName": "us-east-1"}, {"RegionName": "us-west-2"}],
            MultiRegionConsistency="STRONG",
        ),
        settings=TableSettings(
            ttl_attribute="gone",
            stream_policy="{}",
            kinesis_streams=("arn:aws:kinesis:eu-west-1:1:stream/s",),
            unread=("the KMS key (kms:DescribeKey on x was refused)",),
        ),
        steps=[{"remove": ["gone"]}],
    )
    assert found.ttl_attribute is None
    for text in (
        "replicas are not carried: add us-east-1, us-west-2",
        "consistency and the witness",
        "resource policy of the stream is not carried",
        "Kinesis destination arn:aws:kinesis:eu-west-1:1:stream/s is not carried",
        "time to live is not carried",
        "could not be read, so it is not carried: the KMS key",
    ):
        assert said(found, text), text
