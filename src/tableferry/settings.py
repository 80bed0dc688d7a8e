"""The deployment's settings; the only reader of the functions' environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from tableferry.errors import InvalidSpecError, Problem


def requests_ca_bundle(environ: Mapping[str, str] = os.environ) -> str | None:
    """What botocore, too, trusts where AWS's own settings name no certificates."""
    return environ.get("REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Settings:
    """What `template.yaml` tells every function; all names missing are reported at once."""

    ledger_table: str
    artifacts_bucket: str
    lease_margin_seconds: float
    stall_seconds: float

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        names = ("LEDGER_TABLE", "ARTIFACTS_BUCKET", "LEASE_MARGIN_SECONDS", "STALL_SECONDS")
        missing = [
            Problem(name, None, "the function's environment lacks it", "deploy the template again")
            for name in names
            if not environ.get(name)
        ]
        if missing:
            raise InvalidSpecError(missing)
        return cls(
            ledger_table=environ["LEDGER_TABLE"],
            artifacts_bucket=environ["ARTIFACTS_BUCKET"],
            lease_margin_seconds=float(environ["LEASE_MARGIN_SECONDS"]),
            stall_seconds=float(environ["STALL_SECONDS"]),
        )


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What the functions that estimate and check are told beside."""

    worker_megabytes: int
    worker_seconds: int
    prices_file: str
    sync_function_arn: str
    state_seconds: float
    backup_seconds: float
    machine_items: float

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "PlanSettings":
        return cls(
            worker_megabytes=int(environ.get("WORKER_MEGABYTES", "1024")),
            worker_seconds=int(environ.get("WORKER_SECONDS", "300")),
            prices_file=environ.get("PRICES_FILE", ""),
            sync_function_arn=environ.get("SYNC_FUNCTION_ARN", ""),
            state_seconds=float(environ.get("STATE_SECONDS", "1")),
            backup_seconds=float(environ.get("BACKUP_SECONDS", "60")),
            machine_items=float(environ.get("MACHINE_ITEMS_PER_SECOND", "0")),
        )


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """What the functions that make and watch sync's mappings are told beside."""

    function_arn: str
    failures_arn: str
    sync_seconds: float

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "SyncSettings":
        return cls(
            function_arn=environ.get("SYNC_FUNCTION_ARN", ""),
            failures_arn=environ.get("SYNC_FAILURES_ARN", ""),
            # As long as any invocation may take [LAM:gettingstarted-limits].
            sync_seconds=float(environ.get("SYNC_SECONDS", "900")),
        )
