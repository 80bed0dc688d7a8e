"""What the functions of a live migration work with, beside the runtime of every function."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tableferry.addresses import Addressed, TableAddress
from tableferry.aws.artifacts import Artifacts
from tableferry.aws.retrying import Progress, Retrier
from tableferry.aws.streams import Mappings, Stream
from tableferry.aws.sync_log import SyncLog
from tableferry.deadline import Deadline
from tableferry.errors import ItemError, MigrationStoppedError, StreamGapError
from tableferry.items import shown
from tableferry.live.capturing import STEP, told_gap
from tableferry.live.changes import Change
from tableferry.live.draining import STEP as DRAIN_STEP
from tableferry.live.ending import SyncEnder
from tableferry.live.equality import change_of
from tableferry.live.guarding import Sighting, Surroundings, look_after
from tableferry.live.recapturing import Recapture
from tableferry.live.syncing import Destination, Sync
from tableferry.live.values import LeaseHeldError
from tableferry.live.walking import Patience, ShardWalk, latest_positions, walk
from tableferry.live.watching import StreamWatch
from tableferry.model import Control
from tableferry.runs.ownership import LOOK_SECONDS, Watch
from tableferry.runtime import Run, Runtime, runtime
from tableferry.settings import SyncSettings
from tableferry.verification.rereading import ItemReader


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of one table, through its role and Region."""

    client: Any

    def stream(self, arn: str) -> Stream:
        return Stream(self.client, arn)


@dataclass(frozen=True, slots=True)
class SyncQuarantine:
    """Where the images of records lie that can never be applied: one object a batch."""

    artifacts: Artifacts
    migration_id: str

    def store_records(self, name: str, entries: list[dict[str, Any]]) -> None:
        self.artifacts.quarantine(self.migration_id, "sync", 0).store_as(name, entries)


