"""What readings mean, and when they count."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from tableferry.verification.candidates import (
    PAUSES,
    Claim,
    Examiner,
    Held,
    Leniency,
    NothingIsSynchronised,
    Reading,
    Settled,
    judge,
)
from tableferry.verification.content_comparing import Seen
from tableferry.verification.differences import Difference, Kind, from_lines, to_lines
from tableferry.verification.digest_format import QUARANTINED, SKIPPED

A, B, C = (bytes([n]) * 16 for n in range(3))
HASH, OTHER = b"\x07" * 16, b"\x08" * 16
KEY: dict[str, Any] = {"id": {"S": "x"}}


def claim(
    content: bytes = A, *, name: str = "s", key_hash: bytes = HASH, over: bool = False
) -> Claim:
    return Claim({"pk": {"S": name}}, key_hash, content, KEY, over)


def held(content: bytes = A, *, over: bool = False) -> Held:
    return Held(KEY, content, None, over)


def reading(*claims: Claim, holds: Held | None = None) -> Reading:
    return Reading(list(claims), holds)


def candidate(
    source: bytes | None = A, destination: bytes | None = None, **more: Any
) -> Difference:
    keys = ({"pk": {"S": "s"}},) if source else ()
    return Difference(HASH, Kind.CANDIDATE, None, keys, Seen(source, destination), **more)


KEEP, STRICT = Leniency(keep=True), Leniency()


@pytest.mark.parametrize(
    ("found", "marks", "leniency", "meaning"),
    [
        (reading(claim(), holds=held()), 0, STRICT, Settled.EQUAL),
        (reading(), 0, STRICT, Settled.EQUAL),
        (reading(claim()), 0, STRICT, Kind.MISSING),
        (reading(claim()), 0, KEEP, Kind.MISSING),
        (reading(claim()), SKIPPED, KEEP, Kind.MISSING),
        (reading(claim(over=True)), 0, STRICT, Settled.EXPIRED),
        (reading(claim()), QUARANTINED, STRICT, Settled.QUARANTINED),
        (reading(holds=held()), 0, STRICT, Kind.EXTRA),
        (reading(holds=held()), 0, KEEP, Settled.KEPT),
        (reading(holds=held(over=True)), 0, STRICT, Settled.EXPIRED),
        (reading(claim(), holds=held(B)), 0, STRICT, Kind.DIFFERENT),
        (reading(claim(), holds=held(B)), 0, KEEP, Kind.DIFFERENT),
        (reading(claim(), holds=held(B)), SKIPPED, KEEP, Settled.KEPT),
        (reading(claim(), holds=held(B)), SKIPPED, STRICT, Kind.DIFFERENT),
        (reading(claim(over=True), holds=held(B, over=True)), 0, STRICT, Kind.DIFFERENT),
        (reading(claim(), claim(name="t"), holds=held()), 0, STRICT, Kind.COLLISION),
        (reading(claim(), claim(B, name="t"), holds=held()), 0, KEEP, Kind.COLLISION),
    ],
)
def test_what_one_reading_means(
    found: Reading, marks: int, leniency: Leniency, meaning: Kind | Settled
) -> None:
    assert judge(found, marks, leniency) is meaning


class Tables:
    """Answers with the given readings, one a time; the last one for ever."""

    def __init__(self, *readings: Mapping[bytes, Reading]) -> None:
        self.readings = list(readings)
        self.asked: list[list[bytes]] = []

    def read(self, wanted: Sequence[Difference]) -> Mapping[bytes, Reading]:
        self.asked.append([each.key_hash for each in wanted])
        at = min(len(self.asked), len(self.readings)) - 1
        nothing = {each.key_hash: Reading() for each in wanted}
        return {**nothing, **self.readings[at]}


class Watched:
    """A watch list that says who is restless after each reading."""

    def __init__(self, *restless: Collection[bytes]) -> None:
        self.answers = list(restless)
        self.watched: list[list[bytes]] = []

    def watch(self, key_hashes: Collection[bytes], /) -> None:
        self.watched.append(sorted(key_hashes))

    def restless(self, key_hashes: Collection[bytes], /) -> Collection[bytes]:
        return self.answers.pop(0) if self.answers else ()


def examine(
    tables: Tables, *candidates: Difference, watched: Any = None, paused: list[float] | None = None
) -> Any:
    pauses: list[float] = [] if paused is None else paused
    watch_list = watched or NothingIsSynchronised()
    return Examiner(tables, watch_list, STRICT, pauses.append).examine(candidates)


def test_what_is_equal_by_now_is_read_once() -> None:
    tables, paused = Tables({HASH: reading(claim(), holds=held())}), list[float]()
    findings = examine(tables, candidate(), paused=paused)
    assert (findings.differences, findings.settled[Settled.EQUAL]) == ([], 1)
    assert (tables.asked, paused) == ([[HASH]], [])


def test_a_difference_counts_after_two_equal_readings() -> None:
    tables, paused = Tables({HASH: reading(claim(), holds=held(B))}), list[float]()
    findings = examine(tables, candidate(A, B), paused=paused)
    [difference] = findings.differences
    assert (difference.kind, difference.key, difference.newer) == (Kind.DIFFERENT, KEY, False)
    assert (len(tables.asked), paused) == (2, [PAUSES[0]])


def test_readings_of_other_contents_are_not_equal() -> None:
    moving = [{HASH: reading(claim(content), holds=held(B))} for content in (A, C, A, C)]
    tables = Tables(*moving)
    [difference] = examine(tables, candidate(A, B)).differences
    assert (difference.kind, len(tables.asked)) == (Kind.DIFFERENT, 5)


def test_what_never_stands_still_is_undecided() -> None:
    moving = [{HASH: reading(claim(bytes([n]) * 16), holds=held(B))} for n in range(3, 20)]
    paused: list[float] = []
    [difference] = examine(Tables(*moving), candidate(A, B), paused=paused).differences
    assert (difference.kind, difference.key) == (Kind.UNDECIDED, KEY)
    assert paused == [*PAUSES, 0.0]


def test_equal_readings_of_a_restless_key_prove_nothing() -> None:
    always = {HASH: reading(claim(), holds=held(B))}
    watched = Watched(*[{HASH}] * 20)
    [difference] = examine(Tables(always), candidate(A, B), watched=watched).differences
    assert difference.kind is Kind.UNDECIDED


def test_a_key_is_watched_from_before_the_first_of_its_two_readings() -> None:
    always = {HASH: reading(claim(), holds=held(B))}
    watched = Watched((), {HASH}, (), ())
    tables = Tables(always)
    [difference] = examine(tables, candidate(A, B), watched=watched).differences
    assert difference.kind is Kind.DIFFERENT
    # Restless after its second reading, so it was watched anew and read twice again.
    assert watched.watched == [[HASH], [], [HASH], []]
    assert len(tables.asked) == 4


def test_a_source_item_that_moved_is_looked_for_at_its_new_key() -> None:
    moved = {HASH: reading(holds=held(B)), OTHER: reading(claim(C, key_hash=OTHER))}
    findings = examine(Tables(moved), candidate(A, B))
    kinds = {each.key_hash: each.kind for each in findings.differences}
    assert kinds == {HASH: Kind.EXTRA, OTHER: Kind.MISSING}
    assert all(each.newer for each in findings.differences)


def test_a_moved_item_that_arrived_is_settled_once() -> None:
    moved = {HASH: reading(), OTHER: reading(claim(key_hash=OTHER), holds=held())}
    still = {HASH: reading(holds=held(B)), OTHER: reading(claim(key_hash=OTHER), holds=held())}
    findings = examine(Tables(still, still, moved), candidate(A, B))
    assert [each.key_hash for each in findings.differences] == [HASH]
    assert findings.settled[Settled.EQUAL] == 1


@pytest.mark.parametrize(
    ("digested", "now", "newer"),
    [(A, reading(claim(A)), False), (A, reading(claim(B)), True), (None, reading(claim(B)), False)],
)
def test_a_source_that_changed_since_it_was_digested_is_newer(
    digested: bytes | None, now: Reading, newer: bool
) -> None:
    [difference] = examine(Tables({HASH: now}), candidate(digested)).differences
    assert (difference.kind, difference.newer) == (Kind.MISSING, newer)


def test_an_extra_item_whose_source_was_deleted_since_is_newer() -> None:
    [difference] = examine(Tables({HASH: reading(holds=held())}), candidate(A)).differences
    assert (difference.kind, difference.newer) == (Kind.EXTRA, True)


def test_a_collision_names_its_source_keys() -> None:
    both = {HASH: reading(claim(name="a"), claim(B, name="b"), holds=held())}
    [difference] = examine(Tables(both), candidate(A, A)).differences
    assert difference.kind is Kind.COLLISION
    assert [key["pk"]["S"] for key in difference.source_keys] == ["a", "b"]


def test_an_extra_item_keeps_the_source_key_that_it_tells() -> None:
    told = Held(KEY, A, {"pk": {"S": "told"}})
    [difference] = examine(Tables({HASH: reading(holds=told)}), candidate(None, A)).differences
    assert difference.source_keys == ({"pk": {"S": "told"}},)


def test_a_difference_is_read_as_it_was_written() -> None:
    first = candidate(A, None, marks=3, newer=True, searched=True)
    second = Difference(OTHER, Kind.EXTRA, {"id": {"S": "ü\n"}}, (), Seen(None, B))
    assert from_lines(to_lines([first, second])) == [first, second]
