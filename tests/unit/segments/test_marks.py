"""What a copy notes of items that it did not write is what verification knows of them."""

import pytest

from tableferry.model import Work
from tableferry.segments.copying import CopyRules, KeyRules, copy_segment
from tableferry.segments.marks import SkippedFolder, marks_of_copy
from tableferry.segments.working import Scan
from tableferry.verification.content_verifying import Standing
from tableferry.verification.digest_format import QUARANTINED, SKIPPED
from tests.content_worlds import ContentWorld
from tests.memory_objects import MemoryObjects
from tests.memory_table import Item
from tests.worlds import DESTINATION, SOURCE, World, numbered


def copy_keeping(made: World, objects: MemoryObjects) -> None:
    """The copy of every segment, as the function makes it."""
    for segment in range(made.segments):
        rules = CopyRules(
            transform=made.transform,
            source_key=("pk",),
            destination=KeyRules(("pk",), {"pk": "S"}),
            keep=True,
            quarantine=None,
            kept=SkippedFolder(objects, "prefs-v2", segment),
        )
        assert copy_segment(
            made.worker(segment, work=Work.COPY),
            rules,
            Scan(made.dynamo, SOURCE, {"ConsistentRead": True}),
            destination=made.dynamo,
            table=DESTINATION,
        )


def test_what_a_copy_skipped_is_kept_and_what_it_wrote_is_not() -> None:
    items = numbered(120)
    there: list[Item] = [
        items[3],
        {**items[7], "n": {"S": "was here"}},
        {**items[90], "more": {"BOOL": True}},
    ]
    made = World(items, segments=2, keep=True)
    made.destination.load(there)
    made.dynamo.page_bytes = 500
    objects = MemoryObjects()
    copy_keeping(made, objects)
    marks: dict[bytes, int] = {}
    for segment in range(2):
        marks |= marks_of_copy(objects, "prefs-v2", segment, ("pk",))
    assert marks == {b'[{"S":"item-0007"}]': SKIPPED, b'[{"S":"item-0090"}]': SKIPPED}

    verified = ContentWorld(items, held=made.destination.items.values(), keep=True, marks=marks)
    result = verified.verify()
    assert (result["match"], result["kept"]) == (True, 2)
    verified.destination.put({**items[8], "n": {"S": "broken later"}})
    verified.standing = Standing(round=2, comparison=2, since=2)
    assert verified.verify()["different"] == 1


def test_a_page_without_skipped_items_notes_nothing() -> None:
    made, objects = World(numbered(50), keep=True), MemoryObjects()
    copy_keeping(made, objects)
    assert objects.bodies == {}
    assert marks_of_copy(objects, "prefs-v2", 0, ("pk",)) == {}


def test_quarantine_and_skipped_are_read_of_one_segment_alone() -> None:
    objects = MemoryObjects()
    objects.put("quarantine/m/copy/000003/000001.jsonl", b'{"sourceKey":{"pk":{"N":"1.0"}}}')
    objects.put(
        "skipped/m/copy/000003/000009.jsonl",
        b'{"sourceKey":{"pk":{"N":"2"}}}\n{"sourceKey":{"pk":{"N":"1"}}}',
    )
    objects.put("skipped/m/copy/000004/000009.jsonl", b'{"sourceKey":{"pk":{"N":"3"}}}')
    objects.put("skipped/other/copy/000003/000009.jsonl", b'{"sourceKey":{"pk":{"N":"4"}}}')
    assert marks_of_copy(objects, "m", 3, ("pk",)) == {
        b'[{"N":"1"}]': QUARANTINED | SKIPPED,
        b'[{"N":"2"}]': SKIPPED,
    }


@pytest.mark.parametrize("pages", [1, 2])
def test_a_repeated_page_replaces_its_own_notes(pages: int) -> None:
    objects = MemoryObjects()
    folder = SkippedFolder(objects, "m", 0)
    for _ in range(pages):
        folder.store(5, [{"sourceKey": {"pk": {"S": "ü"}}}])
    assert list(marks_of_copy(objects, "m", 0, ("pk",)).values()) == [SKIPPED]