@dataclass(frozen=True, slots=True)
class LiveRuntime:
    """The ports of the live functions."""

    ports: Runtime
    log: SyncLog
    mappings: Mappings

    def streams(self, source: Addressed) -> Streams:
        return Streams(self.ports.sessions.table_client(source, "dynamodbstreams"))

    def run_of(self, stream_arn: str) -> Run | None:
        """The run whose source has this stream; None once it was given up."""
        name = self.log.run_of_stream(stream_arn)
        control = self.ports.ledger.control(name) if name else None
        if name is None or control is None or control.stopped:
            return None
        return self.ports.run(name, control)

    def sync(self, run: Run, context: LambdaContext) -> Sync:
        """One invocation of sync, bound by its time.

        Raises LeaseHeldError before StartSync has remembered the mapping: what is finished belongs
        to one mapping, for another one begins at the oldest record again.
        """
        mapping = (run.steps.step(run.name, STEP) or {}).get("mapping")
        if mapping is None:
            raise LeaseHeldError(f"StartSync of {run.name} has not remembered its mapping yet")
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000.0)
        self.ports.guard.deadline = deadline
        return Sync(
            holder=context.aws_request_id,
            mapping=mapping,
            log=self.log,
            quarantine=SyncQuarantine(self.ports.artifacts, run.spec.migration_id),
            deadline=deadline,
            margin_seconds=self.ports.settings.lease_margin_seconds,
            look=_stop_watch(self.ports.ledger.control, run.name),
        )

    def stream(self, run: Run) -> Stream:
        """The stream that the run captured from; its ARN is remembered by StartSync."""
        return self.streams(run.spec.source).stream(self._captured(run)["streamArn"])

    def is_mapping_enabled(self, run: Run) -> bool:
        mapping = self.mappings.get(self._captured(run)["mapping"])
        return mapping is not None and mapping.state == "Enabled"

    def _captured(self, run: Run) -> dict[str, Any]:
        step = run.steps.step(run.name, STEP)
        if not step or "mapping" not in step:
            raise StreamGapError(f"{run.name} has captured nothing", hint="start it anew")
        return step

    def look_after(self, run_name: str, now: float) -> Sighting:
        """One look of the guard at a run; what it saw is remembered for status and the drain."""
        control = self.ports.ledger.control(run_name)
        if control is None:
            raise StreamGapError(f"the ledger holds no run named {run_name}")
        run = self.ports.run(run_name, control)
        captured = self._captured(run)
        mapping = self.mappings.get(captured["mapping"])
        around = Surroundings(
            captured=captured["streamArn"],
            current=self.ports.tables.table(run.spec.source, "source").describe().stream_arn,
            mapping_state=mapping.state if mapping else "gone",
        )
        return look_after(run_name, self.log, self.stream(run), around, now=now)

    def _walks(
        self,
        run: Run,
        positions: dict[str, str],
        see: Callable[[dict[str, Any]], None],
    ) -> list[ShardWalk]:
        stream = self.stream(run)
        return [
            walk(
                stream,
                self.log,
                run.name,
                shard=shard.id,
                after=positions.get(shard.id),
                patience=Patience(1, lambda: None, time.time()),
                see=see,
            )
            for shard in stream.shards()
        ]

    def watch_list_of(self, name: str, destination: str) -> StreamWatch | None:
        """The watch list of the run of that name; None where it writes another destination, or
        was given up: then its sync is busy with nothing here.
        """
        control = self.ports.ledger.control(name)
        if control is None or control.stopped or control.destination != destination:
            return None
        return self.watch_list(self.ports.run(name, control))

    def watch_list(self, run: Run) -> StreamWatch:
        """The watch list of verification while sync goes on."""
        names = self.ports.keys(run).source

        def waiting() -> list[Change]:
            seen: dict[str, Change] = {}

            def see(record: dict[str, Any]) -> None:
                change = change_of(record, names)
                seen[change.sequence_number] = change

            drained = run.steps.step(run.name, DRAIN_STEP) or {"positions": {}}
            guarded = self.log.guarded(run.name)
            # Whichever is further: the drain may be days ago, the guard looks every few minutes.
            positions = latest_positions(drained["positions"], guarded["positions"])
            walks = self._walks(run, positions, see)
            pending = [each for walked in walks for each in walked.pending]
            return [seen[each.sequence_number] for each in pending]

        return StreamWatch(run.name, self.log, self.destination(run), waiting)

    def refuse_unsafe(self, run: Run) -> None:
        """Raises StreamGapError when the guard saw that records may be lost."""
        unsafe = self.unsafe(run)
        if unsafe:
            raise told_gap(run.steps, run.name, unsafe)

    def unsafe(self, run: Run) -> str:
        """Why records may be lost, as far as the guard saw."""
        return str(self.log.guarded(run.name).get("sighting", {}).get("unsafe", ""))

    def recapture(self, run: Run) -> Recapture | None:
        """What captures anew; None where the spec does not ask for what must follow."""
        if not (run.spec.repair and run.spec.delete_extras and run.spec.compares_content):
            return None
        margin = self.ports.settings.lease_margin_seconds
        ender = SyncEnder(self.ports.ledger, self.log, self.mappings, margin)
        return Recapture(run.steps, ender, SyncSettings.from_env().sync_seconds + margin)

    def has_refused_dirt(self, run: Run) -> bool:
        """Whether items are dirty and the spec does not allow it."""
        return not run.spec.quarantine and any(True for _ in self.log.dirty(run.name))

    def refuse_dirty(self, run: Run) -> None:
        """Raises ItemError when items are dirty and the spec does not allow it."""
        if self.has_refused_dirt(run):
            dirty = list(self.log.dirty(run.name))
            named = "; ".join(f"{shown(each.source_key)}: {each.reason}" for each in dirty[:20])
            raise ItemError(
                f"{len(dirty)} changed items could not be applied: {named}",
                hint="mend the items in the source and redrive; their images are in quarantine",
            )

    def retrier(self, run: Run, context: LambdaContext) -> Retrier:
        """For reads outside of a segment: bound by the invocation, watched for a stop."""
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000.0)
        self.ports.guard.deadline = deadline
        watch = Watch(self.ports.gate, run.name, run.control.owner)
        progress = Progress(self.ports.settings.stall_seconds, time.time())
        return Retrier(deadline, progress, watch.look)

    def reader(
        self,
        table: TableAddress,
        key_names: Sequence[str],
        *,
        retrier: Retrier,
        pool: ThreadPoolExecutor,
    ) -> ItemReader:
        return ItemReader(self.ports.wire(table), table.table_name, key_names, retrier, pool)

    def destination(self, run: Run) -> Destination:
        return Destination(
            client=self.ports.wire(run.spec.destination),
            table=run.spec.destination.table_name,
            rules=self.ports.keys(run).destination,
            transform=self.ports.transform(run),
        )


def _stop_watch(
    control: Callable[[str], Control | None], run: str, now: Callable[[], float] = time.monotonic
) -> Callable[[], None]:
    """Raises MigrationStoppedError soon after the migration was given up; a pause is not one."""
    looked_at = now()

    def look() -> None:
        nonlocal looked_at
        if now() - looked_at < LOOK_SECONDS:
            return
        looked_at = now()
        found = control(run)
        if found is None or found.stopped:
            raise MigrationStoppedError(f"{run} was given up with `stop`")

    return look


@cache
def live_runtime() -> LiveRuntime:
    """The sandbox's runtime of live functions."""
    ports = runtime()
    settings = SyncSettings.from_env()
    lambdas = ports.sessions.client("lambda")
    return LiveRuntime(
        ports=ports,
        log=SyncLog(ports.ledger_table),
        mappings=Mappings(lambdas, settings.function_arn, settings.failures_arn),
    )
