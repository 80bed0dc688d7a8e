"""A user's own functions, in modules of a folder `transforms`."""

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tableferry.errors import ItemError
from tableferry.items import from_typed
from tableferry.transform import Transform, check_steps
from tests.unit.transform.applying import Typed, applied, only_problem, refusal

Write = Callable[[str], str]
_numbers = itertools.count()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = tmp_path / "transforms"
    made.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    before = list(sys.path)
    yield made
    sys.path[:] = before


@pytest.fixture
def write(folder: Path) -> Write:
    """Writes a module with a name of its own and gives that name; Python imports each name once."""

    def _write(source: str) -> str:
        name = f"user_module_{next(_numbers)}"
        (folder / f"{name}.py").write_text(source)
        return name

    return _write


def calling(module: str, function: str = "change") -> list[Typed]:
    return [{"python": f"{module}:{function}"}]


def test_the_function_gets_and_gives_boto3_s_python_types(write: Write) -> None:
    module = write(
        "from boto3.dynamodb.types import Binary\n"
        "from decimal import Decimal\n"
        "def change(item):\n"
        "    assert item == {\n"
        "        's': 'x', 'n': Decimal('1.5'), 'b': Binary(b'a'), 't': True,\n"
        "        'z': None,\n"
        "        'l': ['a', {'k': Decimal(1)}], 'ss': {'a', 'b'},\n"
        "        'ns': {Decimal(1), Decimal(2)}, 'bs': {Binary(b'a')},\n"
        "    }, item\n"
        "    return {'n': item['n'] + 1, 'i': 7, 'b': b'bytes', 'bs': {b'x', b'w'},\n"
        "            'ss': {'c', 'a'}, 'ns': {Decimal('10'), 9}, 'z': None, 't': False,\n"
        "            'l': (1, 'a'), 'm': {'': {}}}\n"
    )
    item = {
        "s": {"S": "x"},
        "n": {"N": "1.5"},
        "b": {"B": "YQ=="},
        "t": {"BOOL": True},
        "z": {"NULL": True},
        "l": {"L": [{"S": "a"}, {"M": {"k": {"N": "1"}}}]},
        "ss": {"SS": ["b", "a"]},
        "ns": {"NS": ["2", "1"]},
        "bs": {"BS": ["YQ=="]},
    }
    assert applied(calling(module), item) == {
        "n": {"N": "2.5"},
        "i": {"N": "7"},
        "b": {"B": "Ynl0ZXM="},
        "bs": {"BS": ["dw==", "eA=="]},
        "ss": {"SS": ["a", "c"]},
        "ns": {"NS": ["9", "10"]},
        "z": {"NULL": True},
        "t": {"BOOL": False},
        "l": {"L": [{"N": "1"}, {"S": "a"}]},
        "m": {"M": {"": {"M": {}}}},
    }


def test_none_filters_the_item(write: Write) -> None:
    module = write("def change(item):\n    return None if item['old'] else item\n")
    assert applied(calling(module), {"old": {"BOOL": True}}) is None
    assert applied(calling(module), {"old": {"BOOL": False}}) == {"old": {"BOOL": False}}
    assert Transform.compile(calling(module)).has_filter


def test_attributes_that_the_function_leaves_alone_keep_their_bytes(write: Write) -> None:
    module = write("def change(item):\n    item['new'] = item.pop('gone')\n    return item\n")
    item = from_typed(
        {
            "digits": {"N": "12345678901234567890123456789012345678"},
            "padded": {"N": "1.500"},
            "sets": {"M": {"x": {"SS": ["b", "c", "a"]}, "y": {"NS": ["3", "1"]}}},
            "bytes": {"B": "AAEC"},
            "gone": {"S": "é"},
        }
    )
    changed = Transform.compile(calling(module)).apply(item)
    assert changed is not None
    assert {name: bytes(changed[name]) for name in changed if name != "new"} == {
        name: bytes(item[name]) for name in item if name != "gone"
    }


def test_a_function_that_changes_its_argument_changes_the_result_only(
    write: Write,
) -> None:
    module = write(
        "def change(item):\n"
        "    item['list'].append('b')\n"
        "    item['map']['x'] = 1\n"
        "    return item\n"
    )
    item = {"list": {"L": [{"S": "a"}]}, "map": {"M": {}}}
    wire = from_typed(item)
    before = {name: bytes(value) for name, value in wire.items()}
    transform = Transform.compile(calling(module))
    first, second = transform.apply(wire), transform.apply(wire)
    assert first == second
    assert {name: bytes(value) for name, value in wire.items()} == before
    assert applied(calling(module), item) == {
        "list": {"L": [{"S": "a"}, {"S": "b"}]},
        "map": {"M": {"x": {"N": "1"}}},
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("{'a': 1.5}", '"a" can not be stored: Float types are not supported. Use Decimal'),
        ("{'a': set()}", '"a".NS can not be stored: it must be a list of at least one'),
        ("{'a': {1, 'x'}}", '"a" can not be stored: Unsupported type'),
        ("{'a': object}", '"a" can not be stored: Unsupported type'),
        ("{'a': {1: 2}}", '"a" can not be stored: the key 1 of a map is not text'),
        (
            "{'a': 10 ** 38 + 1}",
            '"a" can not be stored: a number has over 38 digits',
        ),
        ("{'a': __import__('decimal').Decimal('NaN')}", '"a" can not be stored: Infinity and NaN'),
        ("{'a': '\\ud800'}", '"a".S can not be stored: it holds half a surrogate pair'),
        ("{'': 1}", "answered with '' as an attribute name"),
        ("{1: 1}", "answered with 1 as an attribute name"),
        ("[]", "answered with list, neither dict nor None"),
        ("item['absent']", "raised KeyError: 'absent'"),
    ],
)
def test_what_can_not_be_stored_is_refused_with_the_function_s_name(
    write: Write, answer: str, reason: str
) -> None:
    module = write(f"def change(item):\n    return {answer}\n")
    cause = refusal(calling(module), {"x": {"S": "1"}})
    assert reason in cause
    assert cause.startswith(f"transform[0].python: {module}:change")


