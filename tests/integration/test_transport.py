"""The data plane's transport: a real botocore client before sockets that misbehave."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as botocore_exceptions
from botocore.awsrequest import AWSPreparedRequest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tableferry.addresses import TableAddress
from tableferry.aws import transport
from tableferry.aws.session import Sessions
from tableferry.aws.transport import Transport
from tableferry.aws.wire import BotocoreWireClient

PAGE = b'{"Count":0,"Items":[]}'
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE

Talk = Callable[[socket.socket, int], None]


class Server:
    """Accepts connections; `talk` plays the other side of each, told which one it is."""

    def __init__(self, talk: Talk, tls: ssl.SSLContext | None = None) -> None:
        self._talk = talk
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.heads: list[str] = []
        self.connections = 0
        self._threads: list[threading.Thread] = []

    def request(self, connected: socket.socket) -> bytes | None:
        """Reads one request and keeps its head; None where the client closed."""
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connected.recv(65536)
            if not piece:
                return None
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        self.heads.append(head.decode())
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += connected.recv(65536)
        return body

    def answer(self, connected: socket.socket, *pieces: bytes) -> bool:
        """Reads a request and sends an answer to it; False where there was none."""
        if self.request(connected) is None:
            return False
        for piece in pieces:
            connected.sendall(piece)
        return True

    def _serve(self, connected: socket.socket, number: int) -> None:
        try:
            if self._tls is not None:
                connected = self._tls.wrap_socket(connected, server_side=True)
            self._talk(connected, number)
        except OSError:
            pass
        finally:
            connected.close()

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connected, self.connections))
            self.connections += 1
            self._threads.append(thread)
            thread.start()

    @contextmanager
    def running(self) -> Iterator["Server"]:
        accepting = threading.Thread(target=self._accept)
        accepting.start()
        try:
            yield self
        finally:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            accepting.join(10)
            for thread in self._threads:
                thread.join(10)


@contextmanager
def answering(answer: bytes) -> Iterator[Server]:
    """A server that answers each connection once."""

    def talk(connected: socket.socket, number: int) -> None:
        server.answer(connected, answer)

    with (server := Server(talk)).running():
        yield server


def client_of(server: Server, scheme: str = "http", host: str = "127.0.0.1") -> Any:
    sessions = Sessions(region="us-east-1", endpoint_url=f"{scheme}://{host}:{server.port}")
    return sessions.data_client(TableAddress("Source"), 4)


def post(carrier: Transport, server: Server) -> bytes:
    """What a prepared request of botocore's is answered with."""
    url = f"http://127.0.0.1:{server.port}/"
    headers: Any = {"X-Amz-Target": b"DynamoDB_20120810.Scan", "Content-Length": "2"}
    answer = carrier.send(AWSPreparedRequest("POST", url, headers, b"{}", False))
    assert answer.status_code == 200
    return bytes(answer.content)


def scan(client: Any) -> bytes:
    return BotocoreWireClient(client).call("Scan", {"TableName": "Source"})


@pytest.mark.parametrize(
    "pieces",
    [
        (PLAIN,),
        (PLAIN[:20], PLAIN[20:60], PLAIN[60:]),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN,),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"8;x=y\r\n" + PAGE[:8] + b"\r\n",
            b"%x\r\n" % (len(PAGE) - 8) + PAGE[8:] + b"\r\n0\r\ntrailer: 1\r\n\r\n",
        ),
    ],
    ids=["whole", "in pieces", "after a continue", "chunked"],
)
def test_answers_arrive_however_they_are_framed_and_the_socket_is_kept(
    pieces: tuple[bytes, ...],
) -> None:
    def talk(connected: socket.socket, number: int) -> None:
        while server.answer(connected, *pieces):
            pass

    with (server := Server(talk)).running():
        carrier = Transport(3, 10)
        assert [post(carrier, server), post(carrier, server)] == [PAGE, PAGE]
        assert server.connections == 1
        del carrier


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 22\r\n\r\n" + PAGE,
        b"HTTP/1.0 200 OK\r\nContent-Length: 22\r\n\r\n" + PAGE,
        b"HTTP/1.1 200 OK\r\n\r\n" + PAGE,
        PLAIN + b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["close", "1.0", "until the end", "more than was asked for"],
)
def test_a_socket_that_is_over_is_not_used_again(answer: bytes) -> None:
    def talk(connected: socket.socket, number: int) -> None:
        server.answer(connected, answer)

    with (server := Server(talk)).running():
        carrier = Transport(3, 10)
        assert [post(carrier, server), post(carrier, server)] == [PAGE, PAGE]
        assert server.connections == 2


