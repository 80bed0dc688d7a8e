"""A project is built and deployed by the real SAM into the engine, and into nothing else."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tableferry.errors import NotFoundError, UnreachableError
from tableferry.local.deploy import Deployment, deploy, engine_parameters, project_root
from tableferry.local.engine import Engine, RunningEngine
from tests.integration.engine.lab import Lab

PROJECT = Path(__file__).with_name("project")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("deploy"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def running(engine: Engine) -> RunningEngine:
    return engine.start(outlives_caller=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path_factory.mktemp("project") / "greeter"))


def greetings(running: RunningEngine) -> list[str]:
    lab = Lab(running, 15.0)
    [machine] = lab.states.list_state_machines()["stateMachines"]
    arn = lab.start(machine["stateMachineArn"], {"names": ["Ann", "Ben"], "limit": 2})
    ended = lab.ended(arn)
    assert ended.status == "SUCCEEDED", ended.description
    found: list[str] = ended.output
    return found


def deployed(project: Path, engine: Engine) -> tuple[Deployment, list[str]]:
    """What `deploy` did and said, in an environment that leads elsewhere."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_PROFILE", "production")
        environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        environment.setenv("AWS_REGION", "eu-central-1")
        deployment = deploy(
            project,
            engine.running(),
            state_directory=engine.state_directory,
            parameters=engine_parameters(),
            progress=said.append,
        )
    return deployment, said


def test_project_is_built_once_and_again_when_it_changes(
    project: Path, engine: Engine, running: RunningEngine
) -> None:
    (project / "samconfig.toml").write_text(
        'version = 0.1\n[default.deploy.parameters]\nprofile = "production"\nregion = "eu-west-1"\n'
    )
    first, said = deployed(project, engine)
    assert (first.stack_name, first.built) == ("tableferry", True)
    assert said == ["sam build", "sam deploy, stack tableferry"]
    assert greetings(running) == ["Good morning, Ann", "Good morning, Ben"]

    second, said = deployed(project, engine)
    assert second.built is False
    assert said[0] == "sources unchanged: nothing to build"

    (project / "layer/greeting/words.py").write_text('HELLO = "Good night"\n')
    third, _said = deployed(project, engine)
    assert third.built is True
    assert greetings(running) == ["Good night, Ann", "Good night, Ben"]


def test_what_sam_said_is_the_cause(engine: Engine, running: RunningEngine, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(
        "Resources: {Broken: {Type: AWS::Serverless::Function}}"
    )
    with pytest.raises(UnreachableError) as caught:
        deploy(tmp_path, running, state_directory=tmp_path / "state")
    assert caught.value.cause.startswith("sam build ended with status 1:")
    assert "Broken" in caught.value.cause
    assert "sam.log" in caught.value.hint


def test_engine_that_does_not_answer_is_said(project: Path, tmp_path: Path) -> None:
    nobody = RunningEngine(pid=1, port=1, boot_id="")
    (tmp_path / "template.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}")
    with pytest.raises(UnreachableError, match="the engine on port 1 does not answer"):
        deploy(tmp_path, nobody, state_directory=tmp_path / "state")


def test_project_is_found_from_below(project: Path) -> None:
    assert project_root(project / "functions" / "greet") == project.resolve()


def test_directory_without_a_template_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no template.yaml in .* or above it"):
        project_root(tmp_path)
