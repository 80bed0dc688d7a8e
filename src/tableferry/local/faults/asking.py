"""What a DynamoDB request asks for, read from its headers and as little of its body as it takes."""

import re

import msgspec
from msgspec import Raw

from tableferry.local.faults.calls import UNKNOWN, Call
from tableferry.local.faults.messages import Message

# Everything that does not begin so is taken to change something: an unknown operation must not pass
# as harmless.
_READING = ("Get", "BatchGet", "Query", "Scan", "Describe", "List", "TransactGet", "Search")
_PARTIQL = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
_STATEMENT_TABLE = re.compile(
    r'\b(?:into|update|from)\s+(?:"((?:[^"]|"")+)"|([A-Za-z0-9_.-]+))', re.IGNORECASE
)
_CREDENTIAL = re.compile(r"Credential=([^/, ]+)")
_ABSENT = Raw()


class _Keys(msgspec.Struct, rename="pascal"):
    keys: list[Raw] = []


class _Named(msgspec.Struct, rename="pascal"):
    table_name: str = ""


class _Statement(msgspec.Struct, rename="pascal"):
    statement: str = ""


class _Body(msgspec.Struct, rename="pascal"):
    table_name: str | None = None
    target_table_name: str | None = None
    resource_arn: str | None = None
    request_items: dict[str, list[Raw] | _Keys] = {}
    transact_items: list[dict[str, _Named]] = []
    statement: str | None = None
    statements: list[_Statement] = []
    transact_statements: list[_Statement] = []
    key: Raw = _ABSENT
    item: Raw = _ABSENT
    segment: int | None = None
    total_segments: int | None = None
    exclusive_start_key: Raw = _ABSENT


_decoder = msgspec.json.Decoder(_Body)


def read_call(request: Message, at: float, *, keep_body: bool = False) -> Call:
    """The log's entry for a request that arrived `at`; a body that is not DynamoDB's leaves the
    tables unknown.
    """
    operation = request.header(b"x-amz-target").rpartition(".")[2]
    try:
        body = _decoder.decode(request.body) if operation else _Body()
    except msgspec.MsgspecError:
        body = _Body(table_name=UNKNOWN)
    statements = _statements(body)
    credential = _CREDENTIAL.search(request.header(b"authorization"))
    start_key = bytes(body.exclusive_start_key).decode()
    return Call(
        number=0,
        at=at,
        operation=operation or request.start.decode("latin-1").rpartition(" ")[0],
        tables=_tables(body, statements),
        keys=_keys(body, statements),
        mutating=_is_mutating(operation, statements),
        access_key=credential.group(1) if credential else "",
        agent=request.header(b"user-agent"),
        signed_at=request.header(b"x-amz-date"),
        segment=body.segment,
        total_segments=body.total_segments,
        start_key=start_key or None,
        body=request.body if keep_body else b"",
    )


def statement_table(statement: str) -> str:
    """The table that a PartiQL statement names; empty when it names none."""
    found = _STATEMENT_TABLE.search(statement)
    if found is None:
        return ""
    quoted, bare = found.groups()
    return quoted.replace('""', '"') if quoted else bare


def bare_name(name_or_arn: str) -> str:
    """The table's name, from the name or from an ARN of the table, of an index or of a stream of
    it.
    """
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    return name_or_arn.partition("table/")[2].partition("/")[0]


def _statements(body: _Body) -> list[str]:
    several = body.statements or body.transact_statements
    if several:
        return [each.statement for each in several]
    return [] if body.statement is None else [body.statement]


def _tables(body: _Body, statements: list[str]) -> tuple[str, ...]:
    names = [body.table_name, body.target_table_name, body.resource_arn, *body.request_items]
    names += [named.table_name for action in body.transact_items for named in action.values()]
    names += [statement_table(statement) for statement in statements]
    return tuple(dict.fromkeys(bare_name(name) for name in names if name))


def _keys(body: _Body, statements: list[str]) -> int:
    batches = body.request_items.values()
    in_batches = sum(len(b) if isinstance(b, list) else len(b.keys) for b in batches)
    single = int(bool(bytes(body.key) or bytes(body.item)))
    return in_batches + len(body.transact_items) + len(statements) + single


def _is_mutating(operation: str, statements: list[str]) -> bool:
    if operation in _PARTIQL:
        return not all(text.lstrip()[:6].upper() == "SELECT" for text in statements)
    return not operation.startswith(_READING) if operation else False
