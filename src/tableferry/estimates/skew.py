"""How unevenly the sampled items fall on partition keys, and how large item collections may get.

A sample sees the first items of a few places in key space, so it finds what is common: a single
large collection elsewhere stays unseen. All numbers are of the sample, scaled to the table.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tableferry import canonical
from tableferry.estimates.capacities import PARTITION_READS, PARTITION_WRITES
from tableferry.item_size import item_bytes
from tableferry.items import WireItem, key_of, shown

# With fewer items a large share is chance.
FEW_ITEMS = 50
# From here on one key is said to be hot; below that, split-for-heat spreads the rest.
HOT_SHARE = 0.1
# [DDB:Constraints] an item collection of a table with a local index, index entries included.
COLLECTION_BYTES = 10 * 1024**3
NEAR = 0.5


@dataclass(frozen=True, slots=True)
class Skew:
    """The most common partition key of a table or index: its share of items and of bytes."""

    of: str
    attribute: str
    keys: int
    items: int
    share: float
    bytes_share: float
    hottest: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "of": self.of,
            "partitionKey": self.attribute,
            "sampledItems": self.items,
            "sampledKeys": self.keys,
            "hottestKey": self.hottest,
            "shareOfItems": round(self.share, 4),
        }

    @property
    def is_hot(self) -> bool:
        return self.items >= FEW_ITEMS and self.share >= HOT_SHARE

    def warning(self) -> str:
        return (
            f"hot partition: {self.share:.0%} of {self.items:,} sampled items have one partition "
            f"key of {self.of}, {shown(self.hottest)}; one key takes at most {PARTITION_WRITES:,} "
            f"write and {PARTITION_READS:,} read units a second, whatever the table takes"
        )


def skew_of(items: Sequence[WireItem], attribute: str, of: str) -> Skew | None:
    """The skew of one partition key attribute; None where no item has it."""
    having = [item for item in items if attribute in item]
    if not having:
        return None
    counts: Counter[bytes] = Counter()
    sizes: Counter[bytes] = Counter()
    first: dict[bytes, WireItem] = {}
    for item in having:
        key = canonical.key_bytes(item, (attribute,))
        counts[key] += 1
        sizes[key] += item_bytes(item)
        first.setdefault(key, item)
    ((key, most),) = counts.most_common(1)
    return Skew(
        of=of,
        attribute=attribute,
        keys=len(counts),
        items=len(having),
        share=most / len(having),
        bytes_share=max(sizes.values()) / sum(sizes.values()),
        hottest=key_of(first[key], (attribute,)),
    )


def collection_warning(skew: Skew, table_bytes: float, local_indexes: int) -> str | None:
    """What the largest sampled collection says about the 10 GB that a local index sets.

    Entries of local indexes count too; each is taken to be as large as the item.
    """
    if not local_indexes or skew.items < FEW_ITEMS:
        return None
    size = skew.bytes_share * table_bytes * (1 + local_indexes)
    if size < COLLECTION_BYTES * NEAR:
        return None
    grows = "is over" if size > COLLECTION_BYTES else "is near"
    return (
        f"the item collection of {shown(skew.hottest)} may reach {size / 1024**3:,.1f} GB with its "
        f"{local_indexes} local index entries, which {grows} the 10 GB that a local index allows: "
        "writes beyond it fail; leave the local indexes out, or spread the partition key"
    )
