"""From state to state: the verdict, what follows it, and what a redrive does."""

import json
from typing import Any

import pytest

from tableferry.errors import VerificationFailedError
from tableferry.model import Work
from tableferry.verification.content_verifying import Standing
from tests.memory_table import Item
from tests.verifying_machine import Machine
from tests.worlds import RUN, numbered

EXTRA: Item = {"pk": {"S": "extra"}}


def differing(**options: Any) -> Machine:
    """One missing, one extra, one different."""
    items = numbered(60)
    held: list[Item] = [{**items[0], "n": {"S": "0"}}, *items[1:-1], EXTRA]
    return Machine(items, held=held, **options)


def mend(made: Machine) -> None:
    made.destination.items.clear()
    made.destination.load(made.source.items.values())


def test_equal_tables_pass_at_once() -> None:
    made = Machine(numbered(60))
    result = made.run()
    assert (result["match"], result["detailsUri"]) == (True, None)
    assert made.entered == ["read", "compare"]
    assert made.remembered == Standing(result=result)


def test_a_difference_fails_with_the_figures_and_all_details() -> None:
    made = differing()
    with pytest.raises(VerificationFailedError) as caught:
        made.run()
    assert "1 missing, 1 extra, 1 different" in caught.value.cause
    assert '"extra"' in caught.value.cause
    result = made.remembered.result
    assert result is not None
    assert result["detailsUri"] == f"s3://artifacts/outcomes/{RUN}.differences.jsonl"
    lines = made.objects.bodies[f"outcomes/{RUN}.differences.jsonl"].splitlines()
    assert {json.loads(line)["kind"] for line in lines} == {"missing", "extra", "different"}


def test_a_redrive_looks_at_the_differences_alone() -> None:
    made = differing()
    for _ in range(2):
        with pytest.raises(VerificationFailedError):
            made.run() if not made.entered else made.redrive()
    mend(made)
    made.dynamo.calls.clear()
    result = made.redrive()
    assert (result["match"], result["sourceItems"], result["destinationItems"]) == (True, 60, 60)
    assert {operation for operation, _ in made.dynamo.calls} == {"BatchGetItem"}
    assert made.entered == ["read", "compare", "compare", "compare"]
    # Passed, it stays passed, should the state be run once more.
    assert made.remembered.failed is False


def test_what_came_and_went_since_the_tables_were_read_is_counted_after_a_redrive() -> None:
    made = differing()
    with pytest.raises(VerificationFailedError):
        made.run()
    del made.source.items[made.source.identity({"pk": {"S": "item-0000"}})]
    mend(made)
    result = made.redrive()
    assert (result["match"], result["sourceItems"], result["destinationItems"]) == (True, 59, 59)


def test_what_was_kept_is_still_counted_after_a_redrive() -> None:
    items = numbered(10)
    made = Machine(items, held=[*items[:-1], EXTRA], keep=True)
    with pytest.raises(VerificationFailedError):
        made.run()
    made.destination.put(items[-1])
    result = made.redrive()
    assert (result["match"], result["kept"], result["sourceItems"]) == (True, 1, 10)


def test_a_verdict_that_dies_is_no_match_and_is_given_again() -> None:
    made = Machine(numbered(30))
    made.run()
    standing = made.remembered
    Standing(round=standing.round, comparison=standing.comparison, failed=True).keep(made.log, RUN)
    assert made.redrive()["match"] is True


def crowded(count: int) -> Machine:
    """So many source items that all map to one destination key, where one of them stands."""
    items: list[Item] = [{**each, "group": {"S": "x"}} for each in numbered(count)]
    return Machine(items, held=[items[0]], destination_keys={"group": "S"})


def test_every_item_of_a_collision_counts_also_where_not_every_one_is_named() -> None:
    made = crowded(250)
    with pytest.raises(VerificationFailedError, match="249 missing"):
        made.run()
    [sample] = (made.remembered.result or {})["sample"]
    assert (sample["kind"], len(sample["sourceKeys"])) == ("collision", 100)


