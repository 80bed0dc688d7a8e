"""Each check of verification is needed: with it the planted fault is found, without it it passes.

A control that stayed green with its check taken out would prove nothing.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tableferry import canonical
from tableferry.repair import repairing
from tableferry.verification import (
    candidates,
    content_comparing,
    content_verifying,
    digesting,
    fingerprints,
    partitions,
)
from tableferry.verification.content_comparing import Compared
from tableferry.verification.content_verifying import IncompleteError
from tableferry.verification.digest_format import SKIPPED
from tests.content_worlds import ContentWorld
from tests.memory_table import Item
from tests.worlds import numbered

Patch = pytest.MonkeyPatch
ITEMS = numbered(40)
KEY = {"pk": {"S": "item-0001"}}


def is_found(held: list[Item], source: list[Item] | None = None, **options: Any) -> bool:
    """Whether verification says that the tables differ, or that it can not say."""
    made = ContentWorld(source or ITEMS, held=held, partitions=2, **options)
    try:
        return made.verify()["match"] is False
    except IncompleteError:
        return True


def missing() -> bool:
    return is_found(ITEMS[1:])


def extra() -> bool:
    return is_found([*ITEMS, {"pk": {"S": "new"}}])


def another_value() -> bool:
    return is_found([*ITEMS[1:], {**ITEMS[0], "n": {"N": "77"}}])


def another_type() -> bool:
    return is_found([*ITEMS[1:], {**ITEMS[0], "n": {"S": "0"}}])


def equal_collision() -> bool:
    both: list[Item] = [{"pk": {"S": name}, "group": {"S": "x"}} for name in "ab"]
    options: dict[str, Any] = {"steps": [{"remove": ["pk"]}], "destination_keys": {"group": "S"}}
    return is_found([{"group": {"S": "x"}}], both, **options)


def broken_while_kept() -> bool:
    made = ContentWorld(ITEMS, held=[*ITEMS[1:], {**ITEMS[0], "n": {"S": "x"}}], keep=True)
    made.marks = {b'[{"S":"item-0009"}]': SKIPPED}
    return made.verify()["match"] is False


def uncompared_partition() -> bool:
    made = ContentWorld(ITEMS, held=[], partitions=3)
    made.read_both_tables()
    made.planned()
    try:
        return made.verdict()["match"] is False
    except IncompleteError:
        return True


def write_in_between() -> bool:
    """Whether what somebody wrote before the repair's own write is still there."""
    made = ContentWorld([{**KEY, "n": {"N": "1"}}], held=[{**KEY, "n": {"N": "2"}}])
    made.verify()
    made.destination.put({**KEY, "n": {"N": "2"}, "theirs": {"S": "x"}})
    made.repair()
    return "theirs" in made.destination.items[made.destination.identity(KEY)]


def keep_one_side(side: str) -> Callable[[Patch], None]:
    def take_out(patch: Patch) -> None:
        compare = content_comparing.compare

        def one_side(source: Any, destination: Any) -> Compared:
            found = compare(source, destination)
            differing = {
                key_hash: seen
                for key_hash, seen in found.differing.items()
                if getattr(seen, side) is not None
            }
            return Compared(
                found.source_entries, found.destination_entries, differing, found.collided
            )

        patch.setattr(partitions, "compare", one_side)

    return take_out


def types_ignored(patch: Patch) -> None:
    spelt = canonical.item_bytes
    patch.setattr(canonical, "item_bytes", lambda item: spelt(item).replace(b'"N":', b'"S":'))


def contents_ignored(patch: Patch) -> None:
    patch.setattr(
        digesting, "fingerprint", lambda item, names: fingerprints.key_hash(item, names) + bytes(16)
    )


def collisions_ignored(patch: Patch) -> None:
    patch.setattr(content_comparing, "_repeated", lambda _: frozenset())


def all_is_kept(patch: Patch) -> None:
    patch.setattr(candidates, "SKIPPED", 0xFF)
    judge = candidates.judge
    patch.setattr(
        candidates, "judge", lambda reading, marks, leniency: judge(reading, SKIPPED, leniency)
    )


def partitions_not_checked(patch: Patch) -> None:
    patch.setattr(
        "tests.content_worlds.compared_partitions", lambda records, run, standing, count: []
    )
    patch.setattr(content_verifying.Digests, "source_entries", 0)
    patch.setattr(content_verifying.Digests, "destination_entries", 0)


def seen_not_checked(patch: Patch) -> None:
    settled = repairing.Mender._is_settled

    def whoever_wrote(self: Any, look: Any, ours: set[Any], repair: Any) -> bool:
        return settled(self, look, {*ours, repairing._content([look.held])}, repair)

    patch.setattr(repairing.Mender, "_is_settled", whoever_wrote)


@pytest.mark.parametrize(
    ("fault", "take_out"),
    [
        pytest.param(missing, keep_one_side("destination"), id="missing"),
        pytest.param(extra, keep_one_side("source"), id="extra"),
        pytest.param(another_value, contents_ignored, id="value"),
        pytest.param(another_type, types_ignored, id="type"),
        pytest.param(equal_collision, collisions_ignored, id="equal collision"),
        pytest.param(broken_while_kept, all_is_kept, id="kept"),
        pytest.param(uncompared_partition, partitions_not_checked, id="partition"),
        pytest.param(write_in_between, seen_not_checked, id="write in between"),
    ],
)
def test_without_its_check_the_fault_passes(
    fault: Callable[[], bool], take_out: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    assert fault() is True
    take_out(monkeypatch)
    assert fault() is False
