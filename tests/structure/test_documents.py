"""Links, commands and names in the documents and in everything else that is tracked."""

import re
from pathlib import Path

import pytest

from tests.structure import project

DOCUMENTS = [path for path in project.tracked_files() if path.suffix == ".md"]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
# In two halves, so that this file does not name what it forbids.
FORBIDDEN = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "crates" + ".io",
    "proxy.golang" + ".org",
    "maven" + ".org",
    "repo.maven" + ".apache",
    "/work" + "/main",
    "/work" + "/shared",
    "/root" + "/",
]

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(project.ROOT))
)


def anchors_of(document: Path) -> set[str]:
    """The fragments that its headings give, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in kept}


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for link in LINK.findall(document.read_text()):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_documents_that_the_source_names_are_there() -> None:
    for path in project.tracked_files():
        if path.suffix in (".py", ".json", ".yaml", ".toml", ".yml"):
            for named in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text()):
                assert (project.ROOT / named).exists(), f"{path.relative_to(project.ROOT)}: {named}"


def test_nothing_tracked_names_a_registrys_host_or_one_persons_machine() -> None:
    for path in project.tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        assert not [name for name in FORBIDDEN if name in text], path.relative_to(project.ROOT)


def test_decisions_are_numbered_without_a_gap() -> None:
    files = sorted((project.ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(path.name.split("-")[0]) for path in files if path.name != "README.md"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_every_make_target_says_what_it_does() -> None:
    makefile = (project.ROOT / "Makefile").read_text()
    declared = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert declared
    described = re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE)
    assert set(declared.group(1).split()) == set(described)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_in_documents_exist(name: str) -> None:
    makefile = (project.ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = re.findall(r"(?:^|`|\$ )make ([a-z]+)", (project.ROOT / name).read_text(), re.MULTILINE)
    assert set(named) <= targets
