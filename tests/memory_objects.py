"""The artifacts bucket in memory, counting what is asked of it."""

from collections import Counter

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

    def uri(self, key: str) -> str:
        return f"s3://artifacts/{key}"

    def under(self, prefix: str) -> "MemoryFolder":
        return MemoryFolder(self, prefix)


class MemoryFolder:
    """One segment's digests."""

    def __init__(self, objects: MemoryObjects, prefix: str) -> None:
        self._objects = objects
        self._prefix = prefix

    def put(self, name: str, body: bytes) -> None:
        self._objects.put(f"{self._prefix}/{name}.tfd1", body)
