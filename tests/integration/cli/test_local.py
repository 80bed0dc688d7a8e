"""`local …` and `demo` in a clone of their own, started by somebody who is logged in to AWS."""

import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tableferry.aws.session import Sessions
from tableferry.local.engine import REGION, Engine
from tests.integration.cli.conftest import ROOT, CommandLine, plain_environment
from tests.structure import project

# Nothing of it may be used: each would lead elsewhere.
LOGGED_IN = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "elsewhere",
    "AWS_PROFILE": "production",
    "AWS_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what git would have, with the tools of this one."""
    clone = tmp_path_factory.mktemp("clone")
    for name in project.tracked_files():
        path = clone / name.relative_to(ROOT)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, path)
    for link in ROOT.joinpath("layer").iterdir():
        if link.is_symlink():
            clone.joinpath("layer", link.name).symlink_to(link.readlink())
    for tools in (".venv", ".uv"):
        if ROOT.joinpath(tools).exists():
            clone.joinpath(tools).symlink_to(ROOT / tools)
    yield clone
    Engine.of_project(clone).stop()


@pytest.fixture
def logged_in(clone: Path) -> CommandLine:
    source = {"PYTHONPATH": str(ROOT / "src")}
    return CommandLine({**plain_environment(), **source, **LOGGED_IN}, clone)


def pace_of_plans(endpoint: str) -> dict[str, str]:
    """What the deployed function that estimates is told about this machine."""
    client = Sessions(region=REGION, endpoint_url=endpoint).client("lambda")
    [arn] = [
        each["FunctionName"]
        for each in client.list_functions(MaxItems=1000)["Functions"]
        if "EstimateMigration" in each["FunctionName"]
    ]
    told = client.get_function_configuration(FunctionName=arn)["Environment"]["Variables"]
    return {name: told[name] for name in told if name.endswith(("_SECONDS", "_PER_SECOND"))}


def test_engine_comes_up_is_found_and_goes_down(logged_in: CommandLine) -> None:
    before = logged_in("local", "env", "--json")
    assert before.status == 3
    assert "tableferry local up" in before.document["error"]["hint"]
    up = logged_in("local", "up", "--json")
    assert up.status == 0, up.stderr
    assert up.document["started"] is True
    endpoint = up.document["endpoint"]
    assert endpoint.startswith("http://127.0.0.1:")
    measured = pace_of_plans(endpoint)
    assert float(measured["STATE_SECONDS"]) > 0
    assert float(measured["MACHINE_ITEMS_PER_SECOND"]) > 0
    assert float(measured["BACKUP_SECONDS"]) == 0
    again = logged_in("local", "up")
    assert again.status == 0, again.stderr
    assert pace_of_plans(endpoint) == measured, "it is not measured again"
    assert "do not survive" in again.stdout
    assert endpoint in again.stdout
    variables = logged_in("local", "env", "--json").document
    assert variables["AWS_ENDPOINT_URL"] == endpoint
    assert f"export AWS_ENDPOINT_URL={endpoint}" in logged_in("local", "env").stdout
    inside = CommandLine({**plain_environment(), **variables}, logged_in.directory)
    assert inside("status", "nobody", "--json").document["error"]["name"] == "NotFoundError"
    assert logged_in("local", "down", "--json").document == {"stopped": True}
    assert logged_in("local", "down").status == 0
    assert inside("status", "nobody", "--json").status == 3


def test_port_that_is_taken_is_said(logged_in: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = logged_in("local", "up", "--port", port, "--json")
    assert refused.status == 3
    assert port in refused.document["error"]["cause"]
    assert "--port" in refused.document["error"]["hint"]


def test_outside_of_a_clone_there_is_nothing_to_start(
    logged_in: CommandLine, tmp_path: Path
) -> None:
    elsewhere = CommandLine(logged_in.environment, tmp_path)
    for words in (["local", "up"], ["local", "down"], ["local", "env"], ["demo"]):
        refused = elsewhere(*words, "--json")
        assert refused.status == 2
        assert "clone" in refused.document["error"]["hint"]


def test_demo_moves_flights_twice(logged_in: CommandLine) -> None:
    first = logged_in("demo", "--items", "1500", "--writers", "0", "--json")
    assert first.status == 0, first.stderr
    shown = first.document
    assert shown["items"] == 1500
    outcome = shown["outcome"]
    assert outcome["status"] == "SUCCEEDED"
    assert outcome["verify"]["match"] is True
    assert outcome["copy"]["read"] == 1500
    assert outcome["copy"]["filtered"] > 0, "cancelled flights stay behind"
    assert shown["sample"]["after"]["route"] == {"S": "EWR-IAH"}
    second = logged_in("demo", "--items", "200", "--writers", "0")
    assert second.status == 0, second.stderr
    assert "✓ CopySourceToDestination" in second.stdout
    assert "200 items read" in second.stdout
    assert "What next:" in second.stdout
    assert outcome["migrationId"] not in second.stdout


def test_demo_moves_flights_that_are_written_to(logged_in: CommandLine) -> None:
    shown = logged_in("demo", "--items", "600", "--json")
    assert shown.status == 0, shown.stderr
    outcome, written = shown.document["outcome"], shown.document["written"]
    assert (written["writers"], written["equal"]) == (2, True)
    assert written["writes"] > 0
    assert outcome["status"] == "SUCCEEDED"
    assert outcome["verify"]["match"] is True
    assert outcome["sync"]["applied"] > 0
    assert outcome["sync"]["dirty"] == 0


def test_reader_that_leaves_early_sees_nothing(clone: Path) -> None:
    words = [sys.executable, "-c", "from tableferry.cli.main import main; main(['--help'])"]
    line = " ".join(f"'{word}'" for word in words).replace("['--help']", '["--help"]')
    shell = CommandLine({**plain_environment(), "PYTHONPATH": str(ROOT / "src")}, clone, ["bash"])
    assert shell("-c", f"{line} | true").stderr == ""
