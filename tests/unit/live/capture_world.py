"""A source whose stream may be off, replaced or forgotten, and mappings of the sync function."""

from dataclasses import dataclass, field
from typing import Any

from tableferry.aws.streams import Mapping
from tableferry.live.capturing import STEP, Capture, start_sync
from tableferry.live.ending import SyncEnder
from tableferry.live.guarding import Sighting, Surroundings, look_after
from tableferry.live.recapturing import Recapture
from tableferry.table_facts import TableFacts
from tests.unit.live.live_world import MARGIN_SECONDS, OWNER, RUN, LiveWorld
from tests.unit.live.memory_stream import MemoryStream, Poller

LONGEST = 900.0
IMAGES = "NEW_AND_OLD_IMAGES"
DESCRIPTION: dict[str, Any] = {
    "TableName": "Source",
    "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/Source",
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
}


@dataclass
class MemoryMappings:
    """Mappings that take a while to start, and to go."""

    there: dict[str, Mapping] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    def create(self, stream_arn: str) -> str:
        uuid = f"mapping-{len(self.made) + 1}"
        self.made.append(stream_arn)
        self.there[uuid] = Mapping(uuid, "Creating", stream_arn)
        return uuid

    def get(self, uuid: str) -> Mapping | None:
        return self.there.get(uuid)

    def delete(self, uuid: str) -> None:
        if uuid in self.there:
            self.becomes("Deleting", uuid)

    def becomes(self, state: str, uuid: str = "") -> None:
        for each in [uuid] if uuid else list(self.there):
            self.there[each] = Mapping(each, state, self.there[each].stream_arn)


@dataclass
class Steps:
    """What the run's owner remembers."""

    ledger: Any

    def step(self, run: str, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.ledger.step(run, name)
        return found

    def record_step(self, run: str, name: str, value: dict[str, Any]) -> None:
        self.ledger.amend(run, lambda record: record["steps"].update({name: value}), OWNER)


class CaptureWorld(LiveWorld):
    """Capture is off at first; what it calls is named in `asked`."""

    view = IMAGES

    def __post_init__(self) -> None:
        super().__post_init__()
        self.mappings, self.steps_log = MemoryMappings(), Steps(self.ledger)
        self.streams_made = 0
        self.has_stream = False

    # --- the source's stream (capturing.SourceTable, capturing.Streams) ---

    def describe(self) -> TableFacts:
        stream = {"StreamEnabled": True, "StreamViewType": self.view}
        on = {"LatestStreamArn": self.stream.arn, "StreamSpecification": stream}
        return TableFacts.from_description({**DESCRIPTION, **(on if self.has_stream else {})})

    def turn_on_stream(self) -> None:
        self.streams_made += 1
        self.stream = MemoryStream(self.source, self.clock.now, self.shards)
        self.stream.arn = f"arn:stream/{self.streams_made}"
        self.stream.state = "ENABLING"
        self.pollers = [Poller(self.stream, shard) for shard in range(self.shards)]
        self.has_stream = True

    def stream_of(self, arn: str) -> MemoryStream:
        assert arn == self.stream.arn
        return self.stream

    # --- the functions ---

    def start_sync(self, *, mends: bool = False) -> Capture:
        """One invocation of StartSync; with `mends` the spec asks for what a gap needs."""
        ender = SyncEnder(self.ledger, self.log, self.mappings, MARGIN_SECONDS, self.clock.now)
        recapture = Recapture(self.steps_log, ender, LONGEST, self.clock.now)
        world = self

        class Streams:
            def stream(self, arn: str) -> MemoryStream:
                return world.stream_of(arn)

        return start_sync(
            self.steps_log,
            RUN,
            source=self,
            streams=Streams(),
            mappings=self.mappings,
            claims=self.log,
            unsafe=self.log.guarded(RUN).get("sighting", {}).get("unsafe", ""),
            recapture=recapture if mends else None,
        )

    def captured(self) -> None:
        """Everything is on, and ready."""
        self.start_sync()
        self.stream.state = "ENABLED"
        self.start_sync()
        self.mappings.becomes("Enabled")
        assert self.start_sync().ready

    @property
    def mapping(self) -> str:
        step = self.ledger.step(RUN, STEP) or {}
        return str(step.get("mapping", ""))

    def apply_all(self) -> None:
        """Sync applies what waits; what was forgotten it never gets."""
        for poller in self.pollers:
            poller.position = max(poller.position, self.stream.forgotten[poller.shard])
            while self.deliver(poller.shard, mapping=self.mapping):
                pass

    def guard(self) -> Sighting:
        mapping = self.mappings.get(self.mapping)
        captured = (self.ledger.step(RUN, STEP) or {})["streamArn"]
        around = Surroundings(
            captured=captured,
            current=self.stream.arn if self.has_stream else None,
            mapping_state=mapping.state if mapping else "gone",
        )
        return look_after(RUN, self.log, self.stream, around, now=self.clock.now())

    def pass_hours(self, hours: float) -> None:
        self.clock.sleep(hours * 3600)
