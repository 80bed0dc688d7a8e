from typing import Any

import pytest

from tableferry.checking.sampling import (
    Sample,
    Verdict,
    collisions,
    judge,
    take_sample,
    types_of,
    verdict,
)
from tableferry.items import from_typed
from tableferry.segments.copying import KeyRules
from tableferry.transform import Transform

RULES = KeyRules(("id",), {"id": "S", "age": "N"})


def sampled(
    items: list[dict[str, Any]],
    *steps: dict[str, Any],
    rules: KeyRules = RULES,
    is_all: bool = True,
) -> Sample:
    transform = Transform.compile(steps)
    wire = [from_typed(item) for item in items]
    return judge(take_sample(wire, transform, ["pk"], is_all=is_all), rules)


def of(sample: Sample, *, cleans: bool = False, quarantines: bool = False) -> Verdict:
    return verdict(sample, RULES.primary, "transform", quarantines=quarantines, cleans=cleans)


def good(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"p{number}"}, "id": {"S": f"i{number}"}}


def test_good_items_raise_no_word() -> None:
    assert of(sampled([good(1), good(2)])) == Verdict([], None, [])


def test_an_empty_table_raises_no_word() -> None:
    assert of(sampled([])) == Verdict([], None, [])


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        pytest.param({"pk": {"S": "p"}}, "'id' is not in the item", id="key-absent"),
        pytest.param({"pk": {"S": "p"}, "id": {"N": "1"}}, "must be of type S", id="wrong-type"),
        pytest.param({"pk": {"S": "p"}, "id": {"S": ""}}, "is empty", id="empty-key"),
        pytest.param({**good(1), "age": {"S": "x"}}, "'age' must be of type N", id="index-key"),
        pytest.param({**good(1), "x": {"S": "y" * 409_600}}, "400 KB", id="too-large"),
    ],
)
def test_what_every_item_shows_is_a_problem_of_the_spec(item: dict[str, Any], reason: str) -> None:
    (problem,) = of(sampled([item])).problems
    assert problem.path == "transform"
    assert reason in problem.rule
    assert problem.value == {"pk": item["pk"]}


def test_what_some_items_show_is_a_warning_that_names_them() -> None:
    bad = {"pk": {"S": "bad"}, "id": {"N": "1"}}
    found = of(sampled([good(1), bad]))
    assert found.problems == []
    (warning,) = found.warnings
    assert "1 of 2 sampled items" in warning
    assert '{"pk":{"S":"bad"}}' in warning


def test_nothing_is_deleted_for_a_run_that_is_known_to_fail() -> None:
    bad = {"pk": {"S": "bad"}, "id": {"N": "1"}}
    (problem,) = of(sampled([good(1), bad]), cleans=True).problems
    assert problem.path == "cleanDestination"
    assert of(sampled([good(1), bad]), cleans=True, quarantines=True).problems == []


def test_a_step_that_does_not_fit_is_named_with_its_item() -> None:
    items = [good(1), {**good(2), "n": {"S": "no number"}}]
    found = of(sampled(items, {"cast": {"attribute": "n", "to": "N"}}))
    assert "transform[0]" in found.warnings[0]
    assert "p2" in found.warnings[0]


def test_filtered_items_are_not_judged() -> None:
    sample = sampled([good(1), {"pk": {"S": "x"}}], {"filter": "{% $exists(id) %}"})
    assert (sample.filtered, of(sample)) == (1, Verdict([], None, []))


def test_a_filter_that_drops_everything_is_a_warning() -> None:
    found = of(sampled([good(1)], {"filter": "{% false %}"}))
    assert "drops every one" in found.warnings[0]


def test_items_that_share_a_destination_key_are_named_both() -> None:
    twin = {"pk": {"S": "twin"}, "id": {"S": "i1"}}
    sample = sampled([good(1), good(2), twin])
    (collision,) = collisions(sample, ["id"])
    assert collision.source_keys == [{"pk": {"S": "p1"}}, {"pk": {"S": "twin"}}]
    assert collision.key == {"id": {"S": "i1"}}
    found = of(sample)
    assert found.collision is None
    assert (
        '{"pk":{"S":"p1"}} and {"pk":{"S":"twin"}} both map to {"id":{"S":"i1"}}'
        in found.warnings[0]
    )
    assert of(sample, cleans=True).collision


def test_numbers_that_are_equal_are_one_key() -> None:
    rules = KeyRules(("id",), {"id": "N"})
    items = [{"pk": {"S": str(n)}, "id": {"N": spelt}} for n, spelt in enumerate(["1", "1.0", "2"])]
    assert len(collisions(sampled(items, rules=rules), ["id"])) == 1


def test_a_key_that_every_item_shares_with_another_is_hopeless() -> None:
    items = [{"pk": {"S": str(n)}, "id": {"S": "same"}} for n in range(10)]
    assert of(sampled(items)).collision
    assert of(sampled(items[:9])).collision is None


def test_three_items_are_shown_before_and_after_migrated_ones_first() -> None:
    items = [good(n) for n in range(5)]
    sample = sampled(items, {"filter": "{% id != 'i0' %}"}, {"remove": ["pk"]})
    shown = sample.to_json()
    assert [each["after"] for each in shown] == [{"id": {"S": f"i{n}"}} for n in (1, 2, 3)]
    assert [each["before"] for each in shown] == [good(n) for n in (1, 2, 3)]
    shown = sampled(items[:1], {"filter": "{% false %}"}).to_json()
    assert shown == [{"before": good(0), "after": None}]


def test_types_are_those_of_migrated_items_that_have_the_attribute() -> None:
    items = [good(1), {**good(2), "n": {"N": "1"}}, {**good(3), "n": {"S": "1"}}]
    sample = sampled(items)
    assert (types_of(sample, "n"), types_of(sample, "id"), types_of(sample, "x")) == (
        {"N", "S"},
        {"S"},
        set(),
    )
