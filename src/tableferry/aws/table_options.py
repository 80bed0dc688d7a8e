"""What belongs to a table beside DescribeTable: read all of it, set what a clone carries."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from tableferry.aws.connections import TableConnection
from tableferry.aws.refusals import translated
from tableferry.errors import (
    RequestRefusedError,
    TableferryError,
    TransientError,
    UnreachableError,
)
from tableferry.table_facts import Recovery, TableFacts, TableSettings

Answer = TypeVar("Answer")


class TableOptions:
    """The settings of one table that have calls of their own."""

    def __init__(self, connection: TableConnection) -> None:
        self._connection = connection
        self._client = connection.client
        self._name = connection.name

    # --- reading ---

    def read(self, facts: TableFacts) -> TableSettings:
        """All settings; what may not or can not be read is named in `unread`, and is no error.

        Raises UnreachableError and TransientError, which a later try mends.
        """
        unread: list[str] = []

        def tried(what: str, call: Callable[[], Answer], otherwise: Answer) -> Answer:
            try:
                return call()
            except (UnreachableError, TransientError):
                raise
            except TableferryError as error:
                unread.append(f"{what} ({error.cause})")
                return otherwise

        indexes = ["", *(each.name for each in facts.indexes if not each.is_local)]
        return TableSettings(
            ttl_attribute=tried("time to live", self.ttl_attribute, None),
            recovery=tried("point-in-time recovery", self.recovery, Recovery(is_on=False)),
            insights={
                index: mode
                for index in indexes
                if (mode := tried(_insights_of(index), partial(self.insights, index), None))
                is not None
            },
            policy=tried("the resource policy", lambda: self.policy(facts.arn), None),
            stream_policy=tried("the stream's policy", lambda: self.policy(facts.stream_arn), None),
            kinesis_streams=tried("Kinesis destinations", self.kinesis_streams, ()),
            is_scaled=not facts.is_on_demand and tried("auto scaling", self.is_scaled, False),
            is_key_of_aws=tried("the KMS key", lambda: self.is_key_of_aws(facts), None),
            unread=tuple(unread),
        )

    def ttl_attribute(self) -> str | None:
        """The attribute of an enabled time to live."""
        answer = self._call("DescribeTimeToLive", "describe_time_to_live", TableName=self._name)
        found = answer["TimeToLiveDescription"]
        is_on = found.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
        return str(found["AttributeName"]) if is_on else None

    def recovery(self) -> Recovery:
        """Point-in-time recovery: its own status, for ContinuousBackupsStatus is always ENABLED."""
        answer = self._call(
            "DescribeContinuousBackups", "describe_continuous_backups", TableName=self._name
        )
        found = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        is_on = found.get("PointInTimeRecoveryStatus") == "ENABLED"
        return Recovery(is_on, found.get("RecoveryPeriodInDays") if is_on else None)

    def insights(self, index: str = "") -> str | None:
        """The mode of Contributor Insights on the table or an index; "" where AWS names none."""
        on_index = {"IndexName": index} if index else {}
        answer = self._call(
            "DescribeContributorInsights",
            "describe_contributor_insights",
            TableName=self._name,
            **on_index,
        )
        is_on = answer.get("ContributorInsightsStatus") in {"ENABLED", "ENABLING"}
        return str(answer.get("ContributorInsightsMode", "")) if is_on else None

    def policy(self, arn: str | None) -> str | None:
        """The resource policy of the table or its stream, as JSON text."""
        if arn is None:
            return None
        try:
            answer = self._call("GetResourcePolicy", "get_resource_policy", ResourceArn=arn)
        except RequestRefusedError as error:
            if error.code == "PolicyNotFoundException":
                return None
            raise
        return str(answer["Policy"])

    def kinesis_streams(self) -> tuple[str, ...]:
        """The ARNs of Kinesis streams that the table's changes go to."""
        answer = self._call(
            "DescribeKinesisStreamingDestination",
            "describe_kinesis_streaming_destination",
            TableName=self._name,
        )
        return tuple(
            each["StreamArn"]
            for each in answer.get("KinesisDataStreamDestinations", ())
            if each.get("DestinationStatus") in {"ACTIVE", "ENABLING", "UPDATING"}
        )

    def is_scaled(self) -> bool:
        """Whether Application Auto Scaling changes the table's capacity."""
        address = self._connection.address
        client = self._connection.sessions.table_client(address, "application-autoscaling")
        resource = f"table/{self._name}"
        with translated("application-autoscaling:DescribeScalableTargets", resource):
            answer = client.describe_scalable_targets(
                ServiceNamespace="dynamodb", ResourceIds=[resource]
            )
        return bool(answer.get("ScalableTargets"))

    def is_key_of_aws(self, facts: TableFacts) -> bool | None:
        """Whether the table's KMS key is AWS's own for DynamoDB; None where there is no key."""
        key = facts.description.get("SSEDescription", {}).get("KMSMasterKeyArn")
        if key is None:
            return None
        client = self._connection.sessions.table_client(self._connection.address, "kms")
        with translated("kms:DescribeKey", str(key), parameter="TableKeyArnPattern"):
            answer = client.describe_key(KeyId=key)
        return bool(answer["KeyMetadata"].get("KeyManager") == "AWS")

    # --- setting: each leaves what is already so ---

    def set_recovery(self, wanted: Recovery) -> None:
        """Turns point-in-time recovery on (with its window) or off."""
        specification: dict[str, Any] = {"PointInTimeRecoveryEnabled": wanted.is_on}
        if wanted.is_on and wanted.days is not None:
            specification["RecoveryPeriodInDays"] = wanted.days
        try:
            self._call(
                "UpdateContinuousBackups",
                "update_continuous_backups",
                TableName=self._name,
                PointInTimeRecoverySpecification=specification,
            )
        except RequestRefusedError as error:
            # A new table's backups are being set up [BC UpdateContinuousBackups].
            if error.code == "ContinuousBackupsUnavailableException":
                raise TransientError(error.cause, hint="it is tried again") from error
            raise

    def turn_on_ttl(self, attribute: str) -> None:
        """Turns time to live on; once an hour at most [BC UpdateTimeToLive]."""
        if self.ttl_attribute() == attribute:
            return
        self._call(
            "UpdateTimeToLive",
            "update_time_to_live",
            TableName=self._name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute},
        )

    def turn_on_insights(self, index: str, mode: str) -> None:
        """Turns Contributor Insights on for the table ("") or an index; `mode` may be empty."""
        if self.insights(index) is not None:
            return
        request = {"TableName": self._name, "ContributorInsightsAction": "ENABLE"}
        request |= {"IndexName": index} if index else {}
        request |= {"ContributorInsightsMode": mode} if mode else {}
        self._call("UpdateContributorInsights", "update_contributor_insights", **request)

    def put_policy(self, policy: str) -> None:
        """Sets the table's resource policy; 15 s between changes [DDB:rbac-considerations]."""
        arn = self._connection.arn
        if self.policy(arn) != policy:
            self._call("PutResourcePolicy", "put_resource_policy", ResourceArn=arn, Policy=policy)

    def _call(self, action: str, method: str, **request: Any) -> Any:
        with self._connection.translated(action):
            return getattr(self._client, method)(**request)


def _insights_of(index: str) -> str:
    return f"Contributor Insights of index {index}" if index else "Contributor Insights"
