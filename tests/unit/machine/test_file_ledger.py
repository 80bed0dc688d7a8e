"""A ledger in a file keeps the same promises as the one in DynamoDB."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tableferry.aws.checkpoints import Checkpoints
from tableferry.aws.file_bucket import FileBucket
from tableferry.aws.ledger import Ledger
from tableferry.aws.ledger_table import key, text
from tableferry.aws.objects import BucketObjects, MissingObjectError
from tableferry.machine.file_ledger import FileLedgerTable
from tests.ledger_rules import LedgerRaces, LedgerRules


class BothHalves(Ledger, Checkpoints):
    """The ledger's runs and segments over one table."""


class TestFileLedger(LedgerRules, LedgerRaces):
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Any:
        return BothHalves(FileLedgerTable(tmp_path / "ledger.sqlite"))


@pytest.fixture
def table(tmp_path: Path) -> FileLedgerTable:
    return FileLedgerTable(tmp_path / "ledger.sqlite")


@pytest.mark.parametrize(
    "condition", ["size(#a) > :x", "(#a = :x)", "contains(#a, :x)", "#a <> :x", "NOT #a = :x"]
)
def test_what_the_file_does_not_know_is_never_guessed(
    table: FileLedgerTable, condition: str
) -> None:
    table.put({**key("run", "control"), "a": text("1")})
    values = {":x": text("1")}
    with pytest.raises(ValueError, match="does not know"):
        table.update(key("run", "control"), "SET #a = :x", condition, values, names={"#a": "a"})
    with pytest.raises(ValueError, match="does not know"):
        table.update(key("run", "control"), "ADD #a :x", "", values, names={"#a": "a"})


def test_two_processes_worth_of_connections_see_each_other_and_lose_nothing(
    tmp_path: Path,
) -> None:
    tables = [FileLedgerTable(tmp_path / "ledger.sqlite") for _ in range(4)]

    def write(place: int) -> None:
        for number in range(25):
            tables[place].put({**key("run", f"{place}#{number:02}"), "doc": text("x")})

    threads = [threading.Thread(target=write, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(tables[0].query("run"))) == 100
    assert len(list(tables[1].query("run", "2#"))) == 25
    assert len(list(tables[2].query_between("run", "1#05", "1#09"))) == 5


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[BucketObjects]:
    yield BucketObjects(FileBucket(tmp_path), str(tmp_path))


def test_objects_are_files(objects: BucketObjects, tmp_path: Path) -> None:
    objects.put("runs/a/one", b"0123456789")
    assert (tmp_path / "runs/a/one").read_bytes() == b"0123456789"
    assert objects.get("runs/a/one") == b"0123456789"
    assert objects.get_range("runs/a/one", 2, 3) == b"234"
    assert objects.keys("runs/a") == ["runs/a/one"]
    for missing in (lambda: objects.get("no"), lambda: objects.get_range("runs/a/one", 8, 5)):
        with pytest.raises(MissingObjectError):
            missing()
    with pytest.raises(MissingObjectError):
        objects.get_range("runs/a/one", 10, 1)


def test_large_objects_are_put_together(objects: BucketObjects) -> None:
    parts = [f"part-{number}" for number in range(5)]
    for number, part in enumerate(parts):
        objects.put(part, bytes([number]) * 5_000_000)
    objects.concatenate("whole", parts)
    assert objects.get("whole") == b"".join(objects.get(part) for part in parts)
    assert objects.keys("whole") == ["whole"]
