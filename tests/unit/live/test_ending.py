"""Sync ends for good: its mapping goes, its batches are over, its source is free."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from functions.remove_mappings import app
from tableferry.live.ending import SyncEnder
from tests.unit.live.actors import Actor
from tests.unit.live.capture_world import CaptureWorld, MemoryMappings
from tests.unit.live.live_world import MARGIN_SECONDS, RUN


def ender(world: CaptureWorld) -> SyncEnder:
    return SyncEnder(world.ledger, world.log, world.mappings, MARGIN_SECONDS, world.clock.now)


def test_the_source_is_free_once_the_mapping_is_gone_and_every_batch_over() -> None:
    world = CaptureWorld()
    world.captured()
    world.put("a")
    batch = world.pollers[0].batch()
    dead = Actor(lambda hook: world.sync(batch, hook=hook, mapping=world.mapping))
    assert dead.until("records settled")
    (lease,) = world.log.sync_leases(RUN)
    assert not ender(world).end_sync(RUN).done
    assert world.mappings.there[world.mapping].state == "Deleting"
    world.mappings.there.clear()
    waiting = ender(world).end_sync(RUN)
    assert (waiting.done, waiting.leases) == (False, 1)
    assert world.log.sources
    world.clock.time = lease.deadline + MARGIN_SECONDS + 1
    assert ender(world).end_sync(RUN).done
    assert not world.log.sources
    # It may be run again, also when another migration has the source.
    world.log.claim_source("other", world.stream.arn)
    assert ender(world).end_sync(RUN).done
    assert world.log.sources == {world.stream.arn: "other"}


def test_a_run_without_sync_has_nothing_to_end() -> None:
    world = CaptureWorld()
    assert not ender(world).has_sync(RUN)
    assert ender(world).end_sync(RUN).done


@pytest.mark.filterwarnings("ignore:No application metrics")
@pytest.mark.parametrize(("kind", "left"), [("Create", 2), ("Update", 2), ("Delete", 0)])
def test_the_mappings_go_when_the_stack_goes(
    kind: str, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings = RemovedMappings()
    told: list[Any] = []
    mappings.create("arn:one")
    mappings.create("arn:two")
    monkeypatch.setattr(app, "live_runtime", lambda: SimpleNamespace(mappings=mappings))
    monkeypatch.setattr("urllib.request.urlopen", lambda request, **_: Told(request, told))
    names = {name: name for name in ("StackId", "RequestId", "LogicalResourceId")}
    event = {"RequestType": kind, "ResponseURL": "https://signed.example/", **names}
    context: Any = SimpleNamespace(
        log_stream_name="stream",
        function_name="remove",
        memory_limit_in_mb=128,
        invoked_function_arn="arn",
        aws_request_id="id",
    )
    app.handler(event, context)
    assert len(mappings.there) == left
    (said,) = told
    assert (said["Status"], said["StackId"]) == ("SUCCESS", "StackId")


class RemovedMappings(MemoryMappings):
    """These go at once."""

    def all(self) -> list[Any]:
        return list(self.there.values())

    def delete(self, uuid: str) -> None:
        del self.there[uuid]


class Told:
    """The answer that CloudFormation gets."""

    def __init__(self, request: Any, told: list[Any]) -> None:
        told.append(json.loads(request.data))

    def close(self) -> None:
        pass
