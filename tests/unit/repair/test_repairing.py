"""Repair: what differs is mended, and nothing that somebody else wrote meanwhile is lost."""

from collections.abc import Callable
from typing import Any

import pytest

from tableferry.errors import PermissionMissingError
from tableferry.repair.repair_work import SLICE
from tableferry.repair.repairing import Action, planned_action
from tableferry.verification.differences import Kind
from tests.content_worlds import ContentWorld
from tests.fakes import Faults, Request
from tests.memory_table import Item
from tests.worlds import KilledError, Mortal, numbered

KEY = {"pk": {"S": "item-0001"}}
RIGHT: Item = {**KEY, "n": {"N": "1"}, "kept": {"SS": ["a", "b"]}, "deep": {"L": [{"N": "1"}]}}
Change = Callable[[ContentWorld], None]


def one(held: Item | None, source: Item | None = RIGHT, **options: Any) -> ContentWorld:
    """Two tables of one key, compared."""
    made = ContentWorld([source] if source else [], held=[held] if held else [], **options)
    made.verify()
    assert len(made.differences()) == 1
    return made


def held_item(made: ContentWorld) -> Item | None:
    return made.destination.items.get(made.destination.identity(KEY))


WRONG = {
    "missing": None,
    "a value": {**RIGHT, "n": {"N": "2"}},
    "a type": {**RIGHT, "n": {"S": "1"}},
    "deep": {**RIGHT, "deep": {"L": [{"N": "2"}]}},
    "a set": {**RIGHT, "kept": {"SS": ["a"]}},
    "too much": {**RIGHT, "more": {"NULL": True}},
    "too little": {name: value for name, value in RIGHT.items() if name != "deep"},
    "all of it": {**KEY, "other": {"B": "eA=="}},
    "key only": KEY,
}


@pytest.mark.parametrize("held", WRONG.values(), ids=WRONG)
def test_what_differs_becomes_what_the_source_is(held: Item | None) -> None:
    made = one(held)
    counts = made.repair()
    assert (counts.written, counts.skipped, counts.deleted) == (1, 0, 0)
    assert made.is_equal()
    assert made.look_again()["match"] is True


def test_many_differences_in_both_directions() -> None:
    items = numbered(300)
    held: list[Item] = [{**each, "n": {"S": "x"}} for each in items[100:]]
    held += [{"pk": {"S": f"extra-{n}"}} for n in range(50)]
    made = ContentWorld(items, held=held, partitions=3)
    made.verify()
    counts = made.repair(delete_extras=True)
    assert (counts.written, counts.deleted, counts.skipped) == (300, 50, 0)
    assert made.is_equal()


def test_a_repair_that_takes_many_invocations_goes_on_where_the_last_one_was() -> None:
    items = numbered(900)
    held: list[Item] = [{**each, "n": {"S": "x"}} for each in items]
    made = ContentWorld(items, held=held, partitions=1, chunk=1000)
    made.verify()
    compared = next(record for record in made.compared() if record.objects)
    assert len(compared.objects) == 1, "all of it is one object, which no invocation can finish"
    looks = 0

    def take_time(moment: str, **facts: Any) -> None:
        nonlocal looks
        if moment == "looked to repair":
            looks += 1
            made.clock.sleep(1)

    invocations = 1
    while not made.repair_partition(compared, seconds=700, hook=take_time):
        invocations += 1
        assert invocations < 10
    assert invocations > 1
    assert made.is_equal()
    # Before and after each write; and once more for what was in hand when time was up.
    assert looks <= 2 * len(items) + invocations * SLICE
    told = made.repaired()
    assert {each["key"]["pk"]["S"] for each in told} == {each["pk"]["S"] for each in items}
    assert len(told) == len(items), "each is told of once"


def test_extras_are_deleted_only_where_that_was_said() -> None:
    made = one(RIGHT, None)
    counts = made.repair()
    assert (counts.deleted, counts.skipped) == (0, 1)
    [told] = made.repaired()
    assert (told["action"], "deleteExtras" in told["reason"]) == ("leave", True)
    assert held_item(made) == RIGHT
    # The differences are repaired again from the same list, by another execution.
    made.look_again()
    assert made.repair(delete_extras=True).deleted == 1
    assert held_item(made) is None


