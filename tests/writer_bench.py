"""A writer on a table in memory."""

from tableferry.aws.retrying import Progress, Retrier
from tableferry.deadline import Deadline
from tableferry.items import from_typed
from tableferry.segments.writing import Entry, Writer
from tests.fakes import Clock, Faults, MemoryDynamo, Request
from tests.memory_table import MemoryTable

TABLE = "Destination"


class Bench:
    """A writer on a table in memory."""

    def __init__(self, table: str = TABLE, faults: Faults | None = None) -> None:
        self.clock = Clock()
        self.table = MemoryTable(TABLE, {"pk": "S"})
        self.dynamo = MemoryDynamo(self.table, faults=faults)
        deadline = Deadline(self.clock.now() + 3600, self.clock.now() + 3600, self.clock.now)
        self.progress = Progress(1800.0, self.clock.now(), self.clock.now)
        retrier = Retrier(deadline, self.progress, lambda: None, self.clock.sleep)
        self.writer = Writer(self.dynamo, table, ("pk",), retrier)

    def fail_once(self, operation: str, error: Exception, *, after: bool = False) -> None:
        """The next such request fails, before its effect or after it."""
        left = [error]

        def fail(asked: str, _request: Request) -> None:
            if asked == operation and left:
                raise left.pop()

        moment = "answered" if after else "arriving"
        setattr(self.dynamo, moment, fail)


def entries(count: int) -> list[Entry]:
    return [
        Entry({"id": {"N": str(n)}}, from_typed({"pk": {"S": f"k{n}"}, "n": {"N": str(n)}}))
        for n in range(count)
    ]