def test_a_collision_is_not_gone_when_the_items_that_were_named_are() -> None:
    made = crowded(250)
    with pytest.raises(VerificationFailedError):
        made.run()
    [sample] = (made.remembered.result or {})["sample"]
    for key in sample["sourceKeys"]:
        del made.source.items[made.source.identity(key)]
    made.destination.items.clear()
    with pytest.raises(VerificationFailedError, match="150 missing"):
        made.redrive()
    assert made.entered == ["read", "compare", "read", "compare"]


def test_an_incomplete_reading_says_nothing_and_a_redrive_reads_again() -> None:
    made = Machine(numbered(60), segments=2)
    made.run()
    made.entered.clear()
    standing = made.remembered
    del made.ledger.segment_records[RUN, Work.DIGEST_SOURCE, 1]
    Standing(standing.round, standing.comparison, standing.since).keep(made.log, RUN)
    with pytest.raises(VerificationFailedError, match="incomplete"):
        made.redrive()
    assert made.remembered.incomplete
    assert made.redrive()["match"] is True
    assert made.entered == ["read", "compare"]
    assert made.remembered.round == standing.round + 1


def test_digests_that_are_gone_say_nothing_and_a_redrive_reads_again() -> None:
    made = Machine(numbered(60))
    made._read()
    for key in made.objects.keys("digests"):
        del made.objects.bodies[key]
    with pytest.raises(VerificationFailedError, match="incomplete"):
        made._go("compare")
    assert made.redrive()["match"] is True


def test_names_that_are_spoilt_say_nothing_and_a_redrive_reads_again() -> None:
    made = differing()
    made._read()
    for key in made.objects.keys("digests"):
        made.objects.bodies[key] = made.objects.bodies[key].replace(b'{"pk"', b'{"pk;')
    with pytest.raises(VerificationFailedError, match="incomplete"):
        made._go("compare")
    assert made.remembered.result is None
    with pytest.raises(VerificationFailedError, match="1 missing, 1 extra, 1 different"):
        made.redrive()


def test_differences_that_are_gone_say_nothing_and_a_redrive_reads_again() -> None:
    made = differing()
    with pytest.raises(VerificationFailedError, match="1 missing"):
        made.run()
    mend(made)
    standing = made.remembered
    Standing(standing.round, standing.comparison, standing.since).keep(made.log, RUN)
    for key in made.objects.keys("digests"):
        if "/differences/" in key:
            del made.objects.bodies[key]
    with pytest.raises(VerificationFailedError, match="incomplete"):
        made.redrive()
    assert made.redrive()["match"] is True


# --- repair ---


def test_repair_is_followed_by_a_new_reading_of_both_tables() -> None:
    made = differing(fields={"repair": True, "deleteExtras": True})
    result = made.run()
    assert made.entered == ["read", "compare", "repair", "read", "compare"]
    assert (result["match"], result["destinationItems"]) == (True, 60)
    assert (made.total(Work.REPAIR).written, made.total(Work.REPAIR).deleted) == (2, 1)
    assert made.is_equal()


def test_the_details_are_there_when_the_repair_does_not_begin() -> None:
    made = differing(fields={"repair": True})
    made._read()
    assert made._compare() == "repair"
    found = made.remembered.result or {}
    assert found["detailsUri"] == f"s3://artifacts/outcomes/{RUN}.differences.jsonl"
    assert len(made.objects.bodies[f"outcomes/{RUN}.differences.jsonl"].splitlines()) == 3


def test_extras_that_are_still_to_be_searched_for_are_no_verdict() -> None:
    made = derived(10)
    made.destination.put({"id": {"S": "nobody"}})
    made._read()
    assert made._compare() == "search"
    assert made.remembered.result is None


def test_there_is_one_repair_and_what_is_left_fails() -> None:
    made = differing(fields={"repair": True})
    with pytest.raises(VerificationFailedError, match="1 extra"):
        made.run()
    assert made.entered == ["read", "compare", "repair", "read", "compare"]
    made.destination.items.pop(made.destination.identity(EXTRA))
    assert made.redrive()["match"] is True


