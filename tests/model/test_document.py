"""docs/live-protocol.md shows what the model finds, word for word."""

from tests.model.document import DOCUMENT, PARTS, with_findings


def test_document_shows_what_the_model_finds() -> None:
    text = DOCUMENT.read_text()
    assert {part[1] for part in PARTS.findall(text)} == {"scenarios", "naive", "rules", "limits"}
    assert with_findings(text) == text, "run: .venv/bin/python -m tests.model.document"
