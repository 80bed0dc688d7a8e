"""What holds for every item and every document, not only for those that someone thought of."""

import base64
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tableferry.errors import ItemError
from tableferry.items import WireItem, from_typed, to_typed
from tableferry.transform import Transform, check_steps
from tableferry.transform.decimals import double_of, json_text, number_text, number_text_of_double

names = st.text(min_size=1, max_size=8)
digits = st.integers(-(10**38) + 1, 10**38 - 1)
number_texts = st.builds(
    lambda d, e: format(Decimal(f"{d}E{e}"), "f"), digits, st.integers(-90, 80)
)
binaries = st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode())


def sets_of(members: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(members, min_size=1, max_size=4, unique=True)


scalars = st.one_of(
    st.builds(lambda s: {"S": s}, st.text(max_size=8)),
    st.builds(lambda n: {"N": n}, number_texts),
    st.builds(lambda b: {"B": b}, binaries),
    st.builds(lambda b: {"BOOL": b}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda s: {"SS": s}, sets_of(st.text(max_size=4))),
    st.builds(lambda n: {"NS": n}, sets_of(digits.map(str))),
    st.builds(lambda b: {"BS": b}, sets_of(binaries)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=4)),
        st.builds(lambda members: {"M": members}, st.dictionaries(st.text(max_size=4), inner)),
    ),
    max_leaves=8,
)
items = st.dictionaries(names, values, max_size=6).map(from_typed)
json_documents = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters()),
        st.sampled_from(
            ["S", "N", "{% a %}", "{% $now() %}", "{%", "%}", "rules:change", "", "\ud800"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.text(max_size=4),
                st.sampled_from(
                    ["rename", "set", "default", "remove", "cast", "filter", "python", "typed"]
                    + ["from", "to", "attribute", "value", "S", "N", "B", "SS", "NS", "L", "M"]
                ),
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=12,
)
step_names = st.sampled_from(["rename", "set", "default", "remove", "cast", "filter", "python"])
steps_of_any_shape = st.lists(st.dictionaries(step_names, json_documents, min_size=1, max_size=2))


def set_on(item: WireItem, **attributes: Any) -> list[dict[str, Any]]:
    free = max((len(name) for name in item), default=0) * "x" + "x"
    return [{"set": {"attribute": free + k, "value": v}} for k, v in attributes.items()]


@given(items, names, names)
def test_what_no_step_touches_arrives_bit_for_bit(item: WireItem, first: str, second: str) -> None:
    touched: list[dict[str, Any]] = [
        {"remove": [first]},
        {"set": {"attribute": second, "value": "{% 1 + 1 %}"}},
    ]
    changed = Transform.compile([*touched, *set_on(item, a=1, b="{% $count([1, 2]) %}")]).apply(
        item
    )
    assert changed is not None
    for name in item.keys() - {first, second}:
        assert bytes(changed[name]) == bytes(item[name])
        assert changed[name] is item[name]


@given(items, names)
def test_a_rename_and_back_is_the_identity(item: WireItem, name: str) -> None:
    free = max((len(each) for each in item), default=0) * "x" + "x"
    back_and_forth = [
        {"rename": {"from": name, "to": free + name}},
        {"rename": {"from": free + name, "to": name}},
    ]
    assert Transform.compile(back_and_forth).apply(item) == item


@given(items)
def test_applying_twice_gives_the_same_bytes(item: WireItem) -> None:
    steps = set_on(
        item,
        text="{% $string($sift($, function($v) { $type($v) != 'number' })) %}",
        keys="{% $keys($) %}",
        id="{% $sha256([$keys($)]) %}",
    )
    transform = Transform.compile(steps)
    before = {name: bytes(value) for name, value in item.items()}
    answers: list[WireItem | str | None] = []
    for given_item in (item, dict(reversed(item.items())), dict(item)):
        try:
            answers.append(transform.apply(given_item))
        except ItemError as error:
            answers.append(error.cause)
    assert answers[0] == answers[1] == answers[2]
    assert {name: bytes(value) for name, value in item.items()} == before


@given(values)
def test_a_value_passes_through_an_expression_unchanged_or_is_refused(value: dict) -> None:
    transform = Transform.compile([{"set": {"attribute": "b", "value": "{% a %}"}}])
    try:
        changed = transform.apply(from_typed({"a": value}))
    except ItemError as error:
        assert "would be changed by a double" in error.cause
        return
    assert changed is not None
    assert to_typed(changed)["b"] == as_jsonata_sees(value)


def as_jsonata_sees(value: dict) -> dict:
    ((kind, content),) = value.items()
    seen: dict[str, Any] = value
    match kind:
        case "N":
            seen = {"N": number_text(content)}
        case "B":
            seen = {"S": content}
        case "NS":
            seen = {"L": [{"N": number} for number in sorted(content, key=int)]}
        case "SS" | "BS":
            seen = {"L": [{"S": member} for member in sorted(content)]}
        case "L":
            seen = {"L": [as_jsonata_sees(member) for member in content]}
        case "M":
            seen = {"M": {name: as_jsonata_sees(member) for name, member in content.items()}}
    return seen


@given(values)
def test_a_typed_constant_is_what_it_says(value: dict) -> None:
    changed = Transform.compile([{"set": {"attribute": "a", "value": {"typed": value}}}]).apply({})
    again = Transform.compile([{"set": {"attribute": "a", "value": {"typed": value}}}]).apply({})
    assert changed is not None
    assert changed == again
    assert spelt(to_typed(changed)["a"]) == spelt(value)


def spelt(value: dict) -> Any:
    """The typed value with its numbers as Decimals, which are equal whatever their spelling."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return Decimal(content)
        case "NS":
            return [Decimal(number) for number in content]
        case "L":
            return [spelt(member) for member in content]
        case "M":
            return {name: spelt(member) for name, member in content.items()}
    return content


@given(number_texts)
def test_a_cast_to_text_and_back_keeps_the_number(text: str) -> None:
    casts = [{"cast": {"attribute": "n", "to": kind}} for kind in ("N", "S", "N")]
    changed = Transform.compile(casts).apply(from_typed({"n": {"S": text}}))
    assert changed is not None
    number = to_typed(changed)["n"]["N"]
    assert Decimal(number) == Decimal(text)
    assert number == number_text(number)


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda f: 1e-130 < abs(f) < 9e125))
def test_a_double_goes_to_dynamodb_and_back_as_itself(value: float) -> None:
    assert float(double_of(number_text_of_double(value))) == value
    assert float(json_text(value)) == value


@settings(max_examples=300)
@given(st.one_of(json_documents, steps_of_any_shape))
def test_a_check_says_what_is_wrong_with_any_document_and_never_fails(document: Any) -> None:
    for problem in check_steps(document):
        assert problem.path.startswith("transform")
        assert problem.rule
        assert problem.remedy
        str(problem).encode("utf-8", "backslashreplace")


@settings(max_examples=300)
@given(
    st.text(st.sampled_from("ab.$[](){}'\"`/\\*%?:;=<>~|^@#,&+- \n0159eExfunctionλ"), max_size=30)
)
def test_a_check_reads_any_text_as_an_expression_without_failing(source: str) -> None:
    steps = [{"filter": f"{{%{source}%}}"}]
    if check_steps(steps):
        return
    try:
        Transform.compile(steps).apply(from_typed({"a": {"N": "1"}, "b": {"L": [{"S": "x"}]}}))
    except ItemError as error:
        assert error.cause.startswith("transform[0].filter: ")
