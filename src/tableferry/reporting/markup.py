"""HTML in which text is text: everything is escaped unless it was made here."""

import html
import unicodedata
from collections.abc import Iterable
from typing import TypeVar

Part = TypeVar("Part")

# Controls, and what turns the direction of writing: neither may change how a page is read.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co"})
_PLAIN = frozenset("\n\t")
# In HTML the slash of the first two means nothing; in SVG an element without it stays open.
_VOID = frozenset({"meta", "link", "rect", "line"})


class Markup(str):
    """HTML that is safe to stand in a page as it is."""

    __slots__ = ()


Child = str | int | None


def element(name: str, /, *children: Child | Iterable[Child], **attributes: str | bool) -> Markup:
    """One element; `class_` is the attribute class, `aria_label` is aria-label.

    A child that is no Markup is escaped; None is nothing; True is an attribute without a value.
    """
    written = "".join(_attribute(each, value) for each, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: Child | Iterable[Child]) -> Markup:
    """One after the other."""
    return Markup("".join(_child(child) for child in children))


def _child(child: Child | Iterable[Child]) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int):
        return html.escape(visible(str(child)))
    return "".join(map(_child, child))


def _attribute(name: str, value: str | bool) -> str:
    spelt = name.rstrip("_").replace("_", "-")
    if value is False:
        return ""
    return f" {spelt}" if value is True else f' {spelt}="{html.escape(visible(value))}"'


def visible(text: str) -> str:
    """The text with hidden characters spelt out: `\\u202e` would turn what follows it round."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"\\u{ord(each):04x}"
        if unicodedata.category(each) in _HIDDEN and each not in _PLAIN
        else each
        for each in text
    )


def code(text: str) -> Markup:
    """A value as it is: a key, a name, an ARN."""
    return element("code", text)


def section(anchor: str, title: str, *children: Child | Iterable[Child]) -> Markup:
    """A part of the page with a heading of its own."""
    heading = element("h2", title, id=f"{anchor}-title")
    return element("section", heading, *children, id=anchor, aria_labelledby=f"{anchor}-title")


def table(
    label: str, heads: Iterable[str], rows: Iterable[Iterable[Child]], *, numbers: str = ""
) -> Markup:
    """A table that scrolls by itself where it is too wide; `numbers` says with an n for each
    column whether it holds numbers ("-nn").
    """
    kinds = ["n" if each == "n" else "" for each in numbers]

    def cells(tag: str, row: Iterable[Child], **more: str) -> Markup:
        made = [
            element(
                tag,
                cell,
                **more,
                **({"class_": "n"} if place < len(kinds) and kinds[place] else {}),
            )
            for place, cell in enumerate(row)
        ]
        return element("tr", made)

    head = element("thead", cells("th", heads, scope="col"))
    body = element("tbody", [cells("td", row) for row in rows])
    caption = element("caption", label)
    return element(
        "div",
        element("table", caption, head, body),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=label,
    )


def facts(pairs: Iterable[tuple[str, Child]], *, look: str = "") -> Markup:
    """Names with their values; those without a value are left out."""
    made = [
        element("div", element("dt", name), element("dd", value))
        for name, value in pairs
        if value is not None
    ]
    return element("dl", made, class_=look or False)
