"""Serves the console's page and its JSON on 127.0.0.1, to who has the token."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from tableferry.aws.refusals import translated
from tableferry.cli.console.access import PAGE_HEADERS, Access
from tableferry.cli.console.views import placed
from tableferry.errors import InputError, InvalidSpecError, Problem, TableferryError

# A spec is 100,000 bytes at most; in JSON every one of them may be escaped.
MOST_BYTES = 1_000_000
_FILES: Mapping[str, tuple[str, str]] = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/console.css": ("console.css", "text/css; charset=utf-8"),
    "/console.js": ("console.js", "text/javascript; charset=utf-8"),
    "/graph.js": ("graph.js", "text/javascript; charset=utf-8"),
    "/form.js": ("form.js", "text/javascript; charset=utf-8"),
}


class Views(Protocol):
    """See views.Console."""

    def executions(self) -> dict[str, Any]: ...

    def execution(self, arn: str) -> dict[str, Any]: ...

    def children(self, map_run_arn: str) -> dict[str, Any]: ...

    def examples(self) -> dict[str, Any]: ...

    def validate(self, text: str) -> dict[str, Any]: ...

    def start(self, text: str) -> dict[str, Any]: ...

    def stop(self, arn: str) -> dict[str, Any]: ...

    def redrive(self, arn: str) -> dict[str, Any]: ...

    def approve(self, arn: str) -> dict[str, Any]: ...


class _Asked(dict[str, str]):
    """What a request gives by name; asking for what it does not give is the caller's mistake."""

    def __missing__(self, name: str) -> str:
        raise InvalidSpecError([Problem(name, None, "is missing", "give it")])


class ConsoleServer(ThreadingHTTPServer):
    """The server; port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, views: Views, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.access = Access(self.server_port)
        self.views = views


class _Handler(BaseHTTPRequestHandler):
    server: ConsoleServer
    server_version = "tableferry"
    sys_version = ""
    # One that sends half a request keeps no thread for ever.
    timeout = 30

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if refused := self.server.access.refusal(self.headers):
            self._fail(HTTPStatus.FORBIDDEN, "ForbiddenError", refused)
        elif url.path in _FILES:
            name, kind = _FILES[url.path]
            page = resources.files(__package__).joinpath("page", name)
            self._send(HTTPStatus.OK, page.read_bytes(), kind)
        else:
            query = {name: values[-1] for name, values in parse_qs(url.query).items()}
            self._answer(self._readings(), url.path, query)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        is_fit = length.isdecimal() and int(length) <= MOST_BYTES
        # Read before anything is refused: a connection closed on unread bytes loses the answer.
        content = self.rfile.read(int(length)) if is_fit else b""
        if refused := self.server.access.refusal(self.headers):
            self._fail(HTTPStatus.FORBIDDEN, "ForbiddenError", refused)
        elif not is_fit:
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "InputError", "the body is too large")
        elif (body := self._body(content)) is not None:
            self._answer(self._actions(), urlsplit(self.path).path, body)

    def _readings(self) -> dict[str, Callable[[dict[str, str]], dict[str, Any]]]:
        views = self.server.views
        return {
            "/api/executions": lambda _asked: views.executions(),
            "/api/execution": lambda asked: views.execution(asked["arn"]),
            "/api/children": lambda asked: views.children(asked["mapRun"]),
            "/api/examples": lambda _asked: views.examples(),
        }

    def _actions(self) -> dict[str, Callable[[dict[str, str]], dict[str, Any]]]:
        views = self.server.views
        return {
            "/api/validate": lambda asked: views.validate(asked["text"]),
            "/api/start": lambda asked: views.start(asked["text"]),
            "/api/stop": lambda asked: views.stop(asked["arn"]),
            "/api/redrive": lambda asked: views.redrive(asked["arn"]),
            "/api/approve": lambda asked: views.approve(asked["arn"]),
        }

    def _body(self, content: bytes) -> dict[str, str] | None:
        """The body's texts by name; None when the request was answered with what is wrong."""
        if self.headers.get_content_type() != "application/json":
            self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "InputError", "the body must be JSON")
            return None
        try:
            body = json.loads(content)
        except ValueError:
            body = None
        if not isinstance(body, dict) or not all(isinstance(v, str) for v in body.values()):
            self._fail(HTTPStatus.BAD_REQUEST, "InputError", "the body must be an object of texts")
            return None
        return body

    def _answer(
        self,
        routes: Mapping[str, Callable[[dict[str, str]], dict[str, Any]]],
        path: str,
        asked: dict[str, str],
    ) -> None:
        if not self.server.access.knows(self.headers):
            reason = "the token is missing or not that of this console: use the URL it printed"
            self._fail(HTTPStatus.UNAUTHORIZED, "UnauthorizedError", reason)
        elif path not in routes:
            self._fail(HTTPStatus.NOT_FOUND, "NotFoundError", f"there is no {path}")
        else:
            self._run(lambda: routes[path](_Asked(asked)), asked.get("text", ""))

    def _run(self, view: Callable[[], dict[str, Any]], text: str) -> None:
        try:
            with translated("a request", "the engine"):
                self._send_document(HTTPStatus.OK, view())
        except TableferryError as error:
            is_input = isinstance(error, InputError)
            status = HTTPStatus.UNPROCESSABLE_ENTITY if is_input else HTTPStatus.BAD_GATEWAY
            shown = {**error.to_json(), "problems": placed(text, error.problems)}
            self._send_document(status, {"error": shown})

    def _fail(self, status: HTTPStatus, name: str, cause: str) -> None:
        error = {"name": name, "cause": cause, "hint": "", "problems": []}
        self._send_document(status, {"error": error})

    def _send_document(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        content = json.dumps(document, ensure_ascii=False, default=str).encode()
        self._send(status, content, "application/json; charset=utf-8")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in PAGE_HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a browser that asks every second would fill the terminal."""
