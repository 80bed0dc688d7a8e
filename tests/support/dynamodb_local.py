"""AWS's DynamoDB Local: fetched from Maven Central once, started on a free port, ended.

Its request validation and its PartiQL parser are AWS's own. It has no option for the address that
it listens on: it is reachable from other machines while the tests run, and holds test data only.
"""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POM = Path(__file__).parent / "dynamodb-local" / "pom.xml"
CACHE = Path(__file__).parents[2] / ".cache" / "dynamodb-local"
FETCH_SECONDS = 300.0
START_SECONDS = 60.0
MAIN_CLASS = "software.amazon.dynamodb.services.local.main.ServerRunner"
# Ends Java when standard input closes, so also when the tests' own process is killed.
_UNTIL_STDIN_CLOSES = 'exec 3<&0; "$@" <&- & java=$!; (read -r _ <&3; kill $java) & wait $java'


class NotAvailableError(Exception):
    """DynamoDB Local can not run here; the message says what is missing."""


def fetched() -> Path:
    """The directory of its jars and native libraries; fetched again when the pom changes."""
    _need("java")
    CACHE.mkdir(parents=True, exist_ok=True)
    library = CACHE / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not library.exists():
            _need("mvn")
            _fetch(library)
    return library


def _need(program: str) -> None:
    if shutil.which(program) is None:
        raise NotAvailableError(f"DynamoDB Local needs {program}, which is not on the PATH")


def _fetch(library: Path) -> None:
    partial = library.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mvn", "-q", "-B", "--strict-checksums", "-f", str(POM)]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotAvailableError(f"Maven did not end within {FETCH_SECONDS:g} s") from error
    if run.returncode != 0:
        raise NotAvailableError(f"Maven could not fetch DynamoDB Local: {run.stdout[-2000:]}")
    partial.rename(library)


@contextmanager
def running(log_file: Path) -> Iterator[str]:
    """Its endpoint URL while it runs, in memory, one set of tables for all credentials."""
    library = fetched()
    port = _free_port()
    java = ["java", "-Xmx512m", f"-Djava.library.path={library}", "-cp", f"{library}/*", MAIN_CLASS]
    options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", _UNTIL_STDIN_CLOSES, "dynamodb-local", *java, *options],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process, log_file)
        yield url
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log_file: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"DynamoDB Local died: {log_file.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return  # an unsigned request is refused: it is there
        except OSError:
            time.sleep(0.05)  # there is nothing to wait for but the port
    raise TimeoutError(f"DynamoDB Local does not answer after {START_SECONDS:g} s")


def must_be_there() -> bool:
    """In CI Java and Maven are there: a test that skips would only look like one that passed."""
    return bool(os.environ.get("CI"))
