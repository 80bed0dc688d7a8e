"""Builds the project's template with SAM and deploys it into the embedded engine.

`sam build` and `sam deploy` are the real ones; they see the engine's dummy credentials and its
endpoint alone, whatever the caller's environment says.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tableferry.errors import NotFoundError, UnreachableError
from tableferry.local.engine import RunningEngine
from tableferry.local.launching import REGION, local_environment

TEMPLATE = "template.yaml"
DEFAULT_STACK_NAME = "tableferry"
ARTIFACTS_BUCKET = "sam-artifacts"
SAM_SECONDS = 300.0
CAUSE_LINES = 25
# Directories of a project that no build reads; those that begin with a dot are left out anyway.
NOT_SOURCES = frozenset({"tests", "docs", "dist", "build", "node_modules", "__pycache__"})

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What `deploy` did; `built` is False when the sources were those of the build before."""

    stack_name: str
    built: bool
    seconds: float


def project_root(start: Path) -> Path:
    """The nearest directory from `start` upwards with a template; NotFoundError without one."""
    for directory in (start.resolve(), *start.resolve().parents):
        if (directory / TEMPLATE).is_file():
            return directory
    raise NotFoundError(
        f"no {TEMPLATE} in {start.resolve()} or above it",
        hint="run this in a clone of the project, or in a directory below it",
    )


def engine_parameters() -> dict[str, str]:
    """The template parameters that make functions fit the engine: its interpreter runs them, on
    this machine.
    """
    is_arm = platform.machine().lower() in ("arm64", "aarch64")
    return {
        "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
        "Architecture": "arm64" if is_arm else "x86_64",
    }


def layer_target(parameters: Mapping[str, str]) -> dict[str, str]:
    """What tells the layer's build (layer/build) which machine will run it: this one."""
    return {
        "TABLEFERRY_LAYER_PYTHON": parameters.get("Runtime", "python3.13").removeprefix("python"),
        "TABLEFERRY_LAYER_ARCH": parameters.get("Architecture", "arm64"),
        "TABLEFERRY_LAYER_OS": "darwin" if sys.platform == "darwin" else "linux",
    }


