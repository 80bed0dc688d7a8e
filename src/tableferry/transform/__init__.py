"""The transform of a migration: the same in copy, sync, verify and the client library.

transform = Transform.compile([{"rename": {"from": "prefType", "to": "preferenceType"}}])
changed = transform.apply(item)      # None: the item is filtered
"""

from tableferry.transform.compiled import Transform, check_condition, check_steps
from tableferry.transform.keys import destination_key_tells_source_key

__all__ = ["Transform", "check_condition", "check_steps", "destination_key_tells_source_key"]
