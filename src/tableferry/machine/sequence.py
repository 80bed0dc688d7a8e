"""The states of a copying migration in their order, in this process: what the state machine does.

Each may be run again at any time and goes on from the ledger, so a run that was killed is
continued by running the same spec again.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tableferry.checking.validating import validate_migration
from tableferry.destination.preparing import finish_destination, prepare_destination
from tableferry.machine.ports import Machine
from tableferry.model import Phase
from tableferry.runs.claiming import Others, claim_run, claimed
from tableferry.runs.closing import enter_phase, settle_leases
from tableferry.runs.planning_ports import (
    described_tables,
    open_cleaning,
    open_copy,
    open_reading,
)
from tableferry.runtime import Run, Runtime
from tableferry.snapshots.snapshotting import snapshot_source
from tableferry.snapshots.undo import back_up_destination
from tableferry.spec import MigrationSpec
from tableferry.transform import Transform
from tableferry.verification.comparing_ports import bucket_objects
from tableferry.verification.content_verifying import COMPARE, DONE, READ, SEARCH
from tableferry.verification.planning_comparison import plan_comparison
from tableferry.verification.planning_search import plan_search
from tableferry.verification.verifying import compare_contents, compare_counted_tables


class SegmentRunner(Protocol):
    """Runs all segments of a list; raises what the first that failed says."""

    def run(self, segments: list[dict[str, Any]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Sequence:
    """One migration's way through its states."""

    ports: Runtime
    machine: Machine
    spec: MigrationSpec
    runner: SegmentRunner
    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def run(self) -> None:
        """All of it; raises what ended it."""
        self._claim()
        self._until("ready", self._prepare)
        self._until("done", self._back_up)
        if self.spec.clean_destination:
            self._clean()
        self._copy()
        if self.spec.verify != "none":
            self._verify()
        if self.spec.snapshot != "none":
            self._until("done", self._snapshot)
        finish_destination(
            self._admit().steps,
            self.spec.migration_id,
            self.ports.tables.options(self.spec.destination, "destination"),
        )

    def _admit(self) -> Run:
        event = {"migration": {"run": self.spec.migration_id, "owner": self.machine.owner}}
        return self.ports.admit(event)

    def _until(self, name: str, step: Callable[[], Mapping[str, Any]]) -> None:
        """Does the step again until it says so, after the time that it asks for."""
        while not (answer := step())[name]:
            self.say(f"waiting {answer['waitSeconds']} s")
            self.sleep(answer["waitSeconds"])

    def _claim(self) -> None:
        ports, spec = self.ports, self.spec
        if ports.ledger.control(spec.migration_id) is None:
            found = validate_migration(spec, spec.migration_id, ports.tables, ports.ledger_place)
            for warning in found.warnings:
                self.say(f"warning: {warning}")
        control = claimed(
            spec.migration_id, self.machine.owner, str(ports.sessions.place_of(spec.destination))
        )
        facts = {"transformFingerprint": Transform.compile(spec.transform).fingerprint}
        others = Others(ports.executions, ports.checkpoints, 0.0)
        claim_run(ports.ledger, others, spec, control, facts=facts)

    def _prepare(self) -> Mapping[str, Any]:
        run = self._admit()
        return prepare_destination(run.steps, run.name, run.spec, self.ports.tables).to_json()

    def _back_up(self) -> Mapping[str, Any]:
        run, tables = self._admit(), self.ports.tables
        return back_up_destination(
            run.steps,
            run.name,
            run.spec,
            table=tables.table(run.spec.destination, "destination"),
            snapshots=tables.snapshots(run.spec.destination, "destination"),
        )

    def _clean(self) -> None:
        self._work(open_cleaning(self.ports, self._admit()))
        enter_phase(self.ports.ledger, self._admit().control, Phase.CLEANED)
        self._settle()

    def _copy(self) -> None:
        run = self._admit()
        source, _ = described_tables(self.ports, run)
        self._work(open_copy(self.ports, run, source))
        enter_phase(self.ports.ledger, self._admit().control, Phase.CLOSING)
        self._settle()
        enter_phase(self.ports.ledger, self._admit().control, Phase.CLOSED)

    def _settle(self) -> None:
        log, run, margin = self.ports.checkpoints, self.spec.migration_id, 0.0
        self._until("done", lambda: settle_leases(log, run, margin).to_json())

    def _verify(self) -> None:
        following = READ
        while following != DONE:
            if following == READ:
                self._work(open_reading(self.ports, self._admit()))
            elif following == SEARCH:
                self._work(self._plan(plan_search))
            else:
                # A repair was refused before anything began.
                assert following == COMPARE
            if self._admit().spec.compares_content:
                self._work(self._plan(plan_comparison))
            following = self._compare()

    def _plan(self, plan: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        run, ports = self._admit(), self.ports
        objects = bucket_objects(ports)
        return plan(run.steps, ports.checkpoints, ports.artifacts, run.name, objects=objects)

    def _compare(self) -> str:
        run, log = self._admit(), self.ports.checkpoints
        if not run.spec.compares_content:
            return compare_counted_tables(run.steps, log, run.name, run.spec)["next"]
        objects = bucket_objects(self.ports)
        return compare_contents(run.steps, log, run.name, run.spec, objects=objects)["next"]

    def _snapshot(self) -> Mapping[str, Any]:
        run, tables = self._admit(), self.ports.tables
        return snapshot_source(
            run.steps,
            run.name,
            run.spec,
            options=tables.options(run.spec.source, "source"),
            snapshots=tables.snapshots(run.spec.source, "source"),
            bucket=self.ports.artifacts.bucket,
        )

    def _work(self, planned: Mapping[str, Any]) -> None:
        """Every segment of a planned list, by as many processes as the machine has cores."""
        listed = json.loads(bucket_objects(self.ports).get(planned["key"]))
        names = ", ".join(f"{work}: {count}" for work, count in planned["segments"].items())
        self.say(f"segments to work on: {names}")
        self.runner.run(listed)
