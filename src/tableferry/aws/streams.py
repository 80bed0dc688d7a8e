"""A table's stream and the mapping that hands its records to the sync function."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tableferry.aws.refusals import translated
from tableferry.errors import RequestRefusedError

IMAGES = "NEW_AND_OLD_IMAGES"


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard; `is_open` while records may still be added, `parent` is read before it."""

    id: str
    parent: str | None
    is_open: bool


@dataclass(frozen=True, slots=True)
class Records:
    """One answer of GetRecords: typed records, and where to read on (None: the shard ended)."""

    records: list[dict[str, Any]]
    next_iterator: str | None


class Stream:
    """The records of one stream ARN. GetRecords answers 1 MB or 1,000 records, and may answer none
    although later ones are there [DDB:Streams].
    """

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self.arn = arn

    def status(self) -> str:
        """ENABLING, ENABLED, DISABLING or DISABLED."""
        with translated("dynamodb:DescribeStream", self.arn):
            answer = self._client.describe_stream(StreamArn=self.arn, Limit=1)
        return str(answer["StreamDescription"]["StreamStatus"])

    def shards(self) -> list[Shard]:
        found: list[Shard] = []
        request: dict[str, Any] = {"StreamArn": self.arn}
        while True:
            with translated("dynamodb:DescribeStream", self.arn):
                answer = self._client.describe_stream(**request)["StreamDescription"]
            found += [_shard(each) for each in answer["Shards"]]
            last = answer.get("LastEvaluatedShardId")
            if last is None:
                return found
            request["ExclusiveStartShardId"] = last

    def iterator(self, shard: str, after: str | None) -> str:
        """An iterator after a sequence number, or at the oldest record that is kept."""
        request = {"StreamArn": self.arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        if after is not None:
            request["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER"
            request["SequenceNumber"] = after
        with translated("dynamodb:GetShardIterator", self.arn):
            return str(self._client.get_shard_iterator(**request)["ShardIterator"])

    def read(self, iterator: str) -> Records:
        with translated("dynamodb:GetRecords", self.arn):
            answer = self._client.get_records(ShardIterator=iterator, Limit=1000)
        return Records(answer["Records"], answer.get("NextShardIterator"))


def _shard(described: dict[str, Any]) -> Shard:
    ending = described.get("SequenceNumberRange", {}).get("EndingSequenceNumber")
    return Shard(described["ShardId"], described.get("ParentShardId"), ending is None)


@dataclass(frozen=True, slots=True)
class Mapping:
    """An event source mapping: state Creating, Enabling, Enabled, Disabling, Disabled, …"""

    uuid: str
    state: str
    stream_arn: str


class Mappings:
    """The mappings of the sync function.

    One batch of a shard is applied at a time (ParallelizationFactor 1): a shard takes at most 1,000
    writes a second, and a batch of 1,000 records takes a fraction of that second. So the last
    record of an applied batch vouches for all before it in its shard (walking.py). Retries never
    end (-1), for Lambda would drop what it gave up on; what can never be applied is set aside by
    the function itself. TRIM_HORIZON, since a mapping takes minutes to start and LATEST would miss
    what is written meanwhile [LAM:with-ddb].
    """

    def __init__(self, client: Any, function_arn: str, on_failure_arn: str) -> None:
        self._client = client
        self._function = function_arn
        self._on_failure = on_failure_arn

    def create(self, stream_arn: str) -> str:
        """Creates the mapping, Enabled, or finds the one that is there; its UUID."""
        try:
            with translated("lambda:CreateEventSourceMapping", stream_arn):
                answer = self._client.create_event_source_mapping(
                    EventSourceArn=stream_arn,
                    FunctionName=self._function,
                    Enabled=True,
                    BatchSize=1000,
                    MaximumBatchingWindowInSeconds=1,
                    ParallelizationFactor=1,
                    StartingPosition="TRIM_HORIZON",
                    MaximumRetryAttempts=-1,
                    MaximumRecordAgeInSeconds=-1,
                    FunctionResponseTypes=["ReportBatchItemFailures"],
                    DestinationConfig={"OnFailure": {"Destination": self._on_failure}},
                )
        except RequestRefusedError as error:
            # A mapping of this function and stream is there: an earlier try made it.
            existing = self.of_stream(stream_arn)
            if error.code != "ResourceConflictException" or existing is None:
                raise
            return existing.uuid
        return str(answer["UUID"])

    def of_stream(self, stream_arn: str) -> Mapping | None:
        found = [each for each in self.all() if each.stream_arn == stream_arn]
        return found[0] if found else None

    def all(self) -> Sequence[Mapping]:
        """Every mapping of the sync function."""
        with translated("lambda:ListEventSourceMappings", self._function):
            pages = self._client.get_paginator("list_event_source_mappings").paginate(
                FunctionName=self._function
            )
            return [_mapping(each) for page in pages for each in page["EventSourceMappings"]]

    def get(self, uuid: str) -> Mapping | None:
        """The mapping, None where it is gone."""
        found = [each for each in self.all() if each.uuid == uuid]
        return found[0] if found else None

    def delete(self, uuid: str) -> None:
        """Begins to delete the mapping; no effect when it is gone."""
        if self.get(uuid) is None:
            return
        with translated("lambda:DeleteEventSourceMapping", uuid):
            self._client.delete_event_source_mapping(UUID=uuid)


def _mapping(described: dict[str, Any]) -> Mapping:
    return Mapping(
        uuid=described["UUID"],
        state=described["State"],
        stream_arn=described["EventSourceArn"],
    )
