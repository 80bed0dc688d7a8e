"""The pictures of the state graph in the documents are those of the machine as it is."""

import re
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


def test_the_readmes_picture_names_states_of_the_machine_alone() -> None:
    picture = (project.ROOT / "README.md").read_text().partition("\n## The state graph")[2]
    named = re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", picture.split("```")[1])
    assert len(named) > 15
    assert set(named) <= {state.name for state in project.states("migrate") if state.level == "top"}


def test_pictures_that_documents_show_are_there_light_and_dark() -> None:
    shown = {
        name
        for document in (project.ROOT / "docs").glob("*.md")
        for name in re.findall(r"pictures/([\w-]+\.png)", document.read_text())
    }
    there = {path.name for path in (project.ROOT / "docs" / "pictures").glob("*.png")}
    assert shown == there
    for name in there:
        assert name.replace("light", "dark") in there


def test_links_of_the_stack_that_documents_name_are_outputs() -> None:
    outputs = project.template()["Outputs"]
    for name in ("StartMigrationUrl", "DashboardUrl", "OutcomesUrl"):
        assert f"`{name}`" in WALK_THROUGH.read_text()
        assert "https://" in str(outputs[name]["Value"])
