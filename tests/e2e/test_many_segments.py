"""A thousand segments on a small table, against the limits of Step Functions."""

import json

from tests.e2e.stack import COPY, Stack, rows
from tests.support.independent_compare import assert_moved

SEGMENTS, ITEMS = 1000, 500
# AWS Step Functions developer guide, "Service quotas".
MOST_PAYLOAD_BYTES, MOST_EVENTS = 262_144, 25_000
# Nothing between states may grow with the number of segments.
SMALL_BYTES = 4_096
# Each child is an invocation or two of a real process.
SECONDS = 400.0


def test_a_thousand_segments_stay_far_below_every_limit(stack: Stack) -> None:
    source, destination = stack.create_table(), stack.create_table()
    stack.load(source, rows(ITEMS))
    spec = stack.spec(source, destination, segments=SEGMENTS, verify="none")
    run = spec["migrationId"]

    execution = stack.start(spec)
    stack.wait(execution, SECONDS)
    output = stack.output(execution)

    assert output["copy"]["written"] == ITEMS
    assert_moved(stack.dynamodb, source, destination)
    payloads = _payloads(stack, execution)
    assert max(payloads.values()) <= SMALL_BYTES, payloads
    assert set(stack.entered(execution)) <= payloads.keys()
    segments = json.loads(stack.read(f"runs/{run}/copying-segments.json"))
    assert [each["segment"] for each in segments] == list(range(SEGMENTS))
    assert {each["totalSegments"] for each in segments} == {SEGMENTS}

    children = stack.children(execution, COPY)
    assert len(children) == SEGMENTS
    in_child: dict[str, int] = {}
    events = [len(stack.history(execution))]
    for child in children[:: SEGMENTS // 20]:
        in_child |= _payloads(stack, child)
        events.append(len(stack.history(child)))
    assert max(in_child.values()) <= SMALL_BYTES, in_child
    assert max(events) < MOST_EVENTS // 100, events

    results = stack.objects(f"results/{run}/copy/")
    assert sorted(key.rsplit("/", 1)[1] for key in results) == ["SUCCEEDED_0.json", "manifest.json"]
    (written,) = (key for key in results if key.endswith("SUCCEEDED_0.json"))
    outputs = [each["Output"] for each in json.loads(stack.read(written))]
    assert outputs == ["{}"] * SEGMENTS
    assert sum(map(len, outputs)) < MOST_PAYLOAD_BYTES
    print(f"states {payloads}, in a child {in_child}, events {events}, results {results}")


def _payloads(stack: Stack, execution: str) -> dict[str, int]:
    """The largest input or output of each state, in bytes."""
    found: dict[str, int] = {}
    for event in stack.history(execution):
        for kind in ("stateEnteredEventDetails", "stateExitedEventDetails"):
            details = event.get(kind)
            if details:
                text = details.get("input") or details.get("output") or ""
                size = len(text.encode())
                found[details["name"]] = max(size, found.get(details["name"], 0))
    return found
