"""The engine's own directory for what Lambda workers run: unpacked code, layers, the runtime's
packages.
"""

import hashlib
import importlib.util
import io
import os
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path

from tableferry.local.launcher.variables import SCRATCH_VARIABLE

# Of the packages that the python3.x runtimes bring beside the standard library, those that this
# project may rely on (AWS Lambda developer guide, "Runtime-included SDK versions").
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")

_lock = threading.Lock()


def prepare(directory: Path) -> None:
    """Empty `directory` and let this process use it."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ[SCRATCH_VARIABLE] = str(directory)
    # What MiniStack itself unpacks for other runtimes lies there too, and is not left behind.
    tempfile.tempdir = str(directory)


def unpacked(archive: bytes) -> Path:
    """The directory with the zip's content; the same content is unpacked, and compiled, once."""
    target = _root() / hashlib.sha256(archive).hexdigest()[:32]
    with _lock:
        if not target.exists():
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            with zipfile.ZipFile(io.BytesIO(archive)) as opened:
                opened.extractall(partial)
            partial.rename(target)
    return target


def runtime_packages() -> Path:
    """A directory with the packages of the Lambda runtime and nothing else of the engine's
    environment.
    """
    directory = _root() / "runtime"
    with _lock:
        if not directory.exists():
            directory.mkdir()
            for name in RUNTIME_PACKAGES:
                spec = importlib.util.find_spec(name)
                if spec is None or spec.origin is None:
                    raise FileNotFoundError(f"the engine's environment has no {name}")
                origin = Path(spec.origin)
                source = origin.parent if origin.name == "__init__.py" else origin
                (directory / source.name).symlink_to(source)
    return directory


def _root() -> Path:
    return Path(os.environ[SCRATCH_VARIABLE])
