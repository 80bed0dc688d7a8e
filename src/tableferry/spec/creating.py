"""What can be said of `destination.create` and `destination.keySchema` without asking AWS."""

from collections.abc import Mapping
from typing import Any

from tableferry.errors import Problem
from tableferry.spec.model import DestinationRef
from tableferry.spec.problems import nearest

# Parameters of CreateTable in the API model of botocore 1.43.106; a unit test compares them.
CREATE_TABLE_PARAMETERS = (
    "AttributeDefinitions",
    "TableName",
    "KeySchema",
    "LocalSecondaryIndexes",
    "GlobalSecondaryIndexes",
    "BillingMode",
    "ProvisionedThroughput",
    "StreamSpecification",
    "SSESpecification",
    "Tags",
    "TableClass",
    "DeletionProtectionEnabled",
    "WarmThroughput",
    "ResourcePolicy",
    "OnDemandThroughput",
    "GlobalTableSourceArn",
    "GlobalTableSettingsReplicationMode",
    "VectorIndexes",
)
KEY_TYPES = ("S", "N", "B")
_KEY_LENGTHS = (1, 2)
_MAX_NAME_BYTES = 255
_CREATE = "destination.create"


def creation_problems(destination: DestinationRef) -> list[Problem]:
    problems = []
    if destination.key_schema is not None:
        problems += key_schema_problems(
            destination.key_schema, "destination.keySchema", with_types=True
        )
    if isinstance(destination.create, dict):
        problems += _parameter_problems(destination.create, destination)
    return problems


def _parameter_problems(
    parameters: Mapping[str, Any], destination: DestinationRef
) -> list[Problem]:
    problems = [_unknown(name, value) for name, value in _unknown_items(parameters)]
    name = parameters.get("TableName", destination.name)
    if name not in (destination.name, destination.table_name):
        problems.append(
            Problem(
                f"{_CREATE}.TableName",
                name,
                f"is not destination.tableName, {destination.name}",
                "leave TableName out",
            )
        )
    problems += key_schema_problems(parameters.get("KeySchema"), f"{_CREATE}.KeySchema")
    problems += _billing_problems(parameters)
    if not problems:
        problems += _definition_problems(parameters)
    return problems


def _billing_problems(parameters: Mapping[str, Any]) -> list[Problem]:
    """Throughput belongs to provisioned tables; without a mode and it, the table is on demand."""
    path, mode = f"{_CREATE}.ProvisionedThroughput", parameters.get("BillingMode")
    throughput = parameters.get("ProvisionedThroughput")
    if mode == "PROVISIONED" and throughput is None:
        remedy = 'give {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}, or leave BillingMode out'
        return [Problem(path, None, 'is required with "BillingMode": "PROVISIONED"', remedy)]
    if mode == "PAY_PER_REQUEST" and throughput is not None:
        rule = 'contradicts "BillingMode": "PAY_PER_REQUEST"'
        return [Problem(path, throughput, rule, "leave out one of them")]
    return []


def _unknown_items(parameters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        (name, value) for name, value in parameters.items() if name not in CREATE_TABLE_PARAMETERS
    ]


def _unknown(name: str, value: Any) -> Problem:
    guess = nearest(name, CREATE_TABLE_PARAMETERS)
    remedy = f"did you mean {guess}?" if guess else "leave it out"
    return Problem(f"{_CREATE}.{name}", value, "is not a parameter of CreateTable", remedy)


