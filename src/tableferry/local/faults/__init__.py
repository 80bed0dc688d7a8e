"""A fault proxy: stands before any DynamoDB engine on loopback and lets go wrong what AWS can.

    with FaultProxy("http://127.0.0.1:8000") as proxy:
        client = boto3.client("dynamodb", endpoint_url=proxy.endpoint_url)
        rule = proxy.add(Deny(), operations="PutItem", tables="orders")
        proxy.add(Reset(after=True), mutating=True, rate=0.05, seed=7)
        proxy.limit("orders", Limits(write_units=500, partitions=4))
        ...
        proxy.remove(rule)
        assert not proxy.calls.select(table="orders", writes_items=True, since=stopped_at)

`python -m tableferry.local.faults` runs one as a process of its own, which RemoteFaultProxy steers.
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
from tableferry.local.faults.scripts import Script, play, read_script, script_names

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
    "Script",
    "Slow",
    "Throttle",
    "Unprocessed",
    "When",
    "play",
    "read_script",
    "script_names",
]