def test_items_of_very_many_attributes_are_changed_in_parts() -> None:
    many = {f"a{number:03}": {"N": str(number)} for number in range(250)}
    others = {f"a{number:03}": {"S": "x"} for number in range(100, 350)}
    made = one({**KEY, **others}, {**KEY, **many})
    assert made.repair().written == 1
    assert made.is_equal()
    assert made.dynamo.count("UpdateItem") == 4


def test_a_very_large_extra_item_is_deleted_too() -> None:
    made = one({**KEY, **{f"a{number:03}": {"N": "1"} for number in range(250)}}, None)
    assert made.repair(delete_extras=True).deleted == 1


def test_a_collision_is_left_as_it_is() -> None:
    items = [{"pk": {"S": name}, "group": {"S": "x"}} for name in "ab"]
    made = ContentWorld(items, held=items[:1], destination_keys={"group": "S"})
    made.verify()
    assert made.repair().skipped == 1
    assert "several source items" in made.repaired()[0]["reason"]


def test_what_is_equal_by_now_is_left_alone() -> None:
    made = one(None)
    made.destination.put(RIGHT)
    counts = made.repair()
    assert (counts.written, counts.skipped) == (0, 0)
    assert made.repaired()[0]["action"] == "leave"
    assert made.dynamo.count("PutItem") == 0


def test_the_source_as_it_is_by_now_is_what_counts() -> None:
    made = one(None)
    made.source.put({**RIGHT, "n": {"N": "7"}})
    made.repair()
    assert made.is_equal()


def test_without_permission_nothing_is_changed_and_it_is_said() -> None:
    made = one({**RIGHT, "n": {"N": "2"}})
    before = made.destination.content()
    made.dynamo.denied = {"UpdateItem"}
    with pytest.raises(PermissionMissingError, match="UpdateItem"):
        made.repair()
    assert made.destination.content() == before
    made.dynamo.denied = set()
    made.repair()
    assert made.is_equal()


def test_an_item_that_the_destination_refuses_is_left_and_named() -> None:
    made = one(None, {**RIGHT, "index": {"N": "1"}})
    made.destination.index_keys = {"index": "S"}
    assert made.repair().skipped == 1
    assert "index" in made.repaired()[0]["reason"]


@pytest.mark.parametrize(
    ("kind", "deletes", "action"),
    [
        (Kind.MISSING, False, Action.PUT),
        (Kind.DIFFERENT, False, Action.CHANGE),
        (Kind.EXTRA, False, Action.LEAVE),
        (Kind.EXTRA, True, Action.DELETE),
        (Kind.COLLISION, True, Action.LEAVE),
    ],
)
def test_the_plan_says_what_would_be_done(kind: Kind, deletes: bool, action: Action) -> None:
    assert planned_action(kind, delete_extras=deletes) is action


# --- others write meanwhile ---


def add_attribute(made: ContentWorld) -> None:
    made.destination.put({**(held_item(made) or KEY), "theirs": {"S": "new"}})


def change_attribute(made: ContentWorld) -> None:
    made.destination.put({**(held_item(made) or KEY), "n": {"S": "theirs"}})


def replace_item(made: ContentWorld) -> None:
    made.destination.put({**KEY, "theirs": {"S": "all of it"}})


def at_request(made: ContentWorld, number: int, change: Change) -> list[int]:
    """Has the change made just before that request reaches the table; tells when it was."""
    seen = [0]

    def arriving(operation: str, request: Request) -> None:
        seen[0] += 1
        if seen[0] == number:
            with made.dynamo._lock:
                change(made)

    made.dynamo.arriving = arriving
    return seen


def requests_of_a_repair(held: Item | None, source: Item | None) -> int:
    made = one(held, source)
    seen = at_request(made, -1, add_attribute)
    made.repair(delete_extras=True)
    return seen[0]


def theirs_is_there(made: ContentWorld, change: Change) -> bool:
    item = held_item(made) or {}
    if change is change_attribute:
        return item.get("n") == {"S": "theirs"}
    return "theirs" in item


