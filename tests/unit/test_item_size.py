import base64
from typing import Any

import pytest

from tableferry.item_size import item_bytes, write_units
from tableferry.items import from_typed


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param({"a": {"S": ""}}, 1, id="empty-text"),
        pytest.param({"é": {"S": "é"}}, 4, id="utf-8"),
        pytest.param({"a": {"BOOL": True}}, 2, id="bool"),
        pytest.param({"a": {"NULL": True}}, 2, id="null"),
        pytest.param({"a": {"B": base64.b64encode(b"x" * 10).decode()}}, 11, id="binary"),
        pytest.param({"a": {"N": "12345"}}, 1 + 1 + 3, id="number"),
        pytest.param({"a": {"N": "-0.00100"}}, 1 + 1 + 1 + 1, id="only-significant-digits-count"),
        pytest.param({"a": {"N": "1E+100"}}, 1 + 1 + 1, id="an-exponent-costs-nothing"),
        pytest.param({"a": {"SS": ["ab", "c"]}}, 1 + 3, id="set"),
        pytest.param({"a": {"L": []}}, 1 + 3, id="empty-list"),
        pytest.param({"a": {"L": [{"S": "ab"}, {"NULL": True}]}}, 1 + 3 + 3 + 2, id="list"),
        pytest.param({"a": {"M": {"b": {"S": "cd"}}}}, 1 + 3 + 1 + 3, id="map"),
    ],
)
def test_sizes_follow_the_developer_guide(item: dict[str, Any], expected: int) -> None:
    assert item_bytes(from_typed(item)) == expected


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (409_600, 400)])
def test_a_write_unit_is_a_kilobyte_begun(size: int, units: int) -> None:
    assert write_units(size) == units
