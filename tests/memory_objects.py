"""The artifacts bucket in memory, counting what is asked of it."""

from collections import Counter
from collections.abc import Sequence

from tableferry.aws.objects import MissingObjectError


class MemoryObjects:
    """Objects by key, as aws/objects.py promises them."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.requests: Counter[str] = Counter()

    def put(self, key: str, body: bytes) -> None:
        self.requests["put"] += 1
        self.bodies[key] = body

    def get(self, key: str) -> bytes:
        self.requests["get"] += 1
        if key not in self.bodies:
            raise MissingObjectError(key)
        return self.bodies[key]

    def get_range(self, key: str, start: int, length: int) -> bytes:
        if length == 0:
            return b""
        found = self.get(key)[start : start + length]
        if len(found) != length:
            raise MissingObjectError(f"{key} ends before byte {start + length}")
        return found

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.bodies if key.startswith(prefix))

    def concatenate(self, key: str, parts: Sequence[str]) -> str:
        self.put(key, b"".join(map(self.get, parts)))
        return self.uri(key)

    def uri(self, key: str) -> str:
        return f"s3://artifacts/{key}"
