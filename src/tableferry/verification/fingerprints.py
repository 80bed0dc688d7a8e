"""An item's two hashes: which key it has in the destination, and what it holds."""

from collections.abc import Sequence
from hashlib import blake2b

from tableferry import canonical
from tableferry.items import WireItem

HASH_BYTES = 16


def key_hash(item: WireItem, key_names: Sequence[str]) -> bytes:
    """Equal for items that the destination holds under one key."""
    return blake2b(canonical.key_bytes(item, key_names), digest_size=HASH_BYTES).digest()


def content_hash(item: WireItem) -> bytes:
    """Equal for items that DynamoDB would call equal."""
    return blake2b(canonical.item_bytes(item), digest_size=HASH_BYTES).digest()


def fingerprint(item: WireItem, key_names: Sequence[str]) -> bytes:
    """Both hashes, as a digest holds them."""
    return key_hash(item, key_names) + content_hash(item)
