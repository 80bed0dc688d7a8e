"""What each function of the stack does in a run, as IAM spells it: data, and nothing else.

`when` is a trait of the run that was asked for (`traits_of`). `on` says what it is done to:

* source, destination: the table; source-stream, …-backup, …-export, …-index: what belongs to it
* ledger, machine, executions, functions: the stack's own
* bucket:PREFIX: objects in the artifacts bucket
* source-key, destination-key: the table's own KMS key, where it has or will have one

Where the spec names a role for a table, what is done to it is that role's, and the function needs
to assume it.

Not in it, because their policies stand under a condition on the sync function that a simulation
knows nothing of: lambda:CreateEventSourceMapping and lambda:DeleteEventSourceMapping. A structure
test holds this table against the template.
"""

from collections.abc import Iterator, Mapping
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


_LEDGER = (
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
_INSERT = ("dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:PutItem")
_CHANGE = ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
_SYNC = ("dynamodb:BatchWriteItem", "dynamodb:DeleteItem")
_EXPORT = ("dynamodb:ExportTableToPointInTime", "dynamodb:UpdateContinuousBackups")
_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
_KEEP = ("s3:GetObject", "s3:PutObject")
_SCAN = ("dynamodb:Scan",)
_GET = ("dynamodb:BatchGetItem",)
_DECRYPT = ("kms:Decrypt",)
_INSIGHTS = ("dynamodb:UpdateContributorInsights",)
_CLONE_KEY = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey")

# Who reads and writes the ledger, by the trait of the run that brings it in.
_IN_LEDGER: Mapping[str, tuple[str, ...]] = {
    "always": ("record_outcome",),
    "asks": ("request_approval",),
    "undoes": ("back_up_destination",),
    "cleans": ("plan_cleaning", "clean_segment", "settle_cleaning"),
    "copies": (
        "prepare_destination",
        "plan_segments",
        "copy_segment",
        "clean_up",
        "finish_destination",
    ),
    "live": (
        "start_sync",
        "sync_changes",
        "open_sweep",
        "sweep_segment",
        "finish_sweep",
        "mend_dirty_items",
        "drain_sync",
    ),
    "counts": ("plan_verification", "count_segment", "compare_tables"),
    "verifies": (
        "plan_verification",
        "digest_segment",
        "plan_comparison",
        "compare_partition",
        "compare_tables",
        "plan_search",
        "search_segment",
    ),
    "repairs": ("plan_repair", "repair_partition"),
    "snapshots": ("snapshot_source",),
    "exports": ("snapshot_source",),
}
# Who reads items of a table, which takes its key where it has one of the customer's.
_READERS: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "cleans": (("clean_segment", "destination", _SCAN),),
    "copies": (("copy_segment", "source", _SCAN),),
    "live": (
        ("sweep_segment", "destination", _SCAN),
        ("mend_dirty_items", "source", _GET),
        ("mend_dirty_items", "destination", _GET),
        ("drain_sync", "source", _GET),
        ("drain_sync", "destination", _GET),
    ),
    "counts": (
        ("count_segment", "source", _SCAN),
        ("count_segment", "destination", _SCAN),
    ),
    "verifies": (
        ("digest_segment", "source", _SCAN),
        ("digest_segment", "destination", _SCAN),
        ("compare_partition", "source", _GET),
        ("compare_partition", "destination", _GET),
        ("search_segment", "source", _SCAN),
    ),
    "repairs": (
        ("repair_partition", "source", _GET),
        ("repair_partition", "destination", _GET),
    ),
}


def _readers() -> Iterator[Need]:
    for when, readers in _READERS.items():
        for function, side, actions in readers:
            yield Need(when, function, side, actions)
            yield Need(when, function, f"{side}-key", _DECRYPT)


