"""Replaces functions of the installed MiniStack, and refuses to when they are not the ones it
knows.
"""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from importlib import metadata
from types import ModuleType
from typing import Any

MINISTACK_VERSION = "1.5.33"


class GapError(Exception):
    """The installed MiniStack is not the one that the launcher knows how to mend."""


def require_version() -> None:
    """Raise GapError unless the pinned MiniStack is installed."""
    try:
        installed = metadata.version("ministack")
    except metadata.PackageNotFoundError:
        raise GapError(f"ministack {MINISTACK_VERSION} is not installed") from None
    if installed != MINISTACK_VERSION:
        raise GapError(
            f"ministack {installed} is installed, the launcher mends {MINISTACK_VERSION}"
        )


def replace(module: ModuleType, name: str, new: Callable[..., Any], *, digest: str) -> Any:
    """Put `new` in the place of `module.name` and return the original; `digest` is of the
    original's source.
    """
    original = getattr(module, name, None)
    if original is None:
        raise GapError(f"{module.__name__}.{name} is not there any more")
    found = source_digest(original)
    if found != digest:
        raise GapError(f"{module.__name__}.{name} has changed (digest {found}, expected {digest})")
    setattr(module, name, new)
    return original


def substitute(module: ModuleType, name: str, changes: Mapping[str, str]) -> None:
    """Compile `module.name` again with each text replaced, which must be in its source once."""
    function = getattr(module, name)
    source = inspect.getsource(function)
    for text, new in changes.items():
        if source.count(text) != 1:
            first = text.strip().splitlines()[0]
            raise GapError(f"{module.__name__}.{name} has changed: {first!r} is not there once")
        source = source.replace(text, new)
    code = compile(source, f"{module.__file__} (mended)", "exec")
    exec(code, module.__dict__)


def source_digest(function: Callable[..., Any]) -> str:
    """The first twelve hex digits of the SHA-256 of a function's source."""
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]
