"""The console's page in headless Chromium: start, fail, mend, redrive, done, by clicks and keys."""

import json
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tableferry.aws.execution_details import ExecutionDetails
from tableferry.aws.session import Sessions
from tableferry.cli.console.server import ConsoleServer
from tableferry.cli.console.views import Console
from tableferry.cli.stack import connect
from tableferry.local.engine import REGION, RunningEngine
from tests.integration.cli.conftest import ROOT, Aws, rows
from tests.support.chromium import Page, chromium, opened

PROGRAM = chromium()
BAD = {"id": {"S": "bad"}, "n": {"M": {}}}
MENDED = {"id": {"S": "bad"}, "n": {"N": "1"}}
# Colours as the page computes them, for every state of the graph and the text in it.
CONTRASTS = """
(() => {
  const part = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = (rgb) => { const [r, g, b] = rgb.match(/[\\d.]+/g).map(Number);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + .05) / (y + .05); };
  const fill = (g, name) => getComputedStyle(g.querySelector(name)).fill;
  const found = [...document.querySelectorAll('svg .state')].map((g) =>
    ratio(fill(g, 'rect'), fill(g, 'text')));
  const badges = [...document.querySelectorAll('.badge')].map((b) =>
    ratio(getComputedStyle(b).backgroundColor, getComputedStyle(b).color));
  const body = getComputedStyle(document.body);
  return [...found, ...badges, ratio(body.color, body.backgroundColor)];
})()"""
UNNAMED = """
[...document.querySelectorAll('button, select, textarea, input, [role=button]')].filter((each) =>
  !(each.textContent.trim() || each.getAttribute('aria-label') || each.labels?.length)).length"""

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed (Debian: apt-get install chromium)"
)


@pytest.fixture
def server(engine: RunningEngine) -> Iterator[ConsoleServer]:
    stack = connect("tableferry", REGION, None, engine.endpoint_url)
    sessions = Sessions(region=REGION, endpoint_url=engine.endpoint_url)
    details = ExecutionDetails(sessions.client("stepfunctions"))
    server = ConsoleServer(Console(stack, details, ROOT))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(server: ConsoleServer, tmp_path: Path) -> Iterator[Page]:
    with opened(str(PROGRAM), tmp_path) as page:
        page.go(server.access.url)
        yield page


def spec_of(aws: Aws, items: list[dict[str, Any]]) -> dict[str, Any]:
    name = f"page-{uuid.uuid4().hex[:6]}"
    aws.table(f"{name}-source", items)
    aws.table(f"{name}-destination", [])
    return {
        "migrationId": name,
        "source": {"tableName": f"{name}-source"},
        "destination": {"tableName": f"{name}-destination"},
        "transform": [{"cast": {"attribute": "n", "to": "S"}}],
        "segments": 3,
    }


def status(page: Page, word: str) -> None:
    page.until(f"document.getElementById('status').textContent.startsWith('{word}')")


def state(name: str) -> str:
    return f'svg [data-name="{name}"]'


def start(page: Page, spec: dict[str, Any]) -> None:
    page.click("#start-panel summary")
    page.type_over("#spec", json.dumps(spec, indent=2))
    page.until("document.getElementById('verdict').textContent === 'Valid.'")
    page.click("#start")
    page.until(f"document.getElementById('title').textContent === '{spec['migrationId']}'")


def test_start_fail_mend_redrive_done(page: Page, server: ConsoleServer, aws: Aws) -> None:
    spec = spec_of(aws, [*rows(60), BAD])
    start(page, spec)
    status(page, "FAILED")
    assert page.text("#error-name") == "ItemError"
    assert '"bad"' in page.text("#error-cause")
    page.until(f"document.querySelector('{state('CopySourceToDestination')}.FAILED')")

    page.click(state("CopySourceToDestination"))
    page.until("document.getElementById('state-title').textContent.endsWith(': FAILED')")
    assert "States.ExceedToleratedFailureThreshold" in page.text("#state-error")
    page.click("#maps button")
    page.until("document.querySelector('#children details[open]')")
    assert "ItemError" in page.text("#children")
    assert "FAILED" in page.text("#children li")

    aws.client("dynamodb").put_item(TableName=spec["source"]["tableName"], Item=MENDED)
    page.click("#redrive")
    status(page, "SUCCEEDED")
    assert "redriven 1 times" in page.text("#status")
    page.until(f"document.querySelector('{state('CopySourceToDestination')}.SUCCEEDED')")
    page.until("document.querySelector('#progress').textContent.includes('3 of 3')")
    assert page.value("document.getElementById('redrive').disabled")
    assert page.value("document.getElementById('stop').disabled")
    assert len(aws.items(spec["destination"]["tableName"])) == 61
    own = f"http://127.0.0.1:{server.access.port}/"
    assert {url for url in page.urls if not url.startswith(own)} <= {"about:blank"}
    assert server.access.token not in "".join(page.urls).replace(server.access.url, "")
    assert [said for said in page.complaints if "favicon" not in said and "404" not in said] == []
    look_at_both(page)


