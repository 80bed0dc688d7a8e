"""The project's files as data: the template, the state machines, the functions, the source."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
FUNCTIONS = ROOT / "functions"
TEMPLATE = ROOT / "template.yaml"


class _TemplateLoader(yaml.SafeLoader):
    """Reads `!Sub x` as `{"Fn::Sub": "x"}`, the long form of the same thing."""


def _long_form(loader: _TemplateLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_TemplateLoader.add_multi_constructor("!", _long_form)


@cache
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(TEMPLATE.read_text(), _TemplateLoader)
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The template's resources of one type, by logical id."""
    found = template()["Resources"].items()
    return {name: resource for name, resource in found if resource["Type"] == kind}


def texts_in(value: Any) -> Iterator[str]:
    """Every string in nested JSON, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts_in(key)
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)


@dataclass(frozen=True, slots=True)
class State:
    """One state of a machine; `level` tells apart the `States` objects that it may lie in."""

    machine: str
    name: str
    level: str
    fields: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.machine}.{self.name}"

    @property
    def is_in_distributed_map(self) -> bool:
        return " distributed" in self.level

    @property
    def is_distributed_map(self) -> bool:
        processor = self.fields.get("ItemProcessor", {}).get("ProcessorConfig", {})
        return bool(processor.get("Mode") == "DISTRIBUTED")


def machine_files() -> list[Path]:
    return sorted((ROOT / "statemachine").glob("*.asl.json"))


def machine_names() -> list[str]:
    return [path.name.removesuffix(".asl.json") for path in machine_files()]


@cache
def machine(name: str) -> dict[str, Any]:
    text = (ROOT / "statemachine" / f"{name}.asl.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def states(machine_name: str) -> list[State]:
    return list(_states(machine_name, machine(machine_name)["States"], "top"))


def all_states() -> list[State]:
    return [state for name in machine_names() for state in states(name)]


def _states(machine_name: str, found: dict[str, Any], level: str) -> Iterator[State]:
    for name, fields in found.items():
        state = State(machine_name, name, level, fields)
        yield state
        if "ItemProcessor" in fields:
            mode = "distributed" if state.is_distributed_map else "inline"
            inner = fields["ItemProcessor"]["States"]
            yield from _states(machine_name, inner, f"{level}/{name} {mode}")
        for index, branch in enumerate(fields.get("Branches", [])):
            yield from _states(machine_name, branch["States"], f"{level}/{name}[{index}]")


def function_folders() -> list[str]:
    return sorted(path.parent.name for path in FUNCTIONS.glob("*/app.py"))


def pascal(snake: str) -> str:
    """`copy_segment` as its state and its resource spell it: `CopySegment`."""
    return "".join(word.capitalize() for word in snake.split("_"))


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: its dotted name, its path below the root, its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    def __str__(self) -> str:
        return str(self.path)

    def imports(self) -> set[str]:
        """Absolute names of what it imports, wherever it does; `a.b` for `from a import b`."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base_of(node)
                found.update(f"{base}.{alias.name}" for alias in node.names)
        return found

    def _base_of(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".")
        if self.path.name != "__init__.py":
            package = package[:-1]
        package = package[: len(package) - node.level + 1]
        return ".".join([*package, *([node.module] if node.module else [])])


@cache
def source_modules() -> tuple[Module, ...]:
    return tuple(_modules(SOURCE / "tableferry", SOURCE))


@cache
def function_modules() -> tuple[Module, ...]:
    return tuple(_modules(FUNCTIONS, ROOT))


def _modules(folder: Path, base: Path) -> Iterator[Module]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield Module(name, path.relative_to(ROOT), ast.parse(path.read_text()))


@cache
def tracked_files() -> tuple[Path, ...]:
    """What git tracks, or would on `git add`; links left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = sorted({ROOT / name for name in listed.split("\0") if name})
    return tuple(path for path in paths if path.is_file() and not path.is_symlink())


def words_of(name: str) -> list[str]:
    """`CopySegments` and `Copy segments` alike: their words in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)]
