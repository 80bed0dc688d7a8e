"""Keys, indexes and throughput of a table that is made like another one."""

from collections.abc import Mapping, Sequence
from typing import Any

from tableferry.following import Followed, follow
from tableferry.table_facts import KeyAttribute, TableFacts

# A new on-demand table takes these at once [DDB:on-demand-capacity-mode]; more costs money.
NEW_TABLE_UNITS = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}


class CloneShape:
    """Keys, indexes and the attribute definitions that belong to them."""

    def __init__(
        self,
        source: TableFacts,
        keys: Sequence[KeyAttribute],
        steps: Sequence[Mapping[str, Any]],
        notes: list[str],
    ) -> None:
        self._source = source
        self._keys = keys
        self._steps = steps
        self._notes = notes
        self._types = {key.name: key.type for key in keys}

    def definitions(self) -> list[dict[str, str]]:
        return [
            {"AttributeName": name, "AttributeType": kind} for name, kind in self._types.items()
        ]

    def indexes(self) -> dict[str, Any]:
        description = self._source.description
        local = [self._local(each) for each in description.get("LocalSecondaryIndexes", ())]
        found = {
            "LocalSecondaryIndexes": [index for index in local if index is not None],
            "GlobalSecondaryIndexes": [
                self._global(each) for each in description.get("GlobalSecondaryIndexes", ())
            ],
            "VectorIndexes": [self._vector(each) for each in description.get("VectorIndexes", ())],
        }
        return {name: indexes for name, indexes in found.items() if indexes}

    def _local(self, index: Mapping[str, Any]) -> dict[str, Any] | None:
        name = index["IndexName"]
        partition = self._source.keys[0]
        if follow(self._steps, partition.name).name != self._keys[0].name:
            self._notes.append(
                f"local index {name} is left out: it shares the partition key, which changes "
                f"from {partition.name} to {self._keys[0].name}; use a global index instead"
            )
            return None
        if len(self._keys) == 1:
            self._notes.append(
                f"local index {name} is left out: AWS allows one only beside a sort key"
            )
            return None
        schema = [
            {"AttributeName": self._keys[0].name, "KeyType": "HASH"},
            *(self._entry(entry, name) for entry in index["KeySchema"][1:]),
        ]
        return {
            "IndexName": name,
            "KeySchema": schema,
            "Projection": self._projection(index, schema),
        }

    def _global(self, index: Mapping[str, Any]) -> dict[str, Any]:
        schema = [self._entry(entry, index["IndexName"]) for entry in index["KeySchema"]]
        return {
            "IndexName": index["IndexName"],
            "KeySchema": schema,
            "Projection": self._projection(index, schema),
            **throughput(index, self._source.is_on_demand),
        }

    def _vector(self, index: Mapping[str, Any]) -> dict[str, Any]:
        carried = (
            "IndexName",
            "VectorAttribute",
            "SearchSchema",
            "Projection",
            "Dimensions",
            "DistanceFunction",
        )
        searched = [entry["AttributeName"] for entry in index.get("SearchSchema", ())]
        for name in (index["VectorAttribute"]["AttributeName"], *searched):
            if self._follow(name).name != name:
                self._notes.append(
                    f"vector index {index['IndexName']} still names {name}, which the steps move"
                )
            if name in self._source.attribute_types:
                self._types.setdefault(name, self._source.attribute_types[name])
        return {name: index[name] for name in carried if name in index}

    def _entry(self, entry: Mapping[str, str], index: str) -> dict[str, str]:
        name = entry["AttributeName"]
        after = self._follow(name)
        if after.name is None:
            self._notes.append(
                f"index {index} will be empty: the transform removes its key attribute {name}"
            )
        elif after.name != name:
            self._notes.append(f"index {index} follows its key attribute {name} to {after.name}")
        return {"AttributeName": self._define(name), "KeyType": entry["KeyType"]}

    def _define(self, name: str) -> str:
        """The name after the transform, with its type among the definitions."""
        after = self._follow(name)
        new = after.name or name
        kind = after.type or self._source.attribute_types.get(name, "S")
        self._types.setdefault(new, kind)
        return new

    def _follow(self, name: str) -> Followed:
        return follow(self._steps, name, self._source.attribute_types.get(name))

    def _projection(
        self, index: Mapping[str, Any], schema: Sequence[Mapping[str, str]]
    ) -> dict[str, Any]:
        found = index["Projection"]
        if found.get("ProjectionType") != "INCLUDE":
            return {"ProjectionType": found["ProjectionType"]}
        # Keys are in every index; naming one beside them is refused.
        keys = {entry["AttributeName"] for entry in schema} | {key.name for key in self._keys}
        followed = [self._follow(name).name or name for name in found["NonKeyAttributes"]]
        included = [name for name in dict.fromkeys(followed) if name not in keys]
        if not included:
            return {"ProjectionType": "KEYS_ONLY"}
        return {"ProjectionType": "INCLUDE", "NonKeyAttributes": included}


def throughput(described: Mapping[str, Any], is_on_demand: bool) -> dict[str, Any]:
    """Throughput parameters of a table or a global index, as CreateTable takes them."""
    result: dict[str, Any] = {}
    if is_on_demand:
        # -1 stands for no limit [BC OnDemandThroughput].
        limits = described.get("OnDemandThroughput", {})
        kept = {name: limit for name, limit in limits.items() if limit > 0}
        if kept:
            result["OnDemandThroughput"] = kept
        free = NEW_TABLE_UNITS
    else:
        units = described["ProvisionedThroughput"]
        free = {
            "ReadUnitsPerSecond": units["ReadCapacityUnits"],
            "WriteUnitsPerSecond": units["WriteCapacityUnits"],
        }
        names = ("ReadCapacityUnits", "WriteCapacityUnits")
        result["ProvisionedThroughput"] = {name: units[name] for name in names}
    warm = described.get("WarmThroughput", {})
    if any(warm.get(name, 0) > units for name, units in free.items()):
        result["WarmThroughput"] = {
            name: max(warm.get(name, 0), units) for name, units in free.items()
        }
    return result
