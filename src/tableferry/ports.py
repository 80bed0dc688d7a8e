"""What the use cases need from outside, as Protocols."""

from typing import Any, Protocol


class StepLog(Protocol):
    """What a run remembers of its steps, so that a step that is run again goes on where it was.

    `record_step` writes only while the caller's execution owns the run (NotOwnerError).
    Values are small JSON documents; a later one replaces the earlier one of that name.
    """

    def step(self, run: str, name: str) -> dict[str, Any] | None: ...

    def record_step(self, run: str, name: str, value: dict[str, Any]) -> None: ...
