"""What docs/transforms.md shows is true."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tableferry.transform import check_steps
from tableferry.transform.engine import MAX_DEPTH, MAX_STEPS, REFUSED

PAGE = (Path(__file__).parents[3] / "docs" / "transforms.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("json"))
def test_the_steps_shown_can_be_used(block: str) -> None:
    assert check_steps(json.loads(block), import_modules=False) == []


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_shown_runs_and_its_assertions_hold(block: str) -> None:
    exec(compile(block, "docs/transforms.md", "exec"), {})


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not on this machine")
@pytest.mark.parametrize("block", blocks("javascript"))
def test_the_javascript_shown_runs_and_its_assertions_hold(block: str, tmp_path: Path) -> None:
    (tmp_path / "ids.mjs").write_text(block)
    node = subprocess.run(
        ["node", "ids.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (node.stdout, node.stderr) == ("", "")


def test_the_bounds_and_the_refused_functions_are_named() -> None:
    assert f"{MAX_STEPS:,} steps" in PAGE
    assert f"{MAX_DEPTH} levels" in PAGE
    for name in REFUSED:
        assert f"`${name}`" in PAGE
