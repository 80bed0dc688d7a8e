"""One segment of any work, in a process of its own: what the segment functions of the stack do."""

import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tableferry.errors import TableferryError
from tableferry.machine.ports import Machine, ports_of_process, worker_for
from tableferry.model import Work
from tableferry.runtime import Run, Runtime
from tableferry.segments.cleaning import clean_scan, clean_segment
from tableferry.segments.copying import copy_segment
from tableferry.segments.counting import count_scan, count_segment
from tableferry.segments.turns import HIBERNATION_SECONDS
from tableferry.segments.working import Scan, Worker
from tableferry.transform import Transform
from tableferry.verification.comparing_ports import (
    bucket_objects,
    copy_rules,
    digest_rules,
    partition_rules,
)
from tableferry.verification.content_verifying import Standing, segment_folder
from tableferry.verification.digesting import digest_segment
from tableferry.verification.partitions import compare_partition
from tableferry.verification.planning_comparison import partition_task
from tableferry.verification.planning_search import searched_keys
from tableferry.verification.searching import search_segment, wanted_keys

Event = dict[str, Any]


def ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the first one tells the others by the ledger."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def work_on(machine: Machine, event: Event) -> dict[str, str] | None:
    """Does the segment's work to its end; the error that ended it, as a document."""
    try:
        ports = ports_of_process(machine)
        while not (answer := _stretch(ports, event))["done"]:
            if answer["hibernate"]:
                _hibernate(ports, event)
    except TableferryError as error:
        return {"name": error.name, "cause": error.cause, "hint": error.hint}
    return None


def _stretch(ports: Runtime, event: Event) -> Event:
    run = ports.admit(event)
    work, worker = Work(event["segment"]["work"]), worker_for(ports, event)
    return worker.answer(_HANDLERS[work](ports, run, worker, event))


def _hibernate(ports: Runtime, event: Event) -> None:
    """What the state machine's Wait does; Ctrl-C is seen."""
    until = time.monotonic() + HIBERNATION_SECONDS
    while time.monotonic() < until:
        ports.admit(event)
        time.sleep(1.0)


def _copy(ports: Runtime, run: Run, worker: Worker, _event: Event) -> bool:
    segment = worker.task.segment
    quarantine = ports.artifacts.quarantine(run.spec.migration_id, "copy", segment)
    rules = replace(
        copy_rules(ports, run),
        keep=run.spec.keep,
        quarantine=quarantine if run.spec.quarantine else None,
    )
    destination = run.spec.destination
    return copy_segment(
        worker,
        rules,
        _whole_items(ports, run, is_source=True),
        destination=ports.wire(destination),
        table=destination.table_name,
    )


def _clean(ports: Runtime, run: Run, worker: Worker, _event: Event) -> bool:
    keys, condition = ports.keys(run).destination.primary, run.spec.clean_where
    where = None if condition is None else Transform.compile([{"filter": condition}])
    table = run.spec.destination
    scan = clean_scan(ports.wire(table), table.table_name, keys, where)
    return clean_segment(worker, scan, keys, where)


def _count(ports: Runtime, run: Run, worker: Worker, _event: Event) -> bool:
    is_source = worker.task.work is Work.COUNT_SOURCE
    table = run.spec.source if is_source else run.spec.destination
    transform = ports.transform(run) if is_source else None
    filtered = transform is not None and transform.has_filter
    scan = count_scan(ports.wire(table), table.table_name, filtered, consistent=True)
    return count_segment(
        worker,
        scan,
        transform if filtered else None,
        ports.keys(run).source,
        lenient=run.spec.quarantine,
    )


def _digest(ports: Runtime, run: Run, worker: Worker, _event: Event) -> bool:
    scan = _whole_items(ports, run, is_source=worker.task.work is Work.DIGEST_SOURCE)
    folder = segment_folder(bucket_objects(ports), worker.task)
    return digest_segment(worker, scan, digest_rules(ports, run, worker), folder)


def _compare(ports: Runtime, run: Run, worker: Worker, event: Event) -> bool:
    objects = bucket_objects(ports)
    task = partition_task(run.steps, objects, run.name, event["segment"])
    return compare_partition(worker, task, partition_rules(ports, run), objects)


def _search(ports: Runtime, run: Run, worker: Worker, _event: Event) -> bool:
    objects = bucket_objects(ports)
    standing = Standing.of(run.steps, run.name)
    return search_segment(
        worker,
        _whole_items(ports, run, is_source=True),
        copy_rules(ports, run),
        wanted=wanted_keys(searched_keys(objects, run.name, standing)),
        folder=segment_folder(objects, worker.task),
        lenient=run.spec.quarantine,
    )


def _whole_items(ports: Runtime, run: Run, *, is_source: bool) -> Scan:
    table = run.spec.source if is_source else run.spec.destination
    return Scan(ports.wire(table), table.table_name, {"ConsistentRead": True})


_HANDLERS: dict[Work, Callable[[Runtime, Run, Worker, Event], bool]] = {
    Work.COPY: _copy,
    Work.CLEAN: _clean,
    Work.COUNT_SOURCE: _count,
    Work.COUNT_DESTINATION: _count,
    Work.DIGEST_SOURCE: _digest,
    Work.DIGEST_DESTINATION: _digest,
    Work.COMPARE: _compare,
    Work.SEARCH: _search,
}
