import pytest

from tableferry.errors import InvalidSpecError, ItemError
from tableferry.items import from_typed
from tableferry.transform import Transform
from tests.unit.transform.applying import Typed, applied, refusal

ITEM = {"id": {"S": "1"}, "prefType": {"S": "colour"}}
ODD_NAMES = ["it's", 'a"b', "a\\b", "a\nb", "😀", "select", "a.b", "{% x %}", "#n", " "]


def rename(source: str, target: str) -> dict[str, dict[str, str]]:
    return {"rename": {"from": source, "to": target}}


def test_rename_moves_the_value_to_the_new_name() -> None:
    changed = applied([rename("prefType", "preferenceType")], ITEM)
    assert changed == {"id": {"S": "1"}, "preferenceType": {"S": "colour"}}


def test_rename_leaves_an_item_without_the_attribute_alone() -> None:
    assert applied([rename("absent", "id")], ITEM) == ITEM


def test_rename_onto_an_attribute_that_the_item_has_is_refused_for_one_would_be_lost() -> None:
    cause = refusal([rename("prefType", "id")], ITEM)
    assert cause == (
        'transform[0].rename: the item has "prefType" and "id"; renaming would lose one of them'
    )


@pytest.mark.parametrize("name", ODD_NAMES)
def test_attribute_names_are_data(name: str) -> None:
    steps: list[Typed] = [
        rename("id", name),
        {"default": {"attribute": name, "value": "unused"}},
        {"cast": {"attribute": name, "to": "N"}},
        rename(name, name + name),
        {"set": {"attribute": name, "value": 2}},
        {"remove": [name]},
    ]
    assert applied(steps, {"id": {"S": "1"}}) == {name + name: {"N": "1"}}


def test_steps_apply_in_their_order() -> None:
    swap = [rename("a", "kept"), rename("b", "a"), rename("kept", "b")]
    assert applied(swap, {"a": {"S": "1"}, "b": {"S": "2"}}) == {"a": {"S": "2"}, "b": {"S": "1"}}


def test_set_replaces_what_was_there() -> None:
    steps = [{"set": {"attribute": "id", "value": 2}}]
    assert applied(steps, ITEM) == {**ITEM, "id": {"N": "2"}}


def test_default_sets_only_where_the_attribute_is_absent() -> None:
    steps = [{"default": {"attribute": name, "value": "new"}} for name in ("null", "empty", "none")]
    item = {"null": {"NULL": True}, "empty": {"S": ""}}
    assert applied(steps, item) == {**item, "none": {"S": "new"}}


def test_default_does_not_evaluate_an_expression_that_it_does_not_need() -> None:
    steps = [{"default": {"attribute": "id", "value": "{% $error('never') %}"}}]
    assert applied(steps, ITEM) == ITEM


def test_remove_takes_away_what_is_there_and_no_more() -> None:
    assert applied([{"remove": ["prefType", "absent"]}], ITEM) == {"id": {"S": "1"}}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", "0"),
        ("-0.0", "0"),
        ("+7", "7"),
        ("007.50", "7.5"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("1" + "0" * 125, "1E+125"),
        ("9.9999999999999999999999999999999999999E+125",) * 2,
        ("1E-130", "1E-130"),
        ("-0.00000000000000000000000000000000000012", "-0.00000000000000000000000000000000000012"),
    ],
)
def test_cast_to_a_number_keeps_every_digit_in_one_spelling(text: str, number: str) -> None:
    steps = [{"cast": {"attribute": "n", "to": "N"}}]
    assert applied(steps, {"n": {"S": text}}) == {"n": {"N": number}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not a number"),
        (" 1", "is not a number"),
        ("1_000", "is not a number"),
        ("0x10", "is not a number"),
        ("NaN", "is not a number"),
        ("Infinity", "is not a number"),
        ("١٢", "is not a number"),
        ("1" * 39, "has 39 significant digits; DynamoDB holds 38"),
        ("1E126", "is beyond 1E-130 to 9.99E+125, the range of DynamoDB"),
        ("1E-131", "is beyond 1E-130 to 9.99E+125, the range of DynamoDB"),
        ("1E99999999999999999999", "is beyond 1E-130 to 9.99E+125, the range of DynamoDB"),
    ],
)
def test_cast_refuses_text_that_no_number_of_dynamodb_equals(text: str, reason: str) -> None:
    cause = refusal([{"cast": {"attribute": "n", "to": "N"}}], {"n": {"S": text}})
    assert cause.startswith('transform[0].cast: "n" is "')
    assert cause.endswith(f", which {reason}")


def test_cast_to_text_gives_the_number_as_dynamodb_returned_it() -> None:
    number = "-1234567890.1234567890123456789012345678"
    steps = [{"cast": {"attribute": "n", "to": "S"}}]
    assert applied(steps, {"n": {"N": number}}) == {"n": {"S": number}}


def test_cast_leaves_an_item_without_the_attribute_alone() -> None:
    assert applied([{"cast": {"attribute": "absent", "to": "N"}}], ITEM) == ITEM


@pytest.mark.parametrize(("kind", "value"), [("N", "1"), ("BOOL", True), ("NULL", True), ("L", [])])
def test_cast_of_another_type_is_refused_by_name(kind: str, value: object) -> None:
    cause = refusal([{"cast": {"attribute": "n", "to": "N"}}], {"n": {kind: value}})
    assert cause == f'transform[0].cast: "n" is of type {kind}, which has no cast to N'


def test_apply_leaves_the_given_item_as_it_is() -> None:
    item = from_typed(ITEM)
    before = dict(item)
    steps: list[Typed] = [
        rename("id", "key"),
        {"remove": ["prefType"]},
        {"set": {"attribute": "a", "value": 1}},
    ]
    Transform.compile(steps).apply(item)
    assert item == before


def test_an_item_that_fails_in_a_late_step_is_left_as_it_is() -> None:
    item = from_typed(ITEM)
    before = dict(item)
    with pytest.raises(ItemError):
        Transform.compile([{"remove": ["id"]}, {"filter": "{% $error() %}"}]).apply(item)
    assert item == before


def test_no_steps_are_the_identity_and_copy_nothing() -> None:
    transform = Transform.compile([])
    item = from_typed(ITEM)
    assert transform.is_identity
    assert transform.apply(item) is item


@pytest.mark.parametrize(
    ("steps", "may_filter"),
    [
        ([{"remove": ["a"]}], False),
        ([{"remove": ["a"]}, {"filter": "{% a %}"}], True),
    ],
)
def test_a_transform_knows_whether_it_may_leave_items_out(steps: list, may_filter: bool) -> None:
    transform = Transform.compile(steps)
    assert transform.has_filter is may_filter
    assert transform.reads == (None if may_filter else frozenset())
    assert not transform.is_identity


def test_the_fingerprint_tells_steps_apart_and_not_spellings_of_one_number() -> None:
    def fingerprint(value: object, attribute: str = "a") -> str:
        return Transform.compile([{"set": {"attribute": attribute, "value": value}}]).fingerprint

    assert fingerprint(2) == fingerprint(2.0)
    assert len({fingerprint(2), fingerprint("2"), fingerprint(True), fingerprint(2, "b")}) == 4


def test_compile_raises_every_problem_at_once() -> None:
    with pytest.raises(InvalidSpecError) as caught:
        Transform.compile([{"remove": []}, {"renamed": {}}])
    assert [p.path for p in caught.value.problems] == [
        "transform[0].remove",
        "transform[1].renamed",
    ]