def deploy(
    project: Path,
    engine: RunningEngine,
    *,
    state_directory: Path,
    stack_name: str = DEFAULT_STACK_NAME,
    parameters: Mapping[str, str] | None = None,
    progress: Progress = lambda _line: None,
) -> Deployment:
    """Build the project's template unless its sources are unchanged, and deploy it into the running
    engine.

    The build lies in `state_directory`; two that share one wait for each other. Raises
    UnreachableError with the end of SAM's output as its cause when SAM is missing or fails.
    """
    started = time.monotonic()
    state_directory.mkdir(parents=True, exist_ok=True)
    job = _Job(project, engine, state_directory, dict(parameters or {}), progress)
    with _exclusive(state_directory / "build.lock"):
        _create_bucket(engine)
        built = _build(job)
        _deploy(job, stack_name)
    return Deployment(stack_name, built, time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class _Job:
    project: Path
    engine: RunningEngine
    state_directory: Path
    parameters: Mapping[str, str]
    progress: Progress

    @property
    def build_directory(self) -> Path:
        return self.state_directory / "build"

    @property
    def overrides(self) -> list[str]:
        """SAM's option for the parameters."""
        if not self.parameters:
            return []
        pairs = sorted(self.parameters.items())
        return ["--parameter-overrides", *(f"{name}={value}" for name, value in pairs)]


def _build(job: _Job) -> bool:
    marker = job.state_directory / "build.digest"
    # Other parameters reach the stack, not the build.
    digest = _digest(job.project, layer_target(job.parameters))
    if job.build_directory.is_dir() and marker.is_file() and marker.read_text() == digest:
        job.progress("sources unchanged: nothing to build")
        return False
    job.progress("sam build")
    marker.unlink(missing_ok=True)
    words = ["build", "--cached", "--cache-dir", str(job.state_directory / "build-cache")]
    words += ["--template-file", str(job.project / TEMPLATE), "--base-dir", str(job.project)]
    words += ["--build-dir", str(job.build_directory), *job.overrides]
    _sam(job, words)
    marker.write_text(digest)
    return True


def _deploy(job: _Job, stack_name: str) -> None:
    job.progress(f"sam deploy, stack {stack_name}")
    words = ["deploy", "--template-file", str(job.build_directory / TEMPLATE)]
    words += ["--stack-name", stack_name, "--no-progressbar"]
    words += ["--s3-bucket", ARTIFACTS_BUCKET, "--s3-prefix", stack_name]
    words += ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    words += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", *job.overrides]
    _sam(job, words)


def _sam(job: _Job, words: list[str]) -> None:
    """Run one SAM command; its whole output goes to sam.log, the end of it into the error."""
    settings = job.state_directory / "samconfig.toml"
    # A file of its own: the project's may name a profile, a bucket or a Region of a real account.
    settings.write_text("version = 0.1\n")
    command = [_sam_program(), *words, "--region", REGION, "--config-file", str(settings)]
    log_file = job.state_directory / "sam.log"
    with log_file.open("ab") as log:
        start = log.tell()
        log.write(f"$ sam {' '.join(words)}\n".encode())
        log.flush()
        try:
            status = subprocess.run(
                command,
                cwd=job.project,
                env=_sam_environment(job),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=SAM_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            status = -1
    if status != 0:
        text = log_file.read_bytes()[start:].decode(errors="replace")
        ended = (
            f"did not end within {SAM_SECONDS:g} s"
            if status == -1
            else f"ended with status {status}"
        )
        tail = "\n".join(text.strip().splitlines()[-CAUSE_LINES:])
        raise UnreachableError(
            f"sam {words[0]} {ended}:\n{tail}", hint=f"the whole output is in {log_file}"
        )


def _sam_program() -> str:
    beside = Path(sys.executable).with_name("sam")
    found = str(beside) if beside.is_file() else shutil.which("sam")
    if found is None:
        raise UnreachableError(
            "the SAM CLI is not installed", hint="install the extra: tableferry[local]"
        )
    return found


def _sam_environment(job: _Job) -> dict[str, str]:
    """The caller's environment without any word of AWS: the layer's build needs its proxies,
    certificates and package settings.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))
    }
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, [environment.get(name), "127.0.0.1"]))
    environment |= layer_target(job.parameters)
    # makefile builds of layers find the tools of this environment.
    environment["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
    )
    environment |= {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.2", "AWS_MAX_ATTEMPTS": "2"}
    return environment | local_environment(job.engine.port)


def _create_bucket(engine: RunningEngine) -> None:
    """The bucket for the packages; quicker than the stack with which SAM would make one."""
    credential = f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/s3/aws4_request"
    request = urllib.request.Request(
        f"{engine.endpoint_url}/{ARTIFACTS_BUCKET}",
        method="PUT",
        headers={"Authorization": f"{credential}, SignedHeaders=host, Signature=none"},
    )
    try:
        # No proxy, whatever the environment says: the engine is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 409:
            raise UnreachableError(
                f"the engine refused a bucket for the packages: {error}"
            ) from error
    except OSError as error:
        raise UnreachableError(
            f"the engine on port {engine.port} does not answer: {error}"
        ) from error


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest(project: Path, target: Mapping[str, str]) -> str:
    """Of everything that a build may read."""
    digest = hashlib.sha256(json.dumps([sorted(target.items()), sys.version]).encode())
    for path in _sources(project):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(project)}\0{content}\n".encode())
    return digest.hexdigest()


def _sources(project: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(project):
        names[:] = sorted(
            name for name in names if name not in NOT_SOURCES and not name.startswith(".")
        )
        for name in sorted(files):
            if not name.endswith((".md", ".pyc")) and not name.startswith("."):
                yield Path(directory) / name
