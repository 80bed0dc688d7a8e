"""A stack in memory for every test of a command."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.unit.cli.fake_stack import SPEC, World


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports, and the files that a defect leaves, are left where pytest cleans up."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def spec_file(tmp_path: Path) -> str:
    """A spec file without a mistake."""
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC))
    return str(path)