@pytest.mark.parametrize("change", [add_attribute, change_attribute, replace_item])
@pytest.mark.parametrize(
    ("held", "source"),
    [(None, RIGHT), ({**RIGHT, "n": {"N": "2"}}, RIGHT), (RIGHT, None)],
    ids=["missing", "different", "extra"],
)
def test_what_somebody_writes_at_any_moment_survives(
    held: Item | None, source: Item | None, change: Change
) -> None:
    requests = requests_of_a_repair(held, source)
    assert requests >= 4
    for number in range(1, requests + 1):
        made = one(held, source)
        at_request(made, number, change)
        made.repair(delete_extras=True)
        made.dynamo.arriving = lambda operation, request: None
        assert theirs_is_there(made, change), number
        # It is no match, and no repair said that it was.
        assert made.look_again()["match"] is False, number


def test_what_could_not_be_put_back_is_told_whole() -> None:
    made = one(RIGHT, None)

    def arriving(operation: str, request: Request) -> None:
        with made.dynamo._lock:
            if operation == "DeleteItem":
                add_attribute(made)
            elif operation == "PutItem":
                replace_item(made)

    made.dynamo.arriving = arriving
    made.repair(delete_extras=True)
    [told] = made.repaired()
    assert held_item(made) == {**KEY, "theirs": {"S": "all of it"}}
    assert told["deleted"] == {**RIGHT, "theirs": {"S": "new"}}
    assert "put back; what was deleted stands here" in told["reason"]


@pytest.mark.parametrize("held", [None, {**RIGHT, "n": {"N": "2"}}], ids=["missing", "different"])
def test_a_source_that_moves_on_at_any_moment_wins(held: Item | None) -> None:
    def write_source(made: ContentWorld) -> None:
        made.source.put({**RIGHT, "n": {"N": "99"}, "later": {"BOOL": True}})

    for number in range(1, requests_of_a_repair(held, RIGHT) + 1):
        made = one(held)
        at_request(made, number, write_source)
        made.repair()
        made.dynamo.arriving = lambda operation, request: None
        # A write after the last look is the next pass's: the comparison that follows shows it.
        assert made.is_equal() or made.look_again()["match"] is False, number
        made.repair()
    assert made.dynamo.count("Scan") == 2


def test_a_source_that_never_stands_still_is_left_after_some_tries() -> None:
    made = one(None)
    writes = [0]

    def arriving(operation: str, request: Request) -> None:
        writes[0] += 1
        made.source.put({**RIGHT, "n": {"N": str(writes[0])}})

    made.dynamo.arriving = arriving
    assert made.repair().skipped == 1
    assert "again and again" in made.repaired()[0]["reason"]


# --- what breaks ---


@pytest.mark.parametrize("does_it", [False, True], ids=["before", "after"])
def test_killed_at_every_single_request_it_is_finished_by_the_next(does_it: bool) -> None:
    items = numbered(12)
    held: list[Item] = [{**each, "n": {"S": "x"}} for each in items[4:]]
    held.append({"pk": {"S": "extra"}})

    def compared() -> ContentWorld:
        made = ContentWorld(items, held=held, chunk=5)
        made.verify()
        return made

    calm = Mortal()
    compared().repair(delete_extras=True, mortal=calm)
    for request in range(1, calm.requests + 1):
        made = compared()
        with pytest.raises(KilledError):
            made.repair(delete_extras=True, mortal=Mortal(request, does_it=does_it))
        made.repair(delete_extras=True)
        assert made.is_equal(), request
        assert made.look_again()["match"] is True


@pytest.mark.parametrize("seed", range(20))
def test_throttles_faults_and_lost_answers_change_nothing_in_the_end(seed: int) -> None:
    items = numbered(40)
    held: list[Item] = [{**each, "n": {"S": "x"}} for each in items[10:]]
    held += [{"pk": {"S": f"extra-{n}"}} for n in range(5)]
    made = ContentWorld(items, held=held)
    made.verify()
    made.dynamo.faults = Faults(seed, rate=0.08)
    made.repair(delete_extras=True)
    made.dynamo.faults = Faults()
    assert made.is_equal()
