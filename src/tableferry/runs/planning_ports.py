"""Planning a run's work with the runtime's ports: the same in the stack and in `tableferry run`."""

from typing import Any

from tableferry.model import Phase, Work
from tableferry.runs.closing import enter_phase
from tableferry.runtime import Run, Runtime
from tableferry.segments.listing import cut, plan_work
from tableferry.table_facts import TableFacts
from tableferry.verification.planning_reading import copied_segments, plan_reading


def described_tables(ports: Runtime, run: Run) -> tuple[TableFacts, TableFacts]:
    """Source and destination as they are now; their keys are remembered for the workers."""
    source = ports.tables.table(run.spec.source, "source").describe()
    destination = ports.tables.table(run.spec.destination, "destination").describe()
    ports.remember_keys(run, source=source, destination=destination)
    return source, destination


def open_cleaning(ports: Runtime, run: Run) -> dict[str, Any]:
    """Cuts the destination into segments to clean, and opens the cleaning."""
    table = ports.tables.table(run.spec.destination, "destination").describe()
    ports.remember_keys(run, destination=table)
    cuts = {Work.CLEAN: cut(run.spec.document, table.items, table.size_bytes)}
    planned = plan_work(run.steps, ports.artifacts, run.name, "cleaning", cuts=cuts)
    enter_phase(ports.ledger, run.control, Phase.CLEANING)
    return planned


def open_copy(ports: Runtime, run: Run, source: TableFacts) -> dict[str, Any]:
    """Cuts the source into scan segments, and opens the copy."""
    cuts = {Work.COPY: cut(run.spec.document, source.items, source.size_bytes)}
    planned = plan_work(run.steps, ports.artifacts, run.name, "copying", cuts=cuts)
    enter_phase(ports.ledger, run.control, Phase.COPYING)
    return planned


def open_reading(ports: Runtime, run: Run) -> dict[str, Any]:
    """Cuts both tables into segments to read."""
    tables = described_tables(ports, run)
    if run.spec.compares_content:
        sides = {"source": run.spec.source, "destination": run.spec.destination}
        expiry = {
            side: ports.tables.options(address, side).ttl_attribute()
            for side, address in sides.items()
        }
        run.steps.record_step(run.name, "expiry", expiry)
    return plan_reading(
        run.steps,
        ports.artifacts,
        run.name,
        run.spec,
        tables=tables,
        copied_segments=copied_segments(ports.ledger.record(run.spec.migration_id), run.spec),
    )
