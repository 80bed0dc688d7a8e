"""The report in a browser: what a person sees, in light and in dark, on a desk and on a phone."""

import base64
import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tableferry.reporting.page import render
from tests.reports import HOSTILE, report
from tests.support import chromium
from tests.support.chromium import Page

# Set in CI: a page that nobody looked at must not pass there.
REQUIRED = "TABLEFERRY_REQUIRE_CHROMIUM"
# WCAG 2.2, 1.4.3: text against what is behind it.
LEAST_CONTRAST = 4.5
# The contrast of every text that is shown, against the nearest background that is not transparent.
CONTRASTS = """
(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, place) => sum + each * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parts(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    const style = getComputedStyle(element);
    if (!own || !element.checkVisibility() || style.fontSize === '0px') continue;
    const pair = [light(parts(style.color)), light(behind(element))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    found.push([ratio, element.textContent.trim().slice(0, 40)]);
  }
  return found;
})()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = chromium.chromium()
    if program is None:
        reason = "there is no Chromium on this machine: apt-get install chromium"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium.opened(program, tmp_path_factory.mktemp("chromium")) as page:
        page.send("Accessibility.enable")
        yield page


@pytest.fixture
def page(browser: Page) -> Page:
    resize(browser, 1200, 900)
    browser.dark(is_dark=False)
    return browser


def resize(page: Page, width: int, height: int, *, mobile: bool = False) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    page.send("Emulation.setDeviceMetricsOverride", **size)


def opened(page: Page, folder: Path, *, good: bool = True) -> Page:
    path = folder / "report.html"
    path.write_bytes(render(report(good=good)).encode("utf-8", "backslashreplace"))
    page.urls.clear()
    page.complaints.clear()
    page.send("Page.navigate", url=path.as_uri())
    while page.value("document.readyState + location.protocol") != "completefile:":
        pass
    return page


def accessible(page: Page) -> list[tuple[str, str]]:
    """What a screen reader meets: role and name of each node that it does not pass over."""
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored")
    ]


def colours(picture: bytes) -> Counter[tuple[int, int, int]]:
    """How many pixels of a PNG (8 bits, RGB or RGBA) have each colour."""
    width, height, depth, kind = struct.unpack(">IIBB", picture[16:26])
    assert (depth, kind in {2, 6}) == (8, True)
    size = 3 if kind == 2 else 4
    place, data = 8, b""
    while place < len(picture):
        (length,) = struct.unpack(">I", picture[place : place + 4])
        if picture[place + 4 : place + 8] == b"IDAT":
            data += picture[place + 8 : place + 8 + length]
        place += 12 + length
    raw, above, found = zlib.decompress(data), bytearray(width * size), Counter[tuple[int, ...]]()
    for row in range(height):
        start = row * (width * size + 1)
        line = _unfiltered(
            raw[start], bytearray(raw[start + 1 : start + 1 + width * size]), above, size
        )
        found.update(zip(line[::size], line[1::size], line[2::size], strict=True))
        above = line
    return Counter({(r, g, b): count for (r, g, b), count in found.items()})


def _unfiltered(kind: int, line: bytearray, above: bytearray, size: int) -> bytearray:
    """One line of a PNG without its filter [PNG 9.2]."""
    if kind == 0:
        return line
    for place, value in enumerate(line):
        left = line[place - size] if place >= size else 0
        up, corner = above[place], above[place - size] if place >= size else 0
        near = left + up - corner
        paeth = min((left, up, corner), key=lambda each: abs(near - each))
        line[place] = (value + (0, left, up, (left + up) // 2, paeth)[kind]) & 255
    return line


@pytest.mark.parametrize("good", [True, False], ids=["good", "bad"])
def test_nothing_is_requested_and_nothing_is_complained_of(
    page: Page, tmp_path: Path, good: bool
) -> None:
    opened(page, tmp_path, good=good)
    assert [url.partition(":")[0] for url in page.urls] == ["file"]
    assert page.complaints == []
    assert page.value("performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize(
    ("scheme", "ground", "card"),
    [("light", (246, 247, 249), (255, 255, 255)), ("dark", (13, 17, 23), (22, 27, 34))],
)
def test_the_page_looks_as_the_person_prefers(
    page: Page,
    tmp_path: Path,
    scheme: str,
    ground: tuple[int, int, int],
    card: tuple[int, int, int],
) -> None:
    page.dark(is_dark=scheme == "dark")
    opened(page, tmp_path)
    # In a sixth of the pixels: they are looked at one by one.
    part = {"x": 0, "y": 0, "width": 1200, "height": 900, "scale": 0.4}
    picture = base64.b64decode(page.send("Page.captureScreenshot", clip=part)["data"])
    (tmp_path / f"{scheme}.png").write_bytes(picture)
    seen = colours(picture)
    assert {colour for colour, _ in seen.most_common(2)} == {ground, card}
    # Bars, signs and text are there: not one flat surface.
    assert len(seen) > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("good", [True, False], ids=["good", "bad"])
def test_every_text_can_be_read(page: Page, tmp_path: Path, scheme: str, good: bool) -> None:
    page.dark(is_dark=scheme == "dark")
    opened(page, tmp_path, good=good)
    page.value("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    found = page.value(CONTRASTS)
    assert len(found) > 100
    assert [each for each in found if each[0] < LEAST_CONTRAST] == []


def test_what_is_shown_is_what_the_run_did(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path)
    shown = page.value("document.body.innerText")
    for words in ("119,680", "✓ The tables match", "CopySourceToDestination", "1 min 1 s"):
        assert words in shown
    widths = page.value(
        "Object.fromEntries([...document.querySelectorAll('.states li')].map((each) => "
        "[each.querySelector('.name').firstChild.data,"
        " each.querySelector('.lane i').getBoundingClientRect().width]))"
    )
    # As long as they took: 61 s, 14 s, half a second.
    assert widths["CopySourceToDestination"] == pytest.approx(
        61 / 14 * widths["ReadBothTables"], rel=0.05
    )
    assert 0 < widths["PlanSegments"] < widths["ReadBothTables"]
    heights = page.value(
        "[...document.querySelectorAll('svg rect')].map((each) => each.getBBox().height)"
    )
    assert len(heights) > 60
    assert max(heights) == pytest.approx(96, abs=1)


def test_hostile_names_are_only_text(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, good=False)
    assert page.value("document.title").startswith("prefs-v2: FAILED")
    assert page.value("document.querySelectorAll('script, img, main b, main style').length") == 0
    shown = page.value("document.querySelector('#quarantine').innerText")
    assert HOSTILE[0] in shown
    assert HOSTILE[4] in shown
    assert "\\u202eevil" in shown


def test_a_phone_shows_all_of_it_without_scrolling_sideways(page: Page, tmp_path: Path) -> None:
    resize(page, 375, 800, mobile=True)
    opened(page, tmp_path, good=False)
    assert page.value("document.documentElement.scrollWidth") == 375
    too_wide = page.value(
        "[...document.querySelectorAll('h1, h2, p, dd, .name, .tiles li, .note, figure')]"
        ".filter((each) => each.checkVisibility() && !each.closest('.scroll')"
        " && each.getBoundingClientRect().right > 376).map((each) => each.outerHTML.slice(0, 80))"
    )
    assert too_wide == []
    assert page.value("parseFloat(getComputedStyle(document.querySelector('td')).fontSize)") >= 14


def test_the_keyboard_reaches_everything_that_scrolls_or_opens(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, good=False)
    page.press("Tab", 9)
    assert page.value("document.activeElement.className") == "skip"
    assert page.value("document.activeElement.getBoundingClientRect().left") >= 0
    reached = set()
    for _ in range(80):
        page.press("Tab", 9)
        reached.add(
            page.value("document.activeElement.tagName + '.' + document.activeElement.className")
        )
    assert {"A.", "SUMMARY.", "DIV.scroll"} <= reached
    unreached = page.value(
        "[...document.querySelectorAll('.scroll, pre, summary, a')]"
        ".filter((each) => each.tabIndex < 0).length"
    )
    assert unreached == 0


def test_a_screen_reader_meets_headings_tables_and_charts_by_name(
    page: Page, tmp_path: Path
) -> None:
    opened(page, tmp_path, good=False)
    nodes = accessible(page)
    roles = {role for role, _ in nodes}
    assert {"banner", "main", "contentinfo", "navigation", "table", "list", "heading"} <= roles
    headings = [name for role, name in nodes if role == "heading"]
    assert {"prefs-v2", "Verification", "States", "Rate over time", "Quarantine"} <= set(headings)
    regions = [name for role, name in nodes if role == "region"]
    assert regions
    assert all(regions)
    charts = [name for role, name in nodes if role == "image"]
    assert any(name.startswith("copy: 120,000 items in") for name in charts)
    # Signs and bars are for the eye; the words beside them say the same.
    assert "failed" in " ".join(name for role, name in nodes if role == "StaticText")
    assert not [name for role, name in nodes if role == "StaticText" and name in {"✓", "✗"}]
