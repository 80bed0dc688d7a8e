"""On-demand backups and point-in-time exports of one table."""

from typing import Any

from tableferry.aws.connections import TableConnection
from tableferry.errors import TransientError
from tableferry.ports import ExportState

# [BC CreateBackup] Another backup or restore is under way, or too many are; it passes.
_BUSY = ("BackupInUseException", "TableInUseException", "LimitExceededException")


class TableSnapshots:
    """Backups and exports of one table."""

    def __init__(self, connection: TableConnection) -> None:
        self._connection = connection
        self._client = connection.client

    def start_backup(self, name: str) -> str:
        """Begins an on-demand backup; its ARN. Raises TransientError while the table is busy."""
        with self._connection.translated("CreateBackup"):
            try:
                answer = self._client.create_backup(
                    TableName=self._connection.name, BackupName=name
                )
            except self._errors(*_BUSY) as error:
                raise TransientError(
                    f"table {self._connection.name} can not be backed up right now",
                    hint="it is tried again",
                ) from error
        return str(answer["BackupDetails"]["BackupArn"])

    def backup_status(self, arn: str) -> str:
        """CREATING, AVAILABLE or DELETED; DELETED too when there is no such backup."""
        with self._connection.translated("DescribeBackup"):
            try:
                answer = self._client.describe_backup(BackupArn=arn)
            except self._errors("BackupNotFoundException"):
                return "DELETED"
        return str(answer["BackupDescription"]["BackupDetails"]["BackupStatus"])

    def start_export(self, bucket: str, prefix: str, token: str) -> str:
        """Begins a full export; its ARN. The same token gives the same export for 8 hours [BC].

        Raises TransientError while point-in-time recovery is not ready, or too many exports run.
        """
        with self._connection.translated("ExportTableToPointInTime"):
            try:
                answer = self._client.export_table_to_point_in_time(
                    TableArn=self._connection.arn,
                    S3Bucket=bucket,
                    # Demanded where the table is in another account than the bucket [BC].
                    S3BucketOwner=self._connection.sessions.identity.account,
                    S3Prefix=prefix,
                    ClientToken=token,
                )
            except self._errors(
                "PointInTimeRecoveryUnavailableException",
                "InvalidExportTimeException",
                "LimitExceededException",
            ) as error:
                raise TransientError(
                    f"table {self._connection.name} can not be exported yet",
                    hint="it is tried again",
                ) from error
        return str(answer["ExportDescription"]["ExportArn"])

    def export_state(self, arn: str) -> ExportState:
        """How far an export is: status IN_PROGRESS, COMPLETED or FAILED."""
        with self._connection.translated("DescribeExport"):
            answer = self._client.describe_export(ExportArn=arn)
        found = answer["ExportDescription"]
        return ExportState(
            status=found["ExportStatus"],
            manifest=found.get("ExportManifest"),
            failure=": ".join(
                found[name] for name in ("FailureCode", "FailureMessage") if found.get(name)
            ),
        )

    def _errors(self, *names: str) -> tuple[Any, ...]:
        return tuple(getattr(self._client.exceptions, name) for name in names)
