"""Sizes and public names."""

import ast
import importlib
from pathlib import Path

import pytest

from tests.structure import project
from tests.structure.project import Module

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_TEST_FILE_LINES = 400
# Path: why this one is better whole.
LONGER_FOR_A_REASON: dict[str, str] = {}
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}

MODULES = [*project.source_modules(), *project.function_modules()]
PACKAGES = [module for module in MODULES if module.path.name == "__init__.py"]
TEST_FILES = sorted((project.ROOT / "tests").rglob("*.py"))

each_module = pytest.mark.parametrize("module", MODULES, ids=str)


@each_module
def test_module_is_short(module: Module) -> None:
    lines = len((project.ROOT / module.path).read_text().splitlines())
    assert lines <= MAX_MODULE_LINES or str(module.path) in LONGER_FOR_A_REASON


@each_module
def test_functions_are_short(module: Module) -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(module.tree):
        if isinstance(node, kinds):
            assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION_LINES, node.name


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: str(path.relative_to(project.ROOT)))
def test_test_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MAX_TEST_FILE_LINES


@each_module
def test_module_is_named_for_what_it_knows(module: Module) -> None:
    assert not SHAPELESS & set(module.name.replace(".", "_").split("_"))


@pytest.mark.parametrize("module", PACKAGES, ids=str)
def test_package_names_what_it_offers(module: Module) -> None:
    imported = _names_imported_by(module)
    if imported:
        assert set(importlib.import_module(module.name).__all__) == imported


def _names_imported_by(module: Module) -> set[str]:
    """Public names that the top level of a package takes from Tableferry's own modules."""
    return {
        alias.asname or alias.name
        for node in module.tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tableferry")
        for alias in node.names
        if not (alias.asname or alias.name).startswith("_")
    }
