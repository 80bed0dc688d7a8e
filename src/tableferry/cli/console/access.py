"""Who may ask the local console: its own page, in a browser that was given the token."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message

TOKEN_HEADER = "X-Tableferry-Token"
# No script, style, picture or connection but our own; nobody may put the page into a frame.
PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one console, which listens on 127.0.0.1 at this port."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def url(self) -> str:
        """Where the page is; what is behind the # never leaves the browser."""
        return f"http://127.0.0.1:{self.port}/#token={self.token}"

    def refusal(self, headers: Message) -> str | None:
        """Why these headers of any request are refused; None when they are not.

        A name of somebody else that leads to 127.0.0.1 (DNS rebinding) shows in Host, a page of
        somebody else in Origin and Sec-Fetch-Site.
        """
        hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        if headers.get("Host", "").lower() not in hosts:
            return "this host name is not the console's: use the URL that was printed"
        origin = headers.get("Origin")
        if origin is not None and origin.lower() not in {f"http://{host}" for host in hosts}:
            return "a page of another origin may not ask the console"
        if headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return "a page of another site may not ask the console"
        return None

    def knows(self, headers: Message) -> bool:
        """Whether the request has the token."""
        given = headers.get(TOKEN_HEADER, "").encode("utf-8", "replace")
        return secrets.compare_digest(given, self.token.encode())
