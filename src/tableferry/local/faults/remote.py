"""A fault proxy that runs in another process: the same calls, made over its control endpoint."""

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from tableferry.errors import UnreachableError
from tableferry.local.faults.calls import Call
from tableferry.local.faults.limits.buckets import Limits
from tableferry.local.faults.rules import Action, Rule, when

_ANSWER_SECONDS = 10.0
_END_SECONDS = 10.0


class RemoteFaultProxy:
    """Steers the proxy that listens at `endpoint_url`. Predicates can not travel; the rest is as in
    FaultProxy.
    """

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self.calls = RemoteCallLog(self)

    def add(self, action: Action, *, id: str = "", **conditions: Any) -> str:
        """Puts a fault in force, and gives the id by which to remove it."""
        return self.put(Rule(id=id, action=action, when=when(**conditions)))

    def put(self, rule: Rule) -> str:
        """Puts a rule in force as it is; its id."""
        answer = self.ask("POST", "rules", msgspec.json.encode(rule))
        return str(answer["id"])

    def remove(self, rule_id: str) -> None:
        self.ask("DELETE", f"rules/{quote(rule_id, safe='')}")

    def clear(self) -> None:
        self.ask("DELETE", "rules")

    def rules(self) -> list[Rule]:
        return msgspec.convert(self.ask("GET", "rules")["rules"], list[Rule])

    def struck(self, rule_id: str) -> int:
        return int(self.ask("GET", "rules")["struck"][rule_id])

    def limit(self, table: str, limits: Limits | None) -> None:
        """Gives a table limits and counts what it uses of them; None takes them away."""
        path = f"limits/{quote(table, safe='')}"
        if limits is None:
            self.ask("DELETE", path)
        else:
            self.ask("PUT", path, msgspec.json.encode(limits))

    def used(self, table: str) -> tuple[float, float]:
        """Read and write units that a limited table has used since its limits were set."""
        read_units, write_units = self.ask("GET", "limits")["used"][table]
        return read_units, write_units

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, seconds: float = _ANSWER_SECONDS
    ) -> Any:
        """The control endpoint's JSON answer. Raises ValueError for a request that it refuses."""
        url = f"{self.endpoint_url}/_faults/{path}"
        request = urllib.request.Request(url, data=body, method=method)
        # No proxy of the environment's may stand between: this is loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=seconds) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise _refusal(error) from error
        except OSError as error:
            raise UnreachableError(f"the fault proxy at {url} does not answer: {error}") from error


class RemoteCallLog:
    """The call log of a proxy in another process."""

    def __init__(self, proxy: RemoteFaultProxy) -> None:
        self._proxy = proxy

    def select(self, operations: str | Iterable[str] = (), **wanted: Any) -> list[Call]:
        """The calls that fit, oldest first; any field of CallFilter but `where`."""
        return self._asked(operations, wanted, _ANSWER_SECONDS)

    def count(self, operations: str | Iterable[str] = (), **wanted: Any) -> int:
        return len(self.select(operations, **wanted))

    def wait_for(
        self,
        operations: str | Iterable[str] = (),
        *,
        at_least: int = 1,
        ended: bool = True,
        timeout_seconds: float = 30.0,
        **wanted: Any,
    ) -> list[Call]:
        """The calls that fit, once there are `at_least` of them; else TimeoutError."""
        wanted |= {"at_least": at_least, "ended": ended, "timeout_seconds": timeout_seconds}
        return self._asked(operations, wanted, timeout_seconds + _ANSWER_SECONDS)

    def clear(self) -> None:
        self._proxy.ask("DELETE", "calls")

    def _asked(
        self, operations: str | Iterable[str], wanted: dict[str, Any], seconds: float
    ) -> list[Call]:
        names = operations if isinstance(operations, str) else ",".join(operations)
        fields = {"operations": names} | {k: _text(v) for k, v in wanted.items() if v is not None}
        answer = self._proxy.ask("GET", f"calls?{urlencode(fields)}", seconds=seconds)
        return msgspec.convert(answer["calls"], list[Call])


@contextlib.contextmanager
def started(upstream: str, *, signature_seconds: float = 300.0) -> Iterator[RemoteFaultProxy]:
    """A fault proxy in a process of its own while the block runs; it ends with this process at the
    latest.
    """
    command = [sys.executable, "-m", "tableferry.local.faults", "--upstream", upstream]
    command += ["--signature-seconds", str(signature_seconds), "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise UnreachableError(f"the fault proxy before {upstream} did not start")
            yield RemoteFaultProxy(json.loads(line)["endpoint"])
        finally:
            process.stdin.close()
            process.wait(_END_SECONDS)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refusal(error: urllib.error.HTTPError) -> Exception:
    text = json.loads(error.read()).get("error", "")
    return TimeoutError(text) if error.code == 408 else ValueError(text)
