"""What each function of the stack does in a run, as IAM spells it: data, and nothing else.

`when` is a trait of the run that was asked for (`traits_of`). `on` says what it is done to:

* source, destination: the table; source-stream, …-backup, …-export, …-index: what belongs to it
* ledger, machine, executions, functions: the stack's own
* bucket:PREFIX: objects in the artifacts bucket
* source-key, destination-key: the table's own KMS key, where it has one

Not in it, because their policies stand under a condition on the sync function that a simulation
knows nothing of: lambda:CreateEventSourceMapping and lambda:DeleteEventSourceMapping. A structure
test holds this table against the template.
"""

from dataclasses import dataclass

# The state machine's own role.
MACHINE = "migrate"


@dataclass(frozen=True, slots=True)
class Need:
    """Actions that the role of `function` (a folder of functions/) needs in runs with a trait."""

    when: str
    function: str
    on: str
    actions: tuple[str, ...]


_LEDGER = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")
_INSERT = ("dynamodb:PartiQLInsert", "dynamodb:PutItem")
_REPAIR = ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
_EXPORT = ("dynamodb:ExportTableToPointInTime", "dynamodb:UpdateContinuousBackups")
_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")

NEEDS: tuple[Need, ...] = (
    # the machine
    Need("always", MACHINE, "functions", ("lambda:InvokeFunction",)),
    Need("always", MACHINE, "machine", ("states:StartExecution",)),
    Need("always", MACHINE, "executions", ("states:DescribeExecution", "states:RedriveExecution")),
    Need("always", MACHINE, "bucket:runs/", ("s3:GetObject",)),
    Need("always", MACHINE, "bucket:results/", ("s3:PutObject",)),
    Need("always", "record_outcome", "bucket:outcomes/", ("s3:PutObject",)),
    Need("always", "record_outcome", "ledger", _LEDGER),
    # the destination comes to be
    Need("creates", "prepare_destination", "destination", ("dynamodb:CreateTable",)),
    Need("creates", "prepare_destination", "destination", ("dynamodb:TagResource",)),
    Need("clones policy", "prepare_destination", "destination", ("dynamodb:PutResourcePolicy",)),
    Need(
        "clones recovery",
        "prepare_destination",
        "destination",
        ("dynamodb:UpdateContinuousBackups",),
    ),
    Need(
        "clones insights",
        "prepare_destination",
        "destination",
        ("dynamodb:UpdateContributorInsights",),
    ),
    Need("clones expiry", "finish_destination", "destination", ("dynamodb:UpdateTimeToLive",)),
    # undo
    Need("undoes", "back_up_destination", "destination", ("dynamodb:CreateBackup",)),
    Need("undoes", "back_up_destination", "destination-backup", ("dynamodb:DescribeBackup",)),
    # clean
    Need("cleans", "plan_cleaning", "bucket:runs/", ("s3:PutObject",)),
    Need("cleans", "clean_segment", "destination", ("dynamodb:Scan", "dynamodb:BatchWriteItem")),
    Need("cleans", "clean_segment", "destination", ("dynamodb:DeleteItem",)),
    Need("cleans", "clean_segment", "destination-key", ("kms:Decrypt",)),
    Need("cleans", "clean_segment", "ledger", _LEDGER),
    # copy
    Need("copies", "plan_segments", "bucket:runs/", ("s3:PutObject",)),
    Need("copies", "copy_segment", "source", ("dynamodb:Scan",)),
    Need("copies", "copy_segment", "source-key", ("kms:Decrypt",)),
    Need("copies", "copy_segment", "destination-key", ("kms:Decrypt",)),
    Need("copies", "copy_segment", "ledger", _LEDGER),
    Need("overwrites", "copy_segment", "destination", ("dynamodb:BatchWriteItem",)),
    Need("inserts", "copy_segment", "destination", _INSERT),
    Need("inserts", "copy_segment", "destination", ("dynamodb:BatchGetItem",)),
    Need("quarantines", "copy_segment", "bucket:quarantine/", ("s3:PutObject",)),
    # live
    Need("live", "start_sync", "source", ("dynamodb:UpdateTable",)),
    Need("live", "start_sync", "source-stream", _STREAM),
    Need("live", "sync_changes", "source-stream", _STREAM),
    Need("live", "sync_changes", "destination", ("dynamodb:BatchWriteItem", "dynamodb:DeleteItem")),
    Need("live", "sync_changes", "bucket:quarantine/", ("s3:PutObject",)),
    Need("live", "sync_changes", "destination-key", ("kms:Decrypt",)),
    Need("live", "sync_changes", "ledger", _LEDGER),
    Need("live", "sweep_segment", "destination", ("dynamodb:Scan", "dynamodb:DeleteItem")),
    Need("live", "sweep_segment", "ledger", _LEDGER),
    Need("live", "drain_sync", "source-stream", _STREAM),
    # verification
    Need("counts", "plan_verification", "bucket:runs/", ("s3:PutObject",)),
    Need("counts", "count_segment", "source", ("dynamodb:Scan",)),
    Need("counts", "count_segment", "destination", ("dynamodb:Scan",)),
    Need("counts", "count_segment", "source-key", ("kms:Decrypt",)),
    Need("counts", "count_segment", "ledger", _LEDGER),
    Need("verifies", "digest_segment", "source", ("dynamodb:Scan",)),
    Need("verifies", "digest_segment", "destination", ("dynamodb:Scan",)),
    Need("verifies", "digest_segment", "source-key", ("kms:Decrypt",)),
    Need("verifies", "digest_segment", "bucket:digests/", ("s3:GetObject", "s3:PutObject")),
    Need("verifies", "digest_segment", "ledger", _LEDGER),
    Need("verifies", "compare_partition", "source", ("dynamodb:BatchGetItem",)),
    Need("verifies", "compare_partition", "destination", ("dynamodb:BatchGetItem",)),
    Need("verifies", "compare_partition", "bucket:digests/", ("s3:GetObject", "s3:PutObject")),
    Need("verifies", "compare_partition", "ledger", _LEDGER),
    Need("verifies", "compare_tables", "bucket:outcomes/", ("s3:PutObject",)),
    Need("verifies", "search_segment", "source", ("dynamodb:Scan",)),
    Need("repairs", "repair_partition", "destination", _REPAIR),
    Need("repairs", "repair_partition", "destination-key", ("kms:Decrypt",)),
    Need("repairs", "repair_partition", "ledger", _LEDGER),
    # the snapshot of the source
    Need("snapshots", "snapshot_source", "source", ("dynamodb:CreateBackup",)),
    Need("snapshots", "snapshot_source", "source-backup", ("dynamodb:DescribeBackup",)),
    Need("exports", "snapshot_source", "source", _EXPORT),
    Need("exports", "snapshot_source", "source-export", ("dynamodb:DescribeExport",)),
    Need("exports", "snapshot_source", "bucket:snapshots/", ("s3:PutObject",)),
)
