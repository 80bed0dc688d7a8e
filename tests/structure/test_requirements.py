"""The locked files: hashed, in step with pyproject.toml and with each other, and naming no host."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.structure import project

LOCKS = sorted((project.ROOT / "requirements").glob("*.txt"))
REQUIREMENT = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+)(?: ; (.+?))? \\$", re.MULTILINE)

each_lock = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)


def pyproject() -> dict[str, Any]:
    return tomllib.loads((project.ROOT / "pyproject.toml").read_text())


def versions(name: str) -> dict[str, str]:
    text = (project.ROOT / "requirements" / f"{name}.txt").read_text()
    return {package: version for package, version, _ in REQUIREMENT.findall(text)}


@each_lock
def test_every_locked_package_has_a_hash(lock: Path) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", lock.read_text())[1:]
    assert blocks
    assert all("--hash=sha256:" in block for block in blocks)


@each_lock
def test_lock_names_no_place_to_install_from(lock: Path) -> None:
    assert "://" not in lock.read_text()
    assert "index-url" not in lock.read_text()


@pytest.mark.parametrize("name", ["layer", "cli"])
def test_what_is_shipped_has_the_versions_that_are_tested(name: str) -> None:
    assert versions(name).items() <= versions("dev").items()


def test_layer_is_a_part_of_what_pip_installs() -> None:
    loaded = pyproject()
    assert set(loaded["dependency-groups"]["layer"]) <= set(loaded["project"]["dependencies"])


def test_layer_leaves_out_what_the_lambda_runtime_brings() -> None:
    assert not {"boto3", "botocore", "urllib3"} & set(versions("layer"))


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("cli", ["dependencies"]),
        ("dev", ["dependencies", "local", "demo", "group dev"]),
        ("layer", ["group layer"]),
        ("checkov", ["group checkov"]),
        ("build", ["group build"]),
        ("bootstrap", ["group bootstrap"]),
    ],
)
def test_lock_has_what_pyproject_declares(name: str, declared: list[str]) -> None:
    loaded = pyproject()
    sources = {
        "dependencies": loaded["project"]["dependencies"],
        **loaded["project"]["optional-dependencies"],
        **{f"group {group}": found for group, found in loaded["dependency-groups"].items()},
    }
    wanted = {re.split(r"[\[<>=~ ]", each)[0] for part in declared for each in sources[part]}
    assert wanted - {"tableferry"} <= set(versions(name))


def test_embedded_engine_is_pinned_to_the_version_that_the_launcher_mends() -> None:
    local = pyproject()["project"]["optional-dependencies"]["local"]
    assert f"ministack=={versions('dev')['ministack']}" in local
