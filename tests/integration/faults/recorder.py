"""An upstream that keeps the very bytes it gets and answers with the very bytes it is told to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Recorder:
    """Answers each connection's requests with `answers` in turn; b"" closes instead."""

    def __init__(self, listening: socket.socket, answers: list[bytes]) -> None:
        self._listening = listening
        self._answers = answers
        self.received: list[bytes] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return  # closed: the test is over
            self.connections += 1
            with connection:
                while self._answers and (request := _request(connection)):
                    self.received.append(request)
                    answer = self._answers.pop(0)
                    if not answer:
                        break
                    connection.sendall(answer)


@contextmanager
def recorder(*answers: bytes) -> Iterator[Recorder]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        recording = Recorder(listening, list(answers))
        thread = threading.Thread(target=recording.serve, daemon=True)
        thread.start()
        yield recording
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def exchange(url: str, *requests: bytes) -> list[bytes]:
    """The answers to those requests, in turn on one connection; b"" where it was closed."""
    port = int(url.rsplit(":", 1)[1])
    answers = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for request in requests:
            connection.sendall(request)
            answers.append(_request(connection))
    return answers


def _request(connection: socket.socket) -> bytes:
    """One whole message with a Content-Length, or none at the connection's end."""
    text = b""
    while b"\r\n\r\n" not in text:
        more = connection.recv(65536)
        if not more:
            return b""
        text += more
    head, _, body = text.partition(b"\r\n\r\n")
    fields = [line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:]]
    length = next((int(value) for name, value in fields if name == b"content-length"), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