def test_a_socket_that_was_closed_meanwhile_is_replaced() -> None:
    closed = threading.Event()

    def talk(connected: socket.socket, number: int) -> None:
        server.answer(connected, PLAIN)
        connected.close()
        closed.set()

    with (server := Server(talk)).running():
        carrier = Transport(3, 10)
        post(carrier, server)
        assert closed.wait(10)
        assert post(carrier, server) == PAGE
        assert server.connections == 2


def test_a_socket_that_lay_idle_for_long_is_replaced() -> None:
    def talk(connected: socket.socket, number: int) -> None:
        while server.answer(connected, PLAIN):
            pass

    with (server := Server(talk)).running():
        carrier = Transport(3, 10, idle_seconds=0.0)
        assert [post(carrier, server), post(carrier, server)] == [PAGE, PAGE]
        assert server.connections == 2
        del carrier


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Le", PLAIN[:-3], b"SSH-2.0-x\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", b"x" * 400_000],
    ids=["nothing", "half a head", "half a body", "not HTTP", "no number", "endless head"],
)  # fmt: skip
def test_what_is_no_answer_is_a_broken_connection(answer: bytes) -> None:
    with answering(answer) as server, pytest.raises(botocore_exceptions.ConnectionClosedError):
        post(Transport(3, 10), server)


def test_an_answer_that_does_not_come_or_drips_in_is_too_late() -> None:
    over = threading.Event()

    def talk(connected: socket.socket, number: int) -> None:
        server.request(connected)
        while number and not over.wait(0.02):
            connected.sendall(b"H")
        over.wait(10)

    with (server := Server(talk)).running():
        slow = Transport(connect_seconds=3, read_seconds=0.1)
        for _ in range(2):
            with pytest.raises(botocore_exceptions.ReadTimeoutError):
                post(slow, server)
        over.set()


def test_an_error_answer_is_botocores_to_read() -> None:
    body = b'{"__type":"x#ResourceNotFoundException","message":"no table"}'
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with answering(answer) as server:
        client = client_of(server)
        with pytest.raises(client.exceptions.ResourceNotFoundException, match="no table"):
            scan(client)
        release(client)


def test_nobody_listens() -> None:
    with answering(PLAIN) as server:
        pass
    with pytest.raises(botocore_exceptions.EndpointConnectionError):
        post(Transport(3, 10), server)


def test_the_host_is_said_as_it_was_signed() -> None:
    with answering(PLAIN) as server:
        client = client_of(server, host="LOCALHOST")
        scan(client)
        head = server.heads[0].lower()
        assert head.startswith("post / http/1.1\r\n")
        assert f"\r\nhost: localhost:{server.port}\r\n" in head
        assert head.count("\r\nhost:") == 1
        assert "aws4-hmac-sha256" in head
        assert "tableferry" in head
        release(client)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tableferry test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


@pytest.fixture
def tls_server(certificate: tuple[Path, Path]) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def talk(connected: socket.socket, number: int) -> None:
        while server.answer(connected, PLAIN):
            pass

    with (server := Server(talk, context)).running():
        yield server


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_tls_takes_the_bundle_of_the_configuration(
    variable: str,
    tls_server: Server,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(certificate[0]))
    client = client_of(tls_server, "https")
    assert [scan(client), scan(client)] == [PAGE, PAGE]
    assert tls_server.connections == 1
    release(client)


def test_tls_trusts_no_other_certificate_and_no_other_name(
    tls_server: Server, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with pytest.raises(botocore_exceptions.SSLError):
        scan(client_of(tls_server, "https"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate[0]))
    with pytest.raises(botocore_exceptions.SSLError):
        scan(client_of(tls_server, "https", host="localhost"))
    assert tls_server.heads == []


def test_a_proxy_of_the_environment_is_botocores(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the request with the whole address, as proxies do."""
    with answering(PLAIN) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        sessions = Sessions(region="us-east-1", endpoint_url="http://tables.test:80")
        client = sessions.data_client(TableAddress("Source"), 4)
        assert scan(client) == PAGE
        assert server.heads[0].startswith("POST http://tables.test")
        client.close()


def release(client: Any) -> None:
    """Closes the client's sockets, for the server waits for their end."""
    events = client.meta.events
    events.unregister("before-send.dynamodb", unique_id=transport.UNIQUE_ID)
