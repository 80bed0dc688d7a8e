"""A fault proxy: stands before any DynamoDB engine on loopback and lets go wrong what AWS can let
go wrong.
"""

from tableferry.local.faults.calls import Call, CallLog
from tableferry.local.faults.limits.buckets import Limits
from tableferry.local.faults.proxy import FaultProxy
from tableferry.local.faults.remote import RemoteFaultProxy
from tableferry.local.faults.rules import (
    Answer,
    Deny,
    Fail,
    Freeze,
    Latency,
    Reset,
    Rule,
    Slow,
    Throttle,
    Unprocessed,
    When,
)

__all__ = [
    "Answer",
    "Call",
    "CallLog",
    "Deny",
    "Fail",
    "FaultProxy",
    "Freeze",
    "Latency",
    "Limits",
    "RemoteFaultProxy",
    "Reset",
    "Rule",
    "Slow",
    "Throttle",
    "Unprocessed",
    "When",
]