def test_a_list_that_holds_itself_is_refused(write: Write) -> None:
    module = write("def change(item):\n    item['l'].append(item['l'])\n    return item\n")
    cause = refusal(calling(module), {"l": {"L": []}})
    assert cause.endswith('"l" can not be stored: it nests too deep')


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("def other(item): ...", "names no function of {}"),
        ("change = 1", "names no function of {}"),
        ("def change(): ...", "does not take one argument"),
        ("def change(item, more): ...", "does not take one argument"),
        ("async def change(item): ...", "is no plain function"),
        ("def change(item): yield item", "is no plain function"),
        ("def change(item) return item", "can not be imported: SyntaxError: "),
        ("import no_such_package", "can not be imported: ModuleNotFoundError: No module named"),
        ("raise SystemExit('no')", "can not be imported: SystemExit: no"),
    ],
)
def test_a_module_that_can_not_be_used_is_a_problem(write: Write, source: str, rule: str) -> None:
    module = write(source)
    problem = only_problem(calling(module))
    assert problem.path == "transform[0].python"
    assert problem.rule.startswith(rule.format(module))
    assert problem.remedy


def test_a_module_that_is_a_link_to_elsewhere_is_called(folder: Path, tmp_path: Path) -> None:
    name = f"user_module_{next(_numbers)}"
    (tmp_path / "real.py").write_text("def change(item): return {}\n")
    (folder / f"{name}.py").symlink_to(tmp_path / "real.py")
    assert applied(calling(name), {"a": {"S": "x"}}) == {}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("module", ["no_such_module", "os", "os.path", "tableferry.items"])
def test_only_modules_of_the_folder_are_called(module: str) -> None:
    problem = only_problem(calling(module, "remove"))
    assert problem.rule == "names a module that is not in the folder transforms/"
    assert problem.remedy.startswith("put ")


def test_a_module_that_python_has_from_elsewhere_is_refused(folder: Path) -> None:
    (folder / "json.py").write_text("def change(item): return item\n")
    problem = only_problem(calling("json"))
    assert problem.rule == "names a module that Python already has from elsewhere (json)"
    assert problem.remedy == "rename transforms/json.py"


def test_without_the_module_at_hand_only_the_name_is_checked() -> None:
    steps = calling("only_in_the_layer")
    assert check_steps(steps)
    assert check_steps(steps, import_modules=False) == []
    assert check_steps(calling("not a name"), import_modules=False)


def test_modules_import_each_other_and_packages(folder: Path, write: Write) -> None:
    package = folder / f"user_package_{next(_numbers)}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "rules.py").write_text("from .names import NAME\ndef change(i): return {NAME: 1}\n")
    (package / "names.py").write_text("NAME = 'n'\n")
    assert applied(calling(f"{package.name}.rules"), {}) == {"n": {"N": "1"}}
    module = write(f"from {package.name}.rules import change\n")
    assert applied(calling(module), {}) == {"n": {"N": "1"}}


def test_the_working_directory_s_folder_is_found_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"user_module_{next(_numbers)}"
    (tmp_path / "transforms").mkdir()
    (tmp_path / "transforms" / f"{name}.py").write_text("def change(item): return {}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert applied(calling(name), {"a": {"S": "x"}}) == {}


def test_the_fingerprint_covers_the_module_and_what_it_imports(folder: Path, write: Write) -> None:
    helper = write("RULE = 1\n")
    package = folder / f"user_package_{next(_numbers)}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text(f"import {helper}\n")
    module = write(
        f"from {package.name} import inner\nimport json\ndef change(item): return item\n"
    )
    unrelated = write("X = 1\n")

    def fingerprint() -> str:
        return Transform.compile(calling(module)).fingerprint

    seen = [fingerprint()]
    (folder / f"{unrelated}.py").write_text("X = 2\n")
    assert fingerprint() == seen[0]
    for file in (folder / f"{helper}.py", package / "__init__.py", folder / f"{module}.py"):
        file.write_text(file.read_text() + "# changed\n")
        seen.append(fingerprint())
    assert len(set(seen)) == 4


def test_a_transform_goes_on_after_an_item_on_which_the_function_failed(write: Write) -> None:
    module = write("def change(item):\n    return {'half': item['n'] / 2}\n")
    transform = Transform.compile(calling(module))
    with pytest.raises(ItemError, match="raised TypeError"):
        transform.apply(from_typed({"n": {"S": "x"}}))
    assert transform.apply(from_typed({"n": {"N": "3"}})) == from_typed({"half": {"N": "1.5"}})
