"""Design rule of live and hot: a destination key tells its source key."""

from typing import Any

import pytest

from tableferry.transform import Transform, destination_key_tells_source_key

SOURCE = ["origin", "id"]
UUID = {"set": {"attribute": "key", "value": "{% $uuid5('flights', [origin, id]) %}"}}


def reason(steps: list[dict[str, Any]], destination: list[str]) -> str | None:
    transform = Transform.compile(steps)
    return destination_key_tells_source_key(transform, SOURCE, destination)


def rename(source: str, target: str) -> dict[str, Any]:
    return {"rename": {"from": source, "to": target}}


def computing(attribute: str, expression: str) -> dict[str, Any]:
    return {"set": {"attribute": attribute, "value": f"{{% {expression} %}}"}}


@pytest.mark.parametrize(
    ("steps", "destination"),
    [
        ([], ["origin", "id"]),
        ([], ["id", "origin"]),
        ([rename("id", "flight")], ["origin", "flight"]),
        ([rename("id", "x"), rename("origin", "id"), rename("x", "origin")], ["origin", "id"]),
        ([UUID], ["key"]),
        ([UUID], ["key", "month"]),
        ([UUID, rename("key", "pk"), {"remove": ["origin", "id"]}], ["pk"]),
        ([rename("id", "flight"), computing("key", "$sha256([flight, origin])")], ["key"]),
        ([computing("copy", "id"), {"remove": ["id"]}], ["origin", "copy"]),
        ([{"cast": {"attribute": "id", "to": "S"}}], ["origin", "id"]),
        ([{"default": {"attribute": "id", "value": "none"}}], ["origin", "id"]),
        ([{"filter": "{% id > 5 %}"}, {"set": {"attribute": "v", "value": 2}}], ["origin", "id"]),
        ([rename("other", "id")], ["origin", "id"]),
    ],
)
def test_a_key_that_holds_or_hashes_the_source_s_key_tells_it(
    steps: list[dict[str, Any]], destination: list[str]
) -> None:
    assert reason(steps, destination) is None


@pytest.mark.parametrize(
    ("steps", "destination", "untold"),
    [
        ([], ["id"], "origin"),
        ([computing("key", "origin & '#' & id")], ["key"], "origin"),
        ([{"cast": {"attribute": "id", "to": "N"}}], ["origin", "id"], "id"),
        ([{"remove": ["id"]}], ["origin", "id"], "id"),
        ([{"set": {"attribute": "id", "value": "x"}}], ["origin", "id"], "id"),
        ([{"set": {"attribute": "id", "value": 1}}, UUID], ["key"], "origin"),
        (
            [rename("id", "x"), {"default": {"attribute": "id", "value": "y"}}],
            ["origin", "id"],
            "id",
        ),
        ([UUID, {"set": {"attribute": "key", "value": "x"}}], ["key"], "origin"),
        ([{"default": UUID["set"]}], ["key"], "origin"),
        ([computing("key", "$sha256([origin])")], ["key"], "origin"),
        ([computing("key", "$sha256([origin, id, month])")], ["key"], "origin"),
        ([computing("key", "$sha256([origin, id, id])")], ["key"], "origin"),
        ([computing("key", "$sha256([origin, id[0]])")], ["key"], "origin"),
        ([computing("key", "$sha256([origin, id.x])")], ["key"], "origin"),
        ([computing("key", "$sha256(origin & id)")], ["key"], "origin"),
        ([computing("key", "$uuid5(ns, [origin, id])")], ["key"], "origin"),
        ([computing("key", "$substring($sha256([origin, id]), 0, 8)")], ["key"], "origin"),
        ([computing("key", "$sha256([origin, id])[0]")], ["key"], "origin"),
        ([computing("key", "$uppercase(id)")], ["origin", "key"], "id"),
    ],
)
def test_a_key_that_could_pass_to_another_item_is_refused_with_what_it_does_not_tell(
    steps: list[dict[str, Any]], destination: list[str], untold: str
) -> None:
    found = reason(steps, destination)
    assert found is not None
    assert f'does not tell the source\'s key attribute "{untold}"' in found


def test_the_reason_names_the_step_that_changed_the_key() -> None:
    found = reason([{"cast": {"attribute": "id", "to": "N"}}], ["origin", "id"])
    assert found is not None
    assert "(transform[0].cast: several texts are one number)" in found


def test_a_python_step_is_not_seen_through(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "transforms").mkdir()
    (tmp_path / "transforms" / "keeps_keys.py").write_text("def change(item): return item\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = reason([{"python": "keeps_keys:change"}], ["origin", "id"])
    assert found is not None
    assert "(transform[0].python: Python code may have changed it)" in found
