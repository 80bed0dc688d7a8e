"""The pictures of the state graph in the documents are those of the machine as it is."""

import subprocess
import sys

from tests.structure import project

SCRIPT = project.ROOT / "scripts" / "draw-graph"
WALK_THROUGH = project.ROOT / "docs" / "walk-through.md"


def test_pictures_are_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, f"run scripts/draw-graph: {checked.stdout}{checked.stderr}"


def test_the_walk_through_shows_every_step_and_every_state() -> None:
    text = WALK_THROUGH.read_text()
    assert text.count("```mermaid") == 6
    for state in project.states("migrate"):
        if state.level == "top":
            assert f'"{state.name}"' in text, state.name
    failed = text.partition("graph: CopySourceToDestination failed")[2].partition("/graph")[0]
    assert 'CopySegment["CopySegment<br/>failed"]:::failed' in failed


def test_links_of_the_stack_that_documents_name_are_outputs() -> None:
    outputs = project.template()["Outputs"]
    for name in ("StartMigrationUrl", "DashboardUrl", "OutcomesUrl"):
        assert f"`{name}`" in WALK_THROUGH.read_text()
        assert "https://" in str(outputs[name]["Value"])
