"""A user's own Python modules: found in the folder `transforms`, and pinned by their bytes.

The folder stands in an entry of sys.path (in Lambda the layer brings /opt/python/transforms), or in
the working directory. It joins sys.path at the end, so that its modules can import each other.
"""

import ast
import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tableferry import canonical
from tableferry.items import WireItem, raw, to_typed
from tableferry.transform.faults import FaultError
from tableferry.transform.findings import Place, quoted
from tableferry.transform.python_types import from_python, to_python
from tableferry.transform.typed_values import typed_value

FOLDER = "transforms"
_REFERENCE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)

PythonItem = dict[str, Any]


class ModuleProblemError(Exception):
    """A reference that can not be used; says the rule that it breaks and the remedy."""

    def __init__(self, rule: str, remedy: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class UserFunction:
    """`module:function`, ready to be called with items in wire form."""

    reference: str
    function: Callable[[PythonItem], PythonItem | None]
    sources: tuple[tuple[str, str], ...]

    def __call__(self, item: WireItem) -> WireItem | None:
        """The function's answer; raises FaultError when it fails or can not be stored."""
        before = to_typed(item)
        try:
            answer = self.function(to_python(before))
        except Exception as error:
            raise FaultError(f"{self.reference} raised {type(error).__name__}: {error}") from error
        if answer is None:
            return None
        if not isinstance(answer, dict):
            raise FaultError(
                f"{self.reference} answered with {type(answer).__name__}, neither dict nor None"
            )
        after: WireItem = {}
        for name, value in answer.items():
            found = self._stored(name, value)
            kept = name in before and canonical.value(before[name]) == canonical.value(found)
            after[name] = item[name] if kept else raw(found)
        return after

    def _stored(self, name: Any, value: Any) -> dict[str, Any]:
        if not isinstance(name, str) or not name:
            raise FaultError(f"{self.reference} answered with {name!r} as an attribute name")
        try:
            found = from_python(value)
        except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
            reason = f"{quoted(name)} can not be stored: {_reason(error)}"
            raise FaultError(f"{self.reference}: {reason}") from error
        place = Place(quoted(name))
        checked = typed_value(found, place)
        for problem in place.problems:
            raise FaultError(
                f"{self.reference}: {problem.path} can not be stored: it {problem.rule}"
            )
        return checked


def _reason(error: Exception) -> str:
    if isinstance(error, ArithmeticError):  # decimal's own text is a list of its flags
        return "a number has over 38 digits or is out of range"
    return "it nests too deep" if isinstance(error, RecursionError) else str(error)


def is_reference(text: str) -> bool:
    return _REFERENCE.fullmatch(text) is not None


def load(reference: str) -> UserFunction:
    """Imports the module and takes its function; raises ModuleProblemError."""
    module_name, function_name = reference.split(":")
    folder, file = _find(module_name)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        rule = f"can not be imported: {type(error).__name__}: {error}"
        raise ModuleProblemError(rule, f"mend {FOLDER}/{_relative(file, folder)}") from error
    if Path(module.__file__ or "").resolve() != file.resolve():
        rule = f"names a module that Python already has from elsewhere ({module_name})"
        raise ModuleProblemError(rule, f"rename {FOLDER}/{_relative(file, folder)}")
    function = getattr(module, function_name, None)
    _check_function(function, function_name, module_name)
    assert callable(function)
    return UserFunction(reference, function, tuple(_sources(file, folder)))


def _find(module_name: str) -> tuple[Path, Path]:
    stem = Path(*module_name.split("."))
    folders = [Path(entry or ".") / FOLDER for entry in sys.path] + [Path.cwd() / FOLDER]
    for folder in folders:
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if (folder / file).is_file():
                return folder.resolve(), folder.resolve() / file
    rule = f"names a module that is not in the folder {FOLDER}/"
    raise ModuleProblemError(
        rule, f"put {stem.with_suffix('.py')} into {FOLDER}/, or mend the name"
    )


def _check_function(function: Any, name: str, module_name: str) -> None:
    if not callable(function):
        raise ModuleProblemError(
            f"names no function of {module_name}", f"define {name}(item) there, or mend the name"
        )
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise ModuleProblemError("is no plain function", "write def, without async and yield")
    try:
        inspect.signature(function).bind({})
    except TypeError:
        raise ModuleProblemError("does not take one argument", f"define {name}(item)") from None
    except ValueError:
        return  # some built-in callables have no signature


def _relative(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _sources(file: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of the module's file and of the folder's files that it imports, in order."""
    found: dict[str, str] = {}
    pending = [file]
    while pending:
        current = pending.pop()
        relative = _relative(current, folder)
        if relative in found:
            continue
        content = current.read_bytes()
        found[relative] = hashlib.sha256(content).hexdigest()
        with suppress(SyntaxError):  # a file that some other module may try, and fail, to import
            pending.extend(_imported_files(ast.parse(content), current, folder))
    yield from sorted(found.items())


def _imported_files(tree: ast.AST, file: Path, folder: Path) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(folder, alias.name.split("."), folder)
        elif isinstance(node, ast.ImportFrom):
            start = file.parents[node.level - 1] if node.level else folder
            parts = node.module.split(".") if node.module else []
            yield from _files_of(start, parts, folder)
            for alias in node.names:
                yield from _files_of(start, [*parts, alias.name], folder)


def _files_of(start: Path, parts: list[str], folder: Path) -> Iterator[Path]:
    """The files that importing these parts runs: each package on the way, and the module."""
    for end in range(len(parts) + 1):
        stem = start.joinpath(*parts[:end])
        candidates = [stem / "__init__.py", *([stem.with_name(stem.name + ".py")] if end else [])]
        yield from (file for file in candidates if file.is_file() and file.is_relative_to(folder))
