"""Fault scripts: rules and limits as a JSON file, each with its seeds, so that a day repeats.

`limits` are by the part that a table plays, `source` or `destination`; whoever plays the script
says which tables those are. Without conditions a rule strikes both.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from tableferry.errors import NotFoundError
from tableferry.local.faults.limits.buckets import Limits
from tableferry.local.faults.rules import Rule

_FOLDER = Path(__file__).parent / "scripts"


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong, in the order in which it strikes."""

    comment: str
    rules: tuple[Rule, ...] = ()
    limits: dict[str, Limits] = {}


class Plays(Protocol):
    """A fault proxy, here or in another process."""

    def put(self, rule: Rule) -> str: ...

    def limit(self, table: str, limits: Limits | None) -> None: ...


def script_names() -> list[str]:
    """The scripts that are shipped."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def read_script(name: str) -> Script:
    """A shipped script by its name, or any by its file's path. Raises NotFoundError, and
    ValueError for what is no script.
    """
    path = Path(name) if name.endswith(".json") else _FOLDER / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Script)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"there is no fault script {name}",
            hint=f"give a file, or one of {', '.join(script_names())}",
        ) from error


def play(script: Script, proxy: Plays, tables: Mapping[str, str]) -> None:
    """Puts a script in force; `tables` are the names of `source` and `destination`."""
    for rule in script.rules:
        proxy.put(rule)
    for part, limits in script.limits.items():
        proxy.limit(tables.get(part, part), limits)
