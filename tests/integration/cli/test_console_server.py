"""Who the console's server answers, by plain HTTP."""

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tableferry.cli.console.access import TOKEN_HEADER
from tableferry.cli.console.server import MOST_BYTES, ConsoleServer
from tests.unit.cli.fake_console import console_of


@pytest.fixture
def server() -> Iterator[ConsoleServer]:
    server = ConsoleServer(console_of())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def asked(
    server: ConsoleServer, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content; a header of empty text is left out."""
    connection = http.client.HTTPConnection("127.0.0.1", server.access.port, timeout=10)
    sent = {
        TOKEN_HEADER: server.access.token,
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    content = body if isinstance(body, str) or body is None else json.dumps(body)
    method = "GET" if body is None else "POST"
    connection.request(method, path, content, {k: v for k, v in sent.items() if v})
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def test_listens_on_loopback_alone(server: ConsoleServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.access.url.startswith(f"http://127.0.0.1:{server.access.port}/#token=")
    assert len(server.access.token) >= 40


@pytest.mark.parametrize("path", ["/", "/console.js", "/graph.js", "/form.js", "/console.css"])
def test_page_is_its_own_and_holds_no_secret(server: ConsoleServer, path: str) -> None:
    status, headers, content = asked(server, path, **{"X-Tableferry-Token": ""})
    assert status == 200
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert server.access.token.encode() not in content
    assert b"https://" not in content


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/executions", None),
        ("/api/examples", None),
        ("/api/start", {"text": "{}"}),
        ("/api/stop", {"arn": "x"}),
        ("/api/approve", {"arn": "x"}),
    ],
)
def test_without_the_token_nothing_is_said_or_done(
    server: ConsoleServer, path: str, body: Any, token: str
) -> None:
    status, _headers, content = asked(server, path, body, **{"X-Tableferry-Token": token})
    assert status == 401
    assert json.loads(content)["error"]["name"] == "UnauthorizedError"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("body", [None, {"text": "{}"}])
def test_other_hosts_and_origins_are_refused_even_with_the_token(
    server: ConsoleServer, headers: dict[str, str], body: Any
) -> None:
    named = {
        name: text.replace("{port}", str(server.access.port)) for name, text in headers.items()
    }
    for path in ("/", "/api/validate"):
        assert asked(server, path, body, **named)[0] == 403


def test_own_origin_is_answered(server: ConsoleServer) -> None:
    own = {"Origin": f"http://localhost:{server.access.port}", "Sec_Fetch_Site": "same-origin"}
    own["Host"] = f"localhost:{server.access.port}"
    status, _headers, content = asked(server, "/api/validate", {"text": "{}"}, **own)
    assert status == 200
    paths = [problem["path"] for problem in json.loads(content)["problems"]]
    assert "migrationId" in paths
    assert "destination" in paths


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/api/validate", "not json", {}, 400),
        ("/api/validate", [], {}, 400),
        ("/api/validate", {"text": 1}, {}, 400),
        ("/api/validate", {"text": "{}"}, {"Content_Type": "text/plain"}, 415),
        ("/api/validate", {"text": ""}, {"Content_Length": str(MOST_BYTES + 1)}, 413),
        ("/api/validate", {"text": ""}, {"Content_Length": "many"}, 413),
        ("/api/validate", {}, {}, 422),
        ("/api/nothing", {}, {}, 404),
        ("/../server.py", None, {}, 404),
        ("/api/execution", None, {}, 422),
        ("/api/execution?arn=arn:aws:states:elsewhere", None, {}, 422),
    ],
)
def test_bad_requests(
    server: ConsoleServer, path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    found, _headers, content = asked(server, path, body, **headers)
    assert found == status
    assert json.loads(content)["error"]["cause"]


def test_start_refuses_with_all_problems(server: ConsoleServer) -> None:
    status, _headers, content = asked(server, "/api/start", {"text": '{\n"mode": "x"\n}'})
    assert status == 422
    problems = json.loads(content)["error"]["problems"]
    assert ("mode", 2) in [(problem["path"], problem["line"]) for problem in problems]
    assert len(problems) >= 3
