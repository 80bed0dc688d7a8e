"""A data-plane request's way over the network: one send and, mostly, one receive on a kept socket.

botocore finds the endpoint, signs the request and reads the answer, also an error; its public
`before-send` event lets another carry the bytes. urllib3 takes more CPU for that than botocore for
all the rest (docs/decisions/0008-transport.md). Where a proxy or a client certificate is
configured, the request goes botocore's own way.
"""

import socket
import ssl
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from botocore import exceptions as botocore_exceptions
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from tableferry.aws.http_connection import (
    BrokenConnectionError,
    Connection,
    Reply,
    SlowConnectionError,
)

UNIQUE_ID = "tableferry transport"
# AWS closes a socket that was idle for a minute; one that a frozen sandbox kept may be gone.
IDLE_SECONDS = 20.0
_PORTS = {"http": 80, "https": 443}


def attach(client: Any, ca_bundle: str | None = None) -> None:
    """Sends the client's requests over a Transport of its own, where nothing stands in between."""
    config, endpoint = client.meta.config, urlsplit(client.meta.endpoint_url)
    proxies = config.proxies
    if proxies is None:
        proxies = get_environ_proxies(client.meta.endpoint_url)
    if config.client_cert or endpoint.scheme in proxies:
        return
    tls = _tls(client.meta.endpoint_url, ca_bundle) if endpoint.scheme == "https" else None
    transport = Transport(config.connect_timeout, config.read_timeout, tls)
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-send.{service}", transport.send, unique_id=UNIQUE_ID)


def _tls(endpoint_url: str, ca_bundle: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_bundle or get_cert_path(True))
    except OSError as error:  # the bundle is not there, or holds no certificates
        raise botocore_exceptions.SSLError(endpoint_url=endpoint_url, error=error) from error


@dataclass(frozen=True, slots=True)
class _Content:
    """What botocore takes an answer's body from."""

    body: bytes

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.body


class Transport:
    """Sends prepared requests, each over a socket of its own meanwhile; safe between threads."""

    def __init__(
        self,
        connect_seconds: float,
        read_seconds: float,
        tls: ssl.SSLContext | None = None,
        *,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._tls = tls
        self._idle_seconds = idle_seconds
        # Taking from a list and adding to it are one step each, whatever other threads do.
        self._idle: dict[str, list[Connection]] = {}
        weakref.finalize(self, _close_all, self._idle)

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """The answer, whatever its status; raises botocore's errors of the transport."""
        url = urlsplit(request.url)
        message = _message(url, request)
        connection = self._take(url)
        try:
            reply = self._exchange(connection, message)
        except SlowConnectionError as error:
            raise botocore_exceptions.ReadTimeoutError(
                endpoint_url=request.url, error=error
            ) from error
        except ssl.SSLError as error:
            raise botocore_exceptions.SSLError(endpoint_url=request.url, error=error) from error
        except (BrokenConnectionError, OSError) as error:
            raise botocore_exceptions.ConnectionClosedError(
                endpoint_url=request.url, error=error, request=request
            ) from error
        if reply.keeps_alive:
            self._idle[url.netloc].append(connection)
        else:
            connection.close()
        headers: Any = reply.headers
        return AWSResponse(request.url, reply.status, headers, _Content(reply.body))

    def _exchange(self, connection: Connection, message: bytes) -> Reply:
        try:
            return connection.exchange(message, self._read_seconds)
        except BaseException:
            connection.close()
            raise

    def _take(self, url: SplitResult) -> Connection:
        idle = self._idle.setdefault(url.netloc, [])
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was quicker
                break
            if connection.is_usable(self._idle_seconds):
                return connection
            connection.close()
        return Connection(self._connect(url))

    def _connect(self, url: SplitResult) -> socket.socket:
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        endpoint = url.geturl()
        try:
            connected = socket.create_connection((host, port), self._connect_seconds)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                # Closes what it was given when the handshake fails.
                connected = self._tls.wrap_socket(connected, server_hostname=host)
        except ssl.SSLError as error:
            raise botocore_exceptions.SSLError(endpoint_url=endpoint, error=error) from error
        except TimeoutError as error:
            raise botocore_exceptions.ConnectTimeoutError(
                endpoint_url=endpoint, error=error
            ) from error
        except OSError as error:
            raise botocore_exceptions.EndpointConnectionError(
                endpoint_url=endpoint, error=error
            ) from error
        connected.settimeout(self._read_seconds)
        return connected


def _message(url: SplitResult, request: AWSPreparedRequest) -> bytes:
    """The request as it goes over the wire, head and body in one piece."""
    body: Any = request.body or b""
    target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {_host(url)}"]
    for name, value in request.headers.items():
        # Signed by the Common Runtime, where it is installed, a request has its host already.
        if name.lower() == "host":
            continue
        lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    lines += ["Accept-Encoding: identity", "", ""]
    return b"".join(("\r\n".join(lines).encode(), body))


def _host(url: SplitResult) -> str:
    """The header as botocore signs it: no port where it is the scheme's own."""
    host = url.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if url.port in {None, _PORTS[url.scheme]} else f"{host}:{url.port}"


def _close_all(idle: dict[str, list[Connection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.close()
