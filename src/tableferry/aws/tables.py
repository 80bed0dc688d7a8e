"""One table: its description, its creation, its tags, and a look at its items."""

from collections.abc import Mapping
from typing import Any

from botocore.validate import ParamValidator

from tableferry.addresses import Place
from tableferry.aws.connections import TableConnection
from tableferry.errors import TransientError
from tableferry.items import WireItem, from_typed
from tableferry.table_facts import TableFacts


class Table:
    """A source or destination table; every call raises what `translated` raises."""

    def __init__(self, connection: TableConnection) -> None:
        self._connection = connection
        self._client = connection.client

    @property
    def name(self) -> str:
        return self._connection.name

    @property
    def place(self) -> Place:
        return self._connection.place

    def describe(self) -> TableFacts:
        with self._connection.translated("DescribeTable"):
            answer = self._client.describe_table(TableName=self.name)
        return TableFacts.from_description(answer["Table"])

    def turn_on_stream(self) -> None:
        """Begins to capture both images of every change; no effect when it is on by now."""
        with self._connection.translated("UpdateTable"):
            try:
                self._client.update_table(
                    TableName=self.name,
                    StreamSpecification={
                        "StreamEnabled": True,
                        "StreamViewType": "NEW_AND_OLD_IMAGES",
                    },
                )
            except self._client.exceptions.ResourceInUseException as error:
                raise TransientError(
                    f"table {self.name} is being changed", hint="it is tried again"
                ) from error

    def tags(self) -> dict[str, str]:
        """The table's tags by key."""
        found: dict[str, str] = {}
        request: dict[str, Any] = {"ResourceArn": self._connection.arn}
        while True:
            with self._connection.translated("ListTagsOfResource"):
                answer = self._client.list_tags_of_resource(**request)
            found |= {tag["Key"]: tag["Value"] for tag in answer.get("Tags", ())}
            if not answer.get("NextToken"):
                return found
            request["NextToken"] = answer["NextToken"]

    def create(self, parameters: Mapping[str, Any]) -> bool:
        """Begins to create the table; False when there is one of that name already.

        Raises TransientError while AWS makes another: one with indexes at a time [BC CreateTable].
        """
        with self._connection.translated("CreateTable"):
            try:
                self._client.create_table(**{**parameters, "TableName": self.name})
            except self._client.exceptions.ResourceInUseException:
                return False
            except self._client.exceptions.LimitExceededException as error:
                raise TransientError(
                    f"too many tables are being created beside {self.name}",
                    hint="it is tried again",
                ) from error
        return True

    def creation_faults(self, parameters: Mapping[str, Any]) -> list[str]:
        """What the API's own model finds wrong in CreateTable parameters; makes no request."""
        model = self._client.meta.service_model.operation_model("CreateTable")
        shape = model.input_shape
        report = ParamValidator().validate({**parameters, "TableName": self.name}, shape)
        if report.has_errors():
            return list(report.generate_report().splitlines())
        return _unknown_words(parameters, shape, "")

    def sample(self, limit: int) -> tuple[list[WireItem], bool]:
        """The first items of a consistent scan, a page (1 MB) at most, and whether that is all."""
        with self._connection.translated("Scan"):
            answer = self._client.scan(TableName=self.name, ConsistentRead=True, Limit=limit)
        return [from_typed(item) for item in answer["Items"]], "LastEvaluatedKey" not in answer

    def sample_places(self, places: int, limit: int) -> list[WireItem]:
        """The first items of each of so many equal parts of key space but the first, `limit` of
        each at most.
        """
        found: list[WireItem] = []
        for segment in range(1, places + 1):
            with self._connection.translated("Scan"):
                answer = self._client.scan(
                    TableName=self.name,
                    ConsistentRead=True,
                    Limit=limit,
                    Segment=segment,
                    TotalSegments=places + 1,
                )
            found += [from_typed(item) for item in answer["Items"]]
        return found

    def is_empty(self) -> bool:
        """Whether the table holds no item, by a consistent read."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "ConsistentRead": True,
            "Limit": 1,
            "Select": "COUNT",
        }
        # A page may be empty and yet not be the last [BC Scan].
        while True:
            with self._connection.translated("Scan"):
                answer = self._client.scan(**request)
            if answer["Count"]:
                return False
            if "LastEvaluatedKey" not in answer:
                return True
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _unknown_words(value: Any, shape: Any, path: str) -> list[str]:
    """Texts that are not among those which the API lists there; botocore leaves them to AWS."""
    if shape.type_name == "structure":
        members = [(f"{path}.{name}", value[name], shape.members[name]) for name in value]
        return [fault for at, each, inner in members for fault in _unknown_words(each, inner, at)]
    if shape.type_name == "list":
        listed = enumerate(value)
        return [
            fault
            for i, each in listed
            for fault in _unknown_words(each, shape.member, f"{path}[{i}]")
        ]
    known = getattr(shape, "enum", None)
    if not known or value in known:
        return []
    return [f"{path.removeprefix('.')} is {value!r}, which is none of {', '.join(known)}"]
