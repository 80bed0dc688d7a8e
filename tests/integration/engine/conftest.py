"""Engines for the tests of the gaps.

A test marked `gap("name")` runs twice: on the engine with every gap closed, where it must pass, and
on one that leaves this gap open, where it must fail (a strict xfail): it proves that it is needed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tableferry.local.engine import Engine
from tests.integration.engine.lab import Lab

CLOSED = ""
PATIENCE_SECONDS = 15.0
# How long a test that must fail waits for what will not happen.
LITTLE_PATIENCE_SECONDS = 0.8
# The ways in which a test finds that the engine is not as it should be.
FINDINGS = (AssertionError, ClientError, BotoCoreError, KeyError, pytest.fail.Exception)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gap(name): fails on an engine that leaves the gap open")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "lab" not in metafunc.fixturenames:
        return
    engines = [pytest.param(CLOSED, id="closed")]
    mark = metafunc.definition.get_closest_marker("gap")
    if mark is not None:
        name = mark.args[0]
        fails = pytest.mark.xfail(raises=FINDINGS, strict=True, reason=f"{name} is left open")
        engines.append(pytest.param(name, marks=fails, id=f"without-{name}"))
    metafunc.parametrize("lab", engines, indirect=True)


class Labs:
    """Engines by the gap that they leave open; one such at a time, beside the one with none."""

    def __init__(self, directory: Callable[[str], Path]) -> None:
        self._directory = directory
        self._labs: dict[str, tuple[Engine, Lab]] = {}

    def without(self, gap: str) -> Lab:
        if gap not in self._labs:
            for other in set(self._labs) - {CLOSED}:
                self._labs.pop(other)[0].stop()
            engine = Engine(self._directory("engine"))
            running = engine.start(
                leave_gaps=[gap] if gap else [], wait_scale=0.05, outlives_caller=False
            )
            patience = LITTLE_PATIENCE_SECONDS if gap else PATIENCE_SECONDS
            self._labs[gap] = engine, Lab(running, patience)
        return self._labs[gap][1]

    def stop(self) -> None:
        for engine, _lab in self._labs.values():
            engine.stop()


@pytest.fixture(scope="session")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    made = Labs(tmp_path_factory.mktemp)
    yield made
    made.stop()


@pytest.fixture
def lab(request: pytest.FixtureRequest, labs: Labs) -> Lab:
    return labs.without(request.param)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file to which functions write what they do."""
    return tmp_path / "log"
