"""What a batch of stream records asks for: the last state of every destination key it mentions.

Earlier states of a key may be left out, a key may not: one that was mentioned and holds nothing in
the end still gets its tombstone, or a copy worker inserts there what it read before.
"""

from collections.abc import Sequence

from tests.model.state import DIRTY, NOTHING, Record, Todo, is_item, is_poison, key_of
from tests.model.world import Rules

# In place of a destination key: the dirty mark of source key 0, 1, …
MARK = 100
# In place of a destination key: a record that nothing can apply and nobody handles.
STUCK = 99


def effects(records: Sequence[Record], rules: Rules) -> Todo:
    """Destination keys with what they shall hold; dirty marks with the bits of their keys."""
    todo: dict[int, int] = {}
    for record in records if rules.every_mentioned_key_counts else _net(records):
        if cannot_be_applied(record):
            if not rules.sync_handles_poison:
                todo[STUCK] = NOTHING
                break
            mark = MARK + record.source_key
            todo[mark] = todo.get(mark, 0) | bits_of(record)
        if is_item(record.old):
            todo[key_of(record.old)] = NOTHING
        if is_item(record.new):
            todo[key_of(record.new)] = record.new
    return tuple(sorted(todo.items()))


def cannot_be_applied(record: Record) -> bool:
    return is_poison(record.old) or is_poison(record.new)


def bits_of(record: Record) -> int:
    """The record's destination keys, as the dirty mark has them."""
    bits = DIRTY
    for content in (record.old, record.new):
        if is_item(content):
            bits |= 1 << key_of(content)
    return bits


def mentions(record: Record, rules: Rules) -> set[int]:
    """The destination keys and marks that applying this record alone would write."""
    return {target for target, _ in effects([record], rules)}


def _net(records: Sequence[Record]) -> list[Record]:
    """One record for each source key: from its first old image to its last new one."""
    net: dict[int, Record] = {}
    for record in records:
        first = net.get(record.source_key, record)
        net[record.source_key] = first._replace(new=record.new)
    return list(net.values())
