"""What verification by content works with in the deployed stack, made of the runtime's ports."""

import time
from typing import Any

from tableferry.aws.objects import BucketObjects
from tableferry.following import follow
from tableferry.model import Work
from tableferry.repair.repair_work import RepairTask
from tableferry.repair.repairing import RepairRules
from tableferry.runtime import Run, Runtime
from tableferry.segments.copying import CopyRules
from tableferry.segments.marks import marks_of_copy
from tableferry.segments.working import Worker
from tableferry.verification.candidates import Leniency, NothingIsSynchronised, WatchList
from tableferry.verification.digesting import DigestRules
from tableferry.verification.expiry import Expiry
from tableferry.verification.partitions import PartitionRules
from tableferry.verification.planning_reading import copied_segments
from tableferry.verification.rereading import BothItems, ItemReader
from tableferry.verification.source_keys import SourceKeyTeller


def bucket_objects(ports: Runtime) -> BucketObjects:
    return BucketObjects(ports.sessions.client("s3"), ports.settings.artifacts_bucket)


def copy_rules(ports: Runtime, run: Run) -> CopyRules:
    """What the source's items become; nothing is written by these."""
    keys = ports.keys(run)
    return CopyRules(
        transform=ports.transform(run),
        source_key=keys.source,
        destination=keys.destination,
        keep=False,
        quarantine=None,
        live=run.spec.live,
    )


def digest_rules(ports: Runtime, run: Run, worker: Worker) -> DigestRules:
    """How the worker's segment is digested; for the source, as the run's transform makes it."""
    keys = ports.keys(run)
    if worker.task.work is Work.DIGEST_DESTINATION:
        return DigestRules(keys.destination.primary)
    marks = {}
    if (
        copied_segments(ports.ledger.record(run.spec.migration_id), run.spec)
        == worker.task.segments
    ):
        objects = bucket_objects(ports)
        marks = marks_of_copy(objects, run.spec.migration_id, worker.task.segment, keys.source)
    copy = copy_rules(ports, run)
    return DigestRules(keys.source, copy, lenient=run.spec.quarantine, marks=marks)


def partition_rules(
    ports: Runtime, run: Run, watch_list: WatchList | None = None
) -> PartitionRules:
    """How this run's candidates are read again and judged."""
    return PartitionRules(
        both=lambda worker: both_items(ports, run, worker),
        leniency=Leniency(run.spec.keep),
        watch_list=watch_list or NothingIsSynchronised(),
    )


def repair_task(ports: Runtime, run: Run, segment: dict[str, Any]) -> RepairTask:
    """The repair of one partition, as the Map hands it out."""
    destination, keys = run.spec.destination, ports.keys(run).destination.primary
    return RepairTask(
        inputs=segment["inputs"],
        prefix=segment["prefix"],
        rules=RepairRules(destination.table_name, keys, run.spec.delete_extras),
        both=lambda worker: both_items(ports, run, worker),
        client=ports.wire(destination),
    )


def both_items(ports: Runtime, run: Run, worker: Worker) -> BothItems:
    """Both tables by key, for one invocation's worker."""
    keys, spec = ports.keys(run), run.spec
    expiry = run.record["steps"]["expiry"]
    source_attribute = expiry["source"]
    carried = follow(spec.transform, source_attribute).name if source_attribute else None
    retrier, pool = worker.retrier, worker.pool
    return BothItems(
        source=ItemReader(
            ports.wire(spec.source), spec.source.table_name, keys.source, retrier, pool
        ),
        destination=ItemReader(
            ports.wire(spec.destination),
            spec.destination.table_name,
            keys.destination.primary,
            retrier,
            pool,
        ),
        transform=ports.transform(run),
        keys=keys.destination,
        source_expiry=Expiry.of([source_attribute]),
        destination_expiry=Expiry.of([carried, expiry["destination"]]),
        teller=SourceKeyTeller.of(spec.transform, keys.source),
        lenient=spec.quarantine,
        now=time.time,
    )