NEEDS: tuple[Need, ...] = (
    # the machine
    Need("always", MACHINE, "functions", ("lambda:InvokeFunction",)),
    Need("always", MACHINE, "machine", ("states:StartExecution",)),
    Need("always", MACHINE, "executions", ("states:DescribeExecution", "states:RedriveExecution")),
    Need("always", MACHINE, "bucket:runs/", ("s3:GetObject",)),
    Need("always", MACHINE, "bucket:results/", ("s3:PutObject",)),
    Need("always", "record_outcome", "bucket:outcomes/", ("s3:PutObject",)),
    *(
        Need(when, function, "ledger", _LEDGER)
        for when, names in _IN_LEDGER.items()
        for function in names
    ),
    *_readers(),
    # the destination comes to be
    Need("creates", "prepare_destination", "destination", ("dynamodb:CreateTable",)),
    Need("creates", "prepare_destination", "destination", ("dynamodb:TagResource",)),
    Need("creates", "prepare_destination", "destination-key", _CLONE_KEY),
    Need("clones policy", "prepare_destination", "destination", ("dynamodb:PutResourcePolicy",)),
    Need(
        "clones recovery",
        "prepare_destination",
        "destination",
        ("dynamodb:UpdateContinuousBackups",),
    ),
    Need("clones insights", "prepare_destination", "destination", _INSIGHTS),
    Need("clones insights", "prepare_destination", "destination-index", _INSIGHTS),
    Need("clones expiry", "finish_destination", "destination", ("dynamodb:UpdateTimeToLive",)),
    # undo
    Need("undoes", "back_up_destination", "destination", ("dynamodb:CreateBackup",)),
    Need("undoes", "back_up_destination", "destination-backup", ("dynamodb:DescribeBackup",)),
    # clean
    Need("cleans", "plan_cleaning", "bucket:runs/", ("s3:PutObject",)),
    Need("cleans", "clean_segment", "destination", _SYNC),
    # copy
    Need("copies", "plan_segments", "bucket:runs/", ("s3:PutObject",)),
    Need("copies", "copy_segment", "destination-key", _DECRYPT),
    Need("overwrites", "copy_segment", "destination", ("dynamodb:BatchWriteItem",)),
    Need("inserts", "copy_segment", "destination", _INSERT),
    Need("keeps", "copy_segment", "bucket:skipped/", ("s3:PutObject",)),
    Need("quarantines", "copy_segment", "bucket:quarantine/", ("s3:PutObject",)),
    # live
    Need("live", "start_sync", "source", ("dynamodb:UpdateTable",)),
    Need("live", "start_sync", "source-stream", _STREAM),
    Need("live", "sync_changes", "source-stream", _STREAM),
    Need("live", "sync_changes", "destination", _SYNC),
    Need("live", "sync_changes", "destination-key", _DECRYPT),
    Need("live", "sync_changes", "bucket:quarantine/", ("s3:PutObject",)),
    Need("live", "open_sweep", "bucket:runs/", ("s3:PutObject",)),
    Need("live", "sweep_segment", "destination", ("dynamodb:DeleteItem",)),
    Need("live", "mend_dirty_items", "destination", _CHANGE),
    Need("live", "drain_sync", "source-stream", _STREAM),
    # verification
    Need("counts", "plan_verification", "bucket:runs/", ("s3:PutObject",)),
    Need("verifies", "plan_verification", "bucket:runs/", ("s3:PutObject",)),
    Need("verifies", "digest_segment", "bucket:digests/", _KEEP),
    Need("verifies", "plan_comparison", "bucket:runs/", ("s3:PutObject",)),
    Need("verifies", "plan_comparison", "bucket:digests/", _KEEP),
    Need("verifies", "compare_partition", "bucket:digests/", _KEEP),
    Need("watches", "compare_partition", "source-stream", _STREAM),
    Need("verifies", "compare_tables", "bucket:digests/", ("s3:GetObject",)),
    Need("verifies", "compare_tables", "bucket:outcomes/", ("s3:PutObject",)),
    Need("verifies", "plan_search", "bucket:runs/", ("s3:PutObject",)),
    Need("verifies", "search_segment", "bucket:digests/", _KEEP),
    Need("repairs", "plan_repair", "bucket:runs/", ("s3:PutObject",)),
    Need("repairs", "repair_partition", "destination", _CHANGE),
    Need("repairs", "repair_partition", "bucket:digests/", _KEEP),
    # the snapshot of the source
    Need("snapshots", "snapshot_source", "source", ("dynamodb:CreateBackup",)),
    Need("snapshots", "snapshot_source", "source-backup", ("dynamodb:DescribeBackup",)),
    Need("exports", "snapshot_source", "source", _EXPORT),
    Need("exports", "snapshot_source", "source-export", ("dynamodb:DescribeExport",)),
    Need("exports", "snapshot_source", "bucket:snapshots/", ("s3:PutObject",)),
)
