"""docs/scaling.md says what a billion items take; what the code can compute, it computed."""

import json
import math
from collections.abc import Iterator

from tableferry.estimates.costing import LEDGER_WRITES_OF_A_PAGE, LEDGER_WRITES_OF_A_SEGMENT
from tableferry.estimates.estimating import PAGE_BYTES
from tableferry.estimates.timing import CHILDREN_PER_SECOND
from tableferry.segments.cutting import segment_count, segment_list
from tableferry.verification.content_comparing import partition_count
from tableferry.verification.digesting import GroupLimits
from tests.structure import project
from tests.unit.estimates.test_estimating import KILOBYTE, Case

ITEMS = 1_000_000_000
WORKERS = 40
# A header with its fences, and the entries between two of them (digest_reading.py).
GETS_OF_A_PART = 2
# S3 Standard in us-east-1, November 2026; third-party pages, not found on a page of AWS.
USD_OF_A_PUT, USD_OF_A_GET = 0.005 / 1000, 0.0004 / 1000
# Bytes of a child's line in a ResultWriter's file, measured (tests/e2e/test_many_segments.py).
RESULT_BYTES = 1_050


def figures() -> Iterator[tuple[str, str]]:
    size = ITEMS * KILOBYTE
    segments = segment_count("auto", items=ITEMS, size_bytes=size, max_concurrency=WORKERS)
    plan = Case(count=ITEMS).plan()
    cost = plan["details"]["cost"]
    partitions = partition_count(ITEMS, ITEMS)
    objects = 2 * segments * _objects(segments)
    children = 3 * segments + partitions
    listed = [{"work": "copy", "round": 1, **each.to_json()} for each in segment_list(segments)]
    pages = 3 * size / PAGE_BYTES
    yield "segments of each table", f"{segments:,}"
    yield (
        "children: copy; digests of both; comparison",
        (f"{segments:,}; {2 * segments:,}; {partitions:,}"),
    )
    yield "seconds to begin that many children", f"{children / CHILDREN_PER_SECOND:,.0f}"
    yield "the list that the copy's Map reads", f"{len(json.dumps(listed)) / 1e6:.1f} MB"
    yield "results that its ResultWriter keeps", f"{segments * RESULT_BYTES / 1e6:.1f} MB"
    yield "state transitions", f"{cost['stateTransitions']:,}"
    writes = 3 * segments * LEDGER_WRITES_OF_A_SEGMENT + pages * LEDGER_WRITES_OF_A_PAGE
    yield "ledger writes", f"{writes:,.0f}"
    yield "digest objects (S3 PUT)", f"{objects:,}"
    yield "partitions that are compared", f"{partitions:,}"
    yield "reads of digests (S3 GET)", f"{objects * partitions * GETS_OF_A_PART:,}"
    yield "read units", f"{plan['estimate']['readUnits']:,}"
    yield "write units", f"{plan['estimate']['writeUnits']:,}"
    yield "Lambda, GB-seconds", f"{cost['gigabyteSeconds']:,.0f}"
    for name in ("writeUnits", "readUnits", "lambda", "stepFunctions", "ledger", "backups"):
        yield f"USD: {name}", f"{cost[name]:,.2f}"
    requests = objects * USD_OF_A_PUT + objects * partitions * GETS_OF_A_PART * USD_OF_A_GET
    yield "USD: requests to S3", f"{requests:,.2f}"
    yield "USD in all", f"{cost['total'] + requests:,.2f}"
    yield "hours at 4,000 write units a second", f"{plan['estimate']['seconds'] / 3600:.0f}"
    yield "hours of writing at 40,000", f"{plan['estimate']['writeUnits'] / 40_000 / 3600:.1f}"
    yield "bound by", plan["bottleneck"]


def _objects(segments: int) -> int:
    """Of one segment: a group of pages ends with its entries, its bytes or its pages."""
    limits = GroupLimits.of(segments)
    items = math.ceil(ITEMS / segments)
    pages = items * KILOBYTE / PAGE_BYTES
    return max(math.ceil(items / limits.entries), math.ceil(pages / limits.pages))


def rows() -> list[str]:
    return [f"| {name} | {value} |" for name, value in figures()]


def test_the_document_says_what_the_code_computes() -> None:
    said = (project.ROOT / "docs" / "scaling.md").read_text(encoding="utf-8").splitlines()
    missing = [row for row in rows() if not any(line.startswith(row) for line in said)]
    assert not missing


if __name__ == "__main__":
    print("\n".join(rows()))
