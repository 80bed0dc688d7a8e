"""Imports flow one way: functions -> use cases -> spec, transform, items, aws -> errors."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterable

import pytest

from tests.structure import project
from tests.structure.project import Module

SOURCE = project.source_modules()
FUNCTIONS = project.function_modules()
NAMES = {module.name for module in SOURCE}

# What use cases are made of; it knows nothing of the use cases themselves.
FOUNDATION = [
    f"tableferry.{name}"
    for name in (
        "addresses",
        "aws",
        "canonical",
        "deadline",
        "errors",
        "items",
        "limits",
        "live.values",
        "model",
        "runs.ownership",
        "ports",
        "settings",
        "spec",
        "table_facts",
        "transform",
    )
]
# Rules without any request in them.
PURE = (
    "tableferry.addresses",
    "tableferry.canonical",
    "tableferry.limits",
    "tableferry.model",
    "tableferry.pace.pacing",
    "tableferry.spec",
    "tableferry.table_facts",
    "tableferry.transform",
)
# Only people's machines run these.
EDGES = ("tableferry.cli", "tableferry.local")
# boto3 is also where an item's Python types come from, which a user's own transform function takes.
MAY_IMPORT_BOTO3 = ("tableferry.aws", "tableferry.transform", "tableferry.local")
MAY_READ_THE_ENVIRONMENT = ("tableferry.settings", "tableferry.local")
WORKERS = [folder for folder in project.function_folders() if folder.endswith("_segment")]


def is_within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def own_imports(module: Module) -> set[str]:
    """Tableferry's own modules that it imports; `from tableferry.aws import wire` is `….wire`."""
    found = set()
    for name in module.imports():
        parts = name.split(".")
        candidates = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        found.update([each for each in candidates if each in NAMES][:1])
    return found - {module.name}


each_source = pytest.mark.parametrize("module", SOURCE, ids=str)
each_function = pytest.mark.parametrize("module", FUNCTIONS, ids=str)


def test_there_are_modules_to_check() -> None:
    assert {"tableferry.errors", "tableferry.items"} <= NAMES
    assert WORKERS


@each_function
def test_function_imports_tableferry_powertools_and_the_standard_library(module: Module) -> None:
    roots = {name.split(".")[0] for name in module.imports()}
    assert roots - set(sys.stdlib_module_names) <= {"tableferry", "aws_lambda_powertools"}
    assert not [name for name in module.imports() if is_within(name, EDGES)]


@each_source
def test_nothing_below_imports_functions_tests_or_an_edge(module: Module) -> None:
    assert not [name for name in module.imports() if is_within(name, ("functions", "tests"))]
    if not is_within(module.name, EDGES):
        assert not [name for name in module.imports() if is_within(name, EDGES)]


@each_source
def test_foundation_does_not_know_the_use_cases(module: Module) -> None:
    if is_within(module.name, FOUNDATION):
        assert not [each for each in own_imports(module) if not is_within(each, FOUNDATION)]


@each_source
def test_errors_stand_on_nothing_and_rules_make_no_requests(module: Module) -> None:
    if is_within(module.name, ["tableferry.errors"]):
        assert not own_imports(module)
    if is_within(module.name, PURE):
        assert not [each for each in own_imports(module) if is_within(each, ["tableferry.aws"])]


@each_source
def test_only_the_aws_package_imports_boto3(module: Module) -> None:
    if not is_within(module.name, MAY_IMPORT_BOTO3):
        assert not [name for name in module.imports() if is_within(name, ("boto3", "botocore"))]


@pytest.mark.parametrize("module", [*SOURCE, *FUNCTIONS], ids=str)
def test_only_settings_read_the_environment(module: Module) -> None:
    if not is_within(module.name, MAY_READ_THE_ENVIRONMENT):
        assert not {"os.environ", "os.getenv"} & (module.imports() | _attributes(module))


def _attributes(module: Module) -> set[str]:
    nodes = [node for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)]
    return {ast.unparse(node) for node in nodes}


def test_no_module_imports_itself_round_a_circle() -> None:
    graph = {module.name: own_imports(module) for module in SOURCE}
    list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("folder", WORKERS)
def test_cold_start_of_a_segment_worker_does_not_pay_for_the_specs_parser(folder: str) -> None:
    code = f"import functions.{folder}.app, sys; print(*{{'pydantic', 'click'}} & set(sys.modules))"
    environment = {"PYTHONPATH": f"{project.SOURCE}:{project.ROOT}"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(
        command, env=environment, cwd=project.ROOT, check=True, capture_output=True, text=True
    )
    # Importing the entry logs a line of its own.
    assert run.stdout.splitlines()[-1] == ""
