"""`$uuid5` and `$sha256` against what Node's crypto and JSON.stringify, and Python's uuid, compute.

docs/transforms.md shows both programs.
"""

import hashlib
import json
import uuid
from typing import Any

import pytest

from tests.unit.transform.applying import applied, evaluated, fault

DNS = "6BA7B810-9dad-11d1-80b4-00c04fd430c8"
# value, uuid5 in "flights", uuid5 in DNS, sha256
VECTORS: list[tuple[Any, str, str, str]] = [
    (
        "",
        "8cce7fc2-be4f-5616-bdc7-50ac6937c015",
        "4ebd0208-8328-5d69-8c44-ec50939c0967",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        "JFK",
        "9abc70cc-1c43-5c6d-ae72-f715ff04802a",
        "db1e62de-ad9b-50d6-8014-9679b76b2a85",
        "2e17bfe25968dbcf4c7ff9e1977dec063be527795086c1f3ea4376cfc4c82180",
    ),
    (
        'Zürich 😀 "q"\\\n',
        "7d73590f-697a-5400-af38-73082e6bf7d3",
        "a7741716-43f3-5f3d-83fc-28a57edb104b",
        "b43d1f10841b62eaa9d6b440571958a086903c036b0a048c23aa55b2c29896e3",
    ),
    (
        ["JFK", 12],
        "25ad0d09-7e8b-5942-98aa-1c3895e4edda",
        "0ffccc4b-c556-540e-9790-494ed772746d",
        "55f0cb90387961bcea21ef71699739c129be101aa227add145d9905fc7f245e5",
    ),
    (
        ["JFK", "12"],
        "4f600e4b-3d03-5f7b-a163-7d90fbb34417",
        "3bd58762-af07-580d-9f95-c4ee2bd7dc71",
        "88c18f13f25576329f37ad53c27fe5925e179b73d997bc09b3fc0780d560ffeb",
    ),
    (
        [12],
        "b3b3f46a-45b0-5348-ab7f-dd9bcf2503c2",
        "79a6c915-a515-51aa-b6eb-b4903bf91344",
        "568f15e9fe7bcf0adbe2836f7b2c521ab414bcb65c1224ee0feda777965886f7",
    ),
    (
        [0.5, -3, 1e21, 1e-7, 123456789012345680000, 1234567890123456],
        "cdfce11b-55a1-5088-a56b-a4d3901375c9",
        "dfab7cff-a49f-57dd-afc4-77b2420a5147",
        "8e61d9864f5bc0e4a31546b3df9180b7dfeca0cde9f68e1087278a7a16bf6c4b",
    ),
    (
        [True, None, ["x", []]],
        "d5208f91-5e0c-505c-991e-8b597fb71d22",
        "52b90230-fc11-51b3-8238-9d084d9cb24a",
        "831884e3eeb1d5a79f03d679b0af2ed9324fb8bee5e416954d2f45d914572819",
    ),
    (
        [],
        "6bbf3ad7-cf90-5414-a1b2-f74bd7e7fec4",
        "3a332da2-150b-5761-b9ad-6084b75a3c80",
        "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
    ),
]


def of_value(value: Any, expression: str) -> str:
    """What the expression gives where the item's attribute `v` holds the value."""
    steps = [
        {"set": {"attribute": "v", "value": value}},
        {"set": {"attribute": "result", "value": f"{{% {expression} %}}"}},
    ]
    changed = applied(steps, {})
    assert changed is not None
    found: str = changed["result"]["S"]
    return found


@pytest.mark.parametrize(("value", "in_flights", "in_dns", "digest"), VECTORS)
def test_applications_in_javascript_compute_the_same(
    value: Any, in_flights: str, in_dns: str, digest: str
) -> None:
    assert of_value(value, "$uuid5('flights', v)") == in_flights
    assert of_value(value, f"$uuid5('{DNS}', v)") == in_dns
    assert of_value(value, "$sha256(v)") == digest


@pytest.mark.parametrize(
    "value", ["JFK", "Zürich 😀", ["JFK", 12], ["é", True, None, -1, 0.25], []]
)
def test_applications_in_python_compute_the_same(value: Any) -> None:
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = value if isinstance(value, str) else compact
    flights = uuid.uuid5(uuid.NAMESPACE_URL, "flights")
    assert of_value(value, "$uuid5('flights', v)") == str(uuid.uuid5(flights, text))
    assert of_value(value, f"$uuid5('{DNS}', v)") == str(uuid.uuid5(uuid.NAMESPACE_DNS, text))
    assert of_value(value, "$sha256(v)") == hashlib.sha256(text.encode()).hexdigest()


def test_an_array_built_in_the_expression_counts_like_one_of_the_item() -> None:
    item = {"origin": {"S": "JFK"}, "id": {"N": "12"}}
    expected = "25ad0d09-7e8b-5942-98aa-1c3895e4edda"
    assert evaluated("$uuid5('flights', [origin, id])", item) == {"S": expected}
    assert evaluated("[origin, id] ~> $uuid5('flights', ?)", item) == {"S": expected}
    assert evaluated("$uuid5('flights', [origin, $string(id)])", item) != {"S": expected}


def test_two_keys_are_never_confused_as_a_concatenation_would() -> None:
    first = {"a": {"S": "x#"}, "b": {"S": "y"}}
    second = {"a": {"S": "x"}, "b": {"S": "#y"}}
    assert evaluated("a & b", first) == evaluated("a & b", second)
    assert evaluated("$sha256([a, b])", first) != evaluated("$sha256([a, b])", second)


@pytest.mark.parametrize(
    "text", ["6ba7b8109dad11d180b400c04fd430c8", "{" + DNS + "}", "urn:uuid:" + DNS]
)
def test_only_the_usual_spelling_of_a_uuid_is_a_namespace_of_its_own(text: str) -> None:
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, text)
    assert of_value("x", f"$uuid5('{text}', v)") == str(uuid.uuid5(namespace, "x"))


@pytest.mark.parametrize("value", ["12", "true", "null", "{'a': 1}", "$sum"])
def test_a_value_that_is_neither_text_nor_an_array_is_refused(value: str) -> None:
    reason = "the value must be text or an array; [value] is the array of one"
    assert fault(f"$sha256({value})") == f"$sha256: {reason}"
    assert fault(f"$uuid5('ns', {value})") == f"$uuid5: {reason}"


@pytest.mark.parametrize("value", ["[{'a': 1}]", "[['x', [{}]]]", "[$sum]"])
def test_an_object_in_the_array_is_refused_for_its_order_is_nobody_s_to_know(value: str) -> None:
    assert "has no order of members to rely on" in fault(f"$sha256({value})")


def test_an_undefined_argument_gives_undefined() -> None:
    undefined = "the expression gives no value (undefined) for this item"
    for expression in ("$sha256(absent)", "$uuid5('ns', absent)", "$uuid5(absent, 'x')"):
        assert fault(expression) == undefined


def test_a_namespace_is_text() -> None:
    assert fault("$uuid5(12, 'x')") == "$uuid5: 12 is not text"
