"""The engine starts, is found, and ends with everything it started."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tableferry.errors
from tableferry.errors import UnreachableError
from tableferry.local.engine import Engine, RunningEngine, Worker
from tableferry.local.launching import local_environment
from tests.integration.engine.lab import Lab, lines

PATIENCE_SECONDS = 15.0
SOURCE = Path(tableferry.errors.__file__).parents[1]
# Tells its process id, then waits.
WAITS = """
import os, time
def handler(event, context):
    with open(event, "a") as log: log.write(f"{os.getpid()}\\n")
    time.sleep(60)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path / "state")
    yield made
    made.stop()


def lab_of(running: RunningEngine) -> Lab:
    return Lab(running, PATIENCE_SECONDS)


def busy_worker(running: RunningEngine, log: Path) -> int:
    """The process of a function that is in the middle of an invocation."""
    lab = lab_of(running)
    function = lab.function(WAITS, Timeout=60)
    lab.functions.invoke(FunctionName=function, InvocationType="Event", Payload=f'"{log}"'.encode())
    return int(lab.until(lambda: lines(log))[0])


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # In a container nobody may reap an orphan; a zombie does not run.
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return not state.stdout.strip().startswith("Z")


def test_second_start_finds_the_running_engine(engine: Engine) -> None:
    first = engine.start()
    assert engine.start() == first
    assert Engine(engine.state_directory).running() == first
    assert engine.wait_ready() == first


def test_start_on_another_port_than_the_running_engine_is_refused(engine: Engine) -> None:
    running = engine.start()
    with pytest.raises(UnreachableError, match=f"runs on port {running.port} already"):
        engine.start(port=running.port + 1)


def test_engines_of_two_directories_run_side_by_side(engine: Engine, tmp_path: Path) -> None:
    other = Engine(tmp_path / "other")
    try:
        one, two = lab_of(engine.start()), lab_of(other.start())
        table = one.table()
        assert one.dynamodb.list_tables()["TableNames"] == [table]
        assert two.dynamodb.list_tables()["TableNames"] == []
    finally:
        other.stop()


def test_taken_port_is_named_with_the_way_out(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnreachableError) as caught:
            engine.start(port=port)
    assert f"port {port} on 127.0.0.1 can not be used: Address already in use" in str(caught.value)
    assert "--port" in caught.value.hint
    assert engine.status() is None


def test_engine_that_can_not_be_imported_shows_the_end_of_its_log(engine: Engine) -> None:
    with pytest.raises(UnreachableError) as caught:
        engine.start(function_environment={"LAMBDA_WARM_TTL_SECONDS": "not a number"})
    assert "could not convert string to float: 'not a number'" in str(caught.value)


def test_nothing_started_is_said(engine: Engine) -> None:
    with pytest.raises(UnreachableError) as caught:
        engine.running()
    assert str(caught.value.cause) == "the embedded engine is not running"
    assert caught.value.hint == "start it: tableferry local up"
    assert engine.stop() is False


def test_engine_listens_on_loopback_only(engine: Engine) -> None:
    running = engine.start()
    outside = socket.gethostbyname(socket.gethostname())
    if outside.startswith("127."):
        outside = "127.0.0.2" if os.uname().sysname == "Linux" else outside
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((outside, running.port), timeout=5).close()
    socket.create_connection(("127.0.0.1", running.port), timeout=5).close()


def test_stop_ends_busy_and_frozen_workers_and_forgets_the_tables(
    engine: Engine, tmp_path: Path
) -> None:
    running = engine.start()
    lab_of(running).table()
    busy = busy_worker(running, tmp_path / "busy")
    frozen = busy_worker(running, tmp_path / "frozen")
    os.kill(frozen, signal.SIGSTOP)
    assert engine.stop() is True
    lab = lab_of(running)
    lab.until(lambda: not is_alive(busy) and not is_alive(frozen))
    assert not is_alive(running.pid)
    assert engine.status() is None
    again = lab_of(engine.start())
    assert again.dynamodb.list_tables()["TableNames"] == []


def test_killed_engine_takes_its_workers_along_and_is_recognised(
    engine: Engine, tmp_path: Path
) -> None:
    running = engine.start()
    worker = busy_worker(running, tmp_path / "busy")
    os.kill(running.pid, signal.SIGKILL)
    lab_of(running).until(lambda: not is_alive(worker))
    with pytest.raises(UnreachableError) as caught:
        engine.wait_ready()
    assert "the embedded engine died" in str(caught.value)
    assert "services available on port" in str(caught.value)
    again = engine.start()
    assert again.boot_id != running.boot_id
    assert engine.running() == again


def test_state_that_names_a_process_of_somebody_else_does_not_count(engine: Engine) -> None:
    running = engine.start()
    state = (engine.state_directory / "engine.json").read_text()
    engine.stop()
    # As after a crash, when the pid belongs to another process: this one.
    state = state.replace(str(running.pid), str(os.getpid()))
    (engine.state_directory / "engine.json").write_text(state)
    assert engine.status() is None
    assert engine.stop() is False
    assert is_alive(os.getpid())


def test_functions_get_what_the_caller_passes_on(engine: Engine) -> None:
    proxy = "http://127.0.0.1:1"
    running = engine.start(function_environment={"AWS_ENDPOINT_URL_DYNAMODB": proxy})
    lab = lab_of(running)
    source = (
        "import os\ndef handler(event, context): return os.environ['AWS_ENDPOINT_URL_DYNAMODB']"
    )
    assert lab.invoke(lab.function(source)) == proxy
    own = lab.function(source, Environment={"Variables": {"AWS_ENDPOINT_URL_DYNAMODB": "own"}})
    assert lab.invoke(own) == "own"


def test_engine_of_a_test_ends_with_the_process_that_started_it(
    engine: Engine, tmp_path: Path
) -> None:
    script = (
        "import os, sys; from pathlib import Path; from tableferry.local.engine import Engine\n"
        f"print(Engine(Path({str(engine.state_directory)!r})).start(outlives_caller=False).pid)\n"
        "sys.stdout.flush(); os.kill(os.getpid(), 9)\n"
    )
    started = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=SOURCE
    )
    process = int(started.stdout)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(process)
    assert engine.status() is None


def test_workers_are_listed(engine: Engine, tmp_path: Path) -> None:
    running = engine.start()
    lab = lab_of(running)
    idle = lab.function("import os\ndef handler(event, context): return os.getpid()")
    process = lab.invoke(idle)
    busy = busy_worker(running, tmp_path / "busy")
    workers = {worker.pid: worker for worker in engine.workers()}
    assert workers[process] == Worker(process, idle, is_busy=False)
    assert workers[busy].is_busy


def test_waits_are_scaled_when_asked(engine: Engine) -> None:
    lab = lab_of(engine.start(wait_scale=0))
    wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    assert lab.run(wait).status == "SUCCEEDED"


def test_environment_for_other_tools_leads_to_the_engine_alone() -> None:
    environment = local_environment(4567)
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4567"
    assert (
        environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    )