def look_at_both(page: Page) -> None:
    """Readable in light and dark, and everything has a name."""
    assert page.value(UNNAMED) == 0
    pictures = os.environ.get("TABLEFERRY_PICTURES")
    for is_dark in (False, True):
        page.dark(is_dark=is_dark)
        contrasts = page.value(CONTRASTS)
        assert len(contrasts) > 50
        assert min(contrasts) >= 4.5, "WCAG 2.2 1.4.3"
        if pictures:
            name = f"console-{'dark' if is_dark else 'light'}.png"
            page.value("scrollTo(0, 0)")
            page.picture(Path(pictures) / name)


def test_form_says_all_mistakes_beside_their_fields(page: Page) -> None:
    page.click("#start-panel summary")
    page.until("document.querySelectorAll('#example option').length > 3")
    assert page.value("document.getElementById('start').disabled")
    page.type_over("#spec", '{\n"migrationId": "a b",\n"mode": "x"\n}')
    page.until("document.querySelectorAll('#problems li').length >= 3")
    shown = page.text("#problems")
    for words in ("migrationId (line 2)", "mode (line 3)", "destination", "is required"):
        assert words in shown
    assert page.value("document.getElementById('spec').getAttribute('aria-invalid')") == "true"
    assert page.value("document.getElementById('start').disabled")
    marked = (
        "[...document.querySelectorAll('#lines .wrong')].map((each) => each.textContent.trim())"
    )
    assert page.value(marked) == ["✗ 1", "✗ 2", "✗ 3"], "beside the lines that the list names"
    page.click("#problems li:last-child button")
    selected = "(s => s.value.slice(s.selectionStart, s.selectionEnd))(document.activeElement)"
    assert page.value(selected).startswith('"mode"')
    page.type_over("#spec", '{\n"migrationId": ')
    page.until("document.querySelectorAll('#problems li').length === 1")
    assert "not JSON" in page.text("#problems")


def test_stop_by_keyboard_alone(page: Page, aws: Aws) -> None:
    spec = {**spec_of(aws, rows(5)), "approval": True}
    start(page, spec)
    page.until(f"document.querySelector('{state('RequestApproval')}.RUNNING')")
    page.value(f"document.querySelector('{state('RequestApproval')}').focus()")
    page.press("Enter", 13)
    page.until("document.getElementById('state-title').textContent.startsWith('RequestApproval')")
    assert "approval" in page.text("#state-input")
    page.value("document.getElementById('execution').focus()")
    page.press("Tab", 9)
    assert page.value("document.activeElement.id") == "stop"
    page.press("Enter", 13)
    page.until("document.getElementById('status').dataset.status === 'ABORTED'")
    page.until("!document.getElementById('redrive').disabled")


def test_approve_lets_it_go_on(page: Page, aws: Aws) -> None:
    spec = {**spec_of(aws, rows(5)), "approval": True}
    start(page, spec)
    page.until("!document.getElementById('approve').disabled")
    page.until("document.getElementById('reason').textContent.includes('waits for a person')")
    page.click("#approve")
    status(page, "SUCCEEDED")
    assert page.value("document.getElementById('approve').disabled")
    assert page.text("#reason") == ""
    assert len(aws.items(spec["destination"]["tableName"])) == 5


def test_without_the_token_the_page_says_so(page: Page, server: ConsoleServer) -> None:
    page.value("sessionStorage.clear()")
    page.send("Page.reload")
    page.until("document.getElementById('trouble')?.textContent.includes('token')")
    assert page.text("#executions") == ""