def key_schema_problems(
    key_schema: object, path: str, *, with_types: bool = False
) -> list[Problem]:
    """The faults of a KeySchema list; `with_types` allows `AttributeType` in an entry."""
    if not isinstance(key_schema, list) or len(key_schema) not in _KEY_LENGTHS:
        return [
            Problem(
                path,
                key_schema,
                "must be a list of one or two key attributes",
                'give [{"AttributeName": "id", "KeyType": "HASH"}] and, if wanted, a RANGE entry',
            )
        ]
    problems = []
    for index, entry in enumerate(key_schema):
        problems += _entry_problems(entry, f"{path}[{index}]", with_types)
    if not problems and [entry["KeyType"] for entry in key_schema] not in (
        ["HASH"],
        ["HASH", "RANGE"],
    ):
        problems.append(
            Problem(
                path,
                key_schema,
                "must be one HASH entry, then at most one RANGE entry",
                "reorder it",
            )
        )
    if not problems and len({entry["AttributeName"] for entry in key_schema}) < len(key_schema):
        problems.append(
            Problem(path, key_schema, "names one attribute twice", "choose two attributes")
        )
    return problems


def _entry_problems(entry: object, path: str, with_types: bool) -> list[Problem]:
    allowed = {"AttributeName", "KeyType"} | ({"AttributeType"} if with_types else set())
    if not isinstance(entry, dict) or not {"AttributeName", "KeyType"} <= set(entry) <= allowed:
        return [
            Problem(
                path,
                entry,
                f"must be an object of {', '.join(sorted(allowed))}",
                'write it as {"AttributeName": "id", "KeyType": "HASH"}',
            )
        ]
    problems = []
    name = entry["AttributeName"]
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= _MAX_NAME_BYTES:
        problems.append(
            Problem(
                f"{path}.AttributeName", name, "must be 1 to 255 bytes of text", "name an attribute"
            )
        )
    if entry["KeyType"] not in ("HASH", "RANGE"):
        problems.append(
            Problem(f"{path}.KeyType", entry["KeyType"], 'must be "HASH" or "RANGE"', "choose one")
        )
    if "AttributeType" in entry and entry["AttributeType"] not in KEY_TYPES:
        problems.append(
            Problem(
                f"{path}.AttributeType",
                entry["AttributeType"],
                'must be "S", "N" or "B"',
                "keys are text, numbers or binary",
            )
        )
    return problems


def _definition_problems(parameters: Mapping[str, Any]) -> list[Problem]:
    """AWS demands that all key attributes of table and indexes are defined, and nothing else."""
    path = f"{_CREATE}.AttributeDefinitions"
    definitions = parameters.get("AttributeDefinitions")
    if not _are_definitions(definitions):
        return [
            Problem(
                path,
                definitions,
                "must define the type of every key attribute",
                'give [{"AttributeName": "id", "AttributeType": "S"}]',
            )
        ]
    defined = [entry["AttributeName"] for entry in definitions or ()]
    used = _names(parameters, "KeySchema")
    problems = [
        Problem(path, name, "is a key attribute without a definition", "add its AttributeType")
        for name in used
        if name not in defined
    ]
    problems += [
        Problem(path, name, "is defined but no key uses it, which AWS refuses", "leave it out")
        for name in defined
        if name not in {*used, *_names(parameters, "SearchSchema")}
    ]
    if len(set(defined)) < len(defined):
        problems.append(Problem(path, defined, "defines an attribute twice", "keep one definition"))
    return problems


def _are_definitions(definitions: Any) -> bool:
    return isinstance(definitions, list) and all(
        isinstance(entry, dict)
        and set(entry) == {"AttributeName", "AttributeType"}
        and isinstance(entry["AttributeName"], str)
        and entry["AttributeType"] in KEY_TYPES
        for entry in definitions
    )


def _names(parameters: Mapping[str, Any], kind: str) -> list[str]:
    """The attributes in the KeySchema (or a vector index's SearchSchema) of table and indexes."""
    indexes = [
        index
        for list_name in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes", "VectorIndexes")
        for index in _objects(parameters, list_name)
    ]
    names = [
        entry["AttributeName"]
        for owner in (parameters, *indexes)
        for entry in _objects(owner, kind)
        if isinstance(entry.get("AttributeName"), str)
    ]
    return list(dict.fromkeys(names))


def _objects(owner: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of that list; what is of another type is for the API's own model to refuse."""
    found = owner.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
