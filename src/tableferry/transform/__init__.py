"""The transform of a migration: the same in copy, sync, verify and the client library.

transform = Transform.compile([{"rename": {"from": "prefType", "to": "preferenceType"}}])
changed = transform.apply(item)      # None: the item is filtered
"""

from tableferry.transform.compiled import Transform, check_condition, check_steps

__all__ = ["Transform", "check_condition", "check_steps"]