def test_a_redrive_may_repair_again() -> None:
    made = differing(fields={"repair": True})
    with pytest.raises(VerificationFailedError):
        made.run()
    made.destination.items.pop(made.destination.identity({"pk": {"S": "item-0003"}}))
    made.destination.items.pop(made.destination.identity(EXTRA))
    made.entered.clear()
    # The item that went since is not among the differences that are looked at again.
    assert made.redrive()["match"] is True
    assert made.entered == ["compare"]


def test_a_repair_that_dies_is_verified_all_the_same() -> None:
    made = differing(fields={"repair": True, "deleteExtras": True})
    made._read()
    assert made._compare() == "repair"
    made.dynamo.denied = {"PutItem"}
    with pytest.raises(Exception, match="PutItem"):
        made._repair()
    made.dynamo.denied = set()
    # The Map's redrive finishes it; the verdict never comes from what was compared before.
    assert made._repair() == "read"
    assert made.remembered.round == 2
    assert made._go("read")["match"] is True


@pytest.mark.parametrize("state", ["read", "compare", "repair"])
def test_every_planning_state_may_run_twice(state: str) -> None:
    made = differing(fields={"repair": True, "deleteExtras": True})
    begun: set[str] = set()

    def twice() -> str:
        if state not in begun:
            begun.add(state)
            original()
        return original()

    original = getattr(made, f"_{state}")
    setattr(made, f"_{state}", twice)
    assert made.run()["match"] is True
    assert made.is_equal()


# --- search ---


DERIVED: dict[str, Any] = {
    "steps": [
        {"set": {"attribute": "id", "value": "{% $uuid5('x', pk) %}"}},
        {"remove": ["pk"]},
    ],
    "destination_keys": {"id": "S"},
}


def derived(count: int) -> Machine:
    """A migration whose destination items do not tell their source keys."""
    made = Machine(numbered(count), held=(), segments=2, **DERIVED)
    for item in made.source.items.values():
        made.destination.put(changed(made, item))
    return made


def changed(made: Machine, item: Item) -> Item:
    from tableferry.items import from_typed, to_typed

    new = made.transform.apply(from_typed(item))
    assert new is not None
    return to_typed(new)


def test_an_extra_item_that_tells_no_source_key_is_looked_for_once() -> None:
    made = derived(40)
    made.destination.put({"id": {"S": "nobody"}})
    with pytest.raises(VerificationFailedError, match="1 extra"):
        made.run()
    assert made.entered == ["read", "compare", "search", "compare"]
    scans = [request for operation, request in made.dynamo.calls if operation == "Scan"]
    assert {request["TableName"] for request in scans[-2:]} == {"Source"}
    # It was looked for: a redrive does not do so again.
    made.entered.clear()
    with pytest.raises(VerificationFailedError):
        made.redrive()
    assert made.entered == ["compare"]


def test_an_item_that_came_after_the_source_was_digested_is_found_and_is_no_difference() -> None:
    made = derived(40)
    read = made._read

    def read_then_insert() -> str:
        digest = made.digest

        def late(work: Work, segment: int, **more: Any) -> bool:
            if work is Work.DIGEST_DESTINATION and not made.source.items.get(identity):
                made.source.put(new)
                made.destination.put(changed(made, new))
            return digest(work, segment, **more)

        made.digest = late  # type: ignore[method-assign]
        return read()

    new: Item = {"pk": {"S": "late"}, "n": {"N": "1"}}
    identity = made.source.identity(new)
    made._read = read_then_insert  # type: ignore[method-assign]
    assert made.run()["match"] is True
    assert made.entered == ["read", "compare", "search", "compare"]


def test_nothing_is_searched_where_items_tell_their_source_key() -> None:
    made = differing()
    with pytest.raises(VerificationFailedError):
        made.run()
    assert "search" not in made.entered
