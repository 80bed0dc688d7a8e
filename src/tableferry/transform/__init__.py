"""The transform of a migration: the same in copy, sync, verify and the client library.

transform = Transform.compile([{"rename": {"from": "prefType", "to": "preferenceType"}}])
changed = transform.apply(item)      # None: the item is filtered
"""

from tableferry.transform.compiled import (
    Transform,
    check_condition,
    check_steps,
    condition_reason,
)
from tableferry.transform.keys import destination_key_tells_source_key

__all__ = [
    "Transform",
    "check_condition",
    "check_steps",
    "condition_reason",
    "destination_key_tells_source_key",
]
