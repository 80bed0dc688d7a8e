"""A request under way, and what became of it."""

from dataclasses import dataclass, field

from tableferry.local.faults.calls import Call
from tableferry.local.faults.limits.writes import WriteCost
from tableferry.local.faults.messages import Message
from tableferry.local.faults.rules import Standing, ThrottleError


@dataclass(slots=True)
class Outcome:
    """What became of a request; no `answer` means that the connection is reset."""

    answer: Message | None = None
    forwarded: bool = False
    unprocessed: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    error: str = ""


@dataclass(slots=True)
class Exchange:
    """A request under way: the rules that strike it, and what rules and limits have done to it so
    far.

    `held` are a batch's entries, by position, that the engine does not get, each with its error
    code; where that is all of them the answer is `throttle_error` with `reasons`. `admitted` are
    the writes whose units were taken. `sent_body` is what the engine got.
    """

    call: Call
    request: Message
    started: float
    struck: list[Standing]
    held: dict[int, str] = field(default_factory=dict)
    reasons: list[dict[str, str]] = field(default_factory=list)
    throttle_error: ThrottleError = "ProvisionedThroughputExceededException"
    admitted: list[WriteCost] = field(default_factory=list)
    sent_body: bytes = b""
