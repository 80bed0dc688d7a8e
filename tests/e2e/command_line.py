"""The `tableferry` command as a person at a shell has it: a process of its own, by its script."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tableferry.local.engine import local_environment

ROOT = Path(__file__).parents[2]
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, what it printed, and when it ran (epoch seconds)."""

    exit_status: int
    output: str
    errors: str
    began: float
    ended: float

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that `--json` prints, and nothing else beside it."""
        found: dict[str, Any] = json.loads(self.output)
        return found

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["error"]
        return found

    @property
    def problems(self) -> dict[str, dict[str, Any]]:
        """The problems by their paths."""
        return {each["path"]: each for each in self.error["problems"]}


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs `tableferry` against an engine on a port; specs go into files of `directory`."""

    port: int
    directory: Path

    def __call__(self, *words: str, environment: Mapping[str, str] | None = None) -> Answer:
        began = time.time()
        ended = subprocess.run(
            [str(Path(sys.executable).with_name("tableferry")), *words],
            env=self._environment() | dict(environment or {}),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        for printed in (ended.stdout, ended.stderr):
            assert "Traceback" not in printed, printed
        return Answer(ended.returncode, ended.stdout, ended.stderr, began, time.time())

    def spec_file(self, spec: Mapping[str, Any] | str) -> str:
        """A file with that spec, or with that text as it is."""
        text = spec if isinstance(spec, str) else json.dumps(spec, ensure_ascii=False)
        path = self.directory / f"spec-{len(list(self.directory.iterdir()))}.json"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def migrate(self, spec: Mapping[str, Any]) -> Answer:
        """`tableferry start SPEC --wait --json`."""
        return self("start", self.spec_file(spec), "--wait", "--json")

    def _environment(self) -> dict[str, str]:
        """The caller's, without a word of AWS, and this source rather than one that is
        installed.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**kept, "PYTHONPATH": str(ROOT / "src"), **local_environment(self.port)}
