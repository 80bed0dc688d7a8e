"""Text stays text, whatever it holds."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableferry.reporting.markup import Markup, element, facts, joined, section, table, visible
from tests.reports import HOSTILE


class Seen(HTMLParser):
    """Elements with their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_and_a_hostile_attribute_a_value(text: str) -> None:
    seen = Seen(element("p", text, title=text))
    assert seen.elements == [("p", {"title": visible(text)})]
    assert seen.text == visible(text)


@given(st.text(), st.text())
def test_any_text_comes_out_as_it_went_in_but_for_hidden_characters(text: str, other: str) -> None:
    seen = Seen(element("p", text, element("b", other), title=other))
    assert [tag for tag, _ in seen.elements] == ["p", "b"]
    assert seen.text == visible(text) + visible(other)
    assert seen.elements[0][1] == {"title": visible(other)}


def test_what_turns_or_hides_text_is_spelt_out() -> None:
    assert visible("a\u202eb\u0000c\ud800\ue000\n") == "a\\u202eb\\u0000c\\ud800\\ue000\n"
    assert visible("ü 日本 🚢") == "ü 日本 🚢"


def test_only_markup_is_markup() -> None:
    assert joined("<b>", Markup("<i>x</i>"), None, 7, ["&", None]) == "&lt;b&gt;<i>x</i>7&amp;"


def test_attributes_are_spelt_as_html_has_them() -> None:
    made = element("p", class_="a b", aria_label='"x"', hidden=True, open=False)
    assert made == '<p class="a b" aria-label="&quot;x&quot;" hidden></p>'
    assert element("rect", x="1") == '<rect x="1"/>'


def test_a_section_is_named_by_its_heading() -> None:
    made = section("errors", "Errors & more", "text")
    assert 'aria-labelledby="errors-title"' in made
    assert '<h2 id="errors-title">Errors &amp; more</h2>' in made


def test_a_table_has_a_name_heads_and_can_be_scrolled_by_keyboard() -> None:
    made = table("Some", ("A", "B"), [("x", 1)], numbers="-n")
    assert made.startswith('<div class="scroll" tabindex="0" role="region" aria-label="Some">')
    assert '<th scope="col">A</th><th scope="col" class="n">B</th>' in made
    assert '<td>x</td><td class="n">1</td>' in made


def test_facts_without_a_value_are_left_out() -> None:
    assert facts([("A", "x"), ("B", None)]) == "<dl><div><dt>A</dt><dd>x</dd></div></dl>"
