from typing import Any

import pytest

from tableferry.errors import SnapshotError
from tableferry.runs.run_spec import RunSpec
from tableferry.snapshots.snapshotting import snapshot_source
from tableferry.spec import MigrationSpec
from tableferry.table_facts import Recovery
from tests.fake_tables import FakeAccount, FakeSnapshots, FakeSteps, FakeTable, keys

RUN = "flights-v2"


class Case:
    """A source, a ledger, and a snapshot that is asked for again and again."""

    def __init__(self, kind: str) -> None:
        self.steps = FakeSteps()
        self.world = FakeAccount()
        self.table = self.world.add(FakeTable("Old", keys("id")))
        self.snapshots = FakeSnapshots(recovery_of=self.table)
        self.tokens = iter(f"token-{n}" for n in range(100))
        spec = MigrationSpec.parse(
            {
                "migrationId": RUN,
                "source": {"tableName": "Old"},
                "destination": {"tableName": "New"},
                "snapshot": kind,
            }
        )
        self.spec = RunSpec.from_json(spec.to_json())

    def snapshot(self) -> dict[str, Any]:
        return snapshot_source(
            self.steps,
            RUN,
            self.spec,
            options=self.world.options(self.spec.source, "source"),
            snapshots=self.snapshots,
            bucket="artifacts",
            now=lambda: 1.0,
            new_token=lambda: next(self.tokens),
        )


@pytest.mark.parametrize("kind", ["backup", "export"])
def test_a_snapshot_is_begun_once_and_looked_at_until_it_is_there(kind: str) -> None:
    case = Case(kind)
    case.snapshots.looks = 3
    answers = [case.snapshot() for _ in range(6)]
    assert [answer["done"] for answer in answers] == [False, False, False, True, True, True]
    assert {answer["type"] for answer in answers} == {kind}
    assert len({answer["arn"] for answer in answers}) == 1
    assert {answer["waitSeconds"] for answer in answers if not answer["done"]} == {60}


def test_an_export_lies_under_the_migrations_id() -> None:
    case = Case("export")
    case.snapshot()
    assert case.snapshots.prefixes == ["s3://artifacts/snapshots/flights-v2"]


def test_recovery_that_was_off_is_on_for_the_export_and_off_again() -> None:
    case = Case("export")
    first = case.snapshot()
    assert case.table.recovery.is_on
    assert "off again" in first["notes"][0]
    assert case.snapshot()["done"]
    assert not case.table.recovery.is_on
    assert case.world.calls.count("UpdateContinuousBackups") == 2


def test_recovery_that_was_on_stays_as_it_is() -> None:
    case = Case("export")
    case.table.recovery = Recovery(is_on=True, days=3)
    case.snapshot()
    assert case.snapshot()["notes"] == []
    assert case.table.recovery == Recovery(is_on=True, days=3)
    assert case.world.changes == []


def test_a_try_that_died_after_it_turned_recovery_on_still_puts_it_back() -> None:
    case = Case("export")
    case.snapshots.busy = 1
    case.snapshot()
    assert case.table.recovery.is_on
    for _ in range(3):
        answer = case.snapshot()
    assert answer["done"]
    assert not case.table.recovery.is_on


def test_a_lost_answer_does_not_begin_a_second_export() -> None:
    case = Case("export")
    case.snapshots.busy = 1
    case.snapshot()
    # The export began, and the ledger did not hear of it: the token is the same.
    case.snapshots.start_export("artifacts", "x", "token-0")
    case.snapshot()
    assert list(case.snapshots.exports) == ["arn:export/0"]


def test_a_failed_export_puts_recovery_back_and_a_redrive_begins_another() -> None:
    case = Case("export")
    case.snapshots.failing = "S3AccessDenied: no"
    case.snapshot()
    with pytest.raises(SnapshotError, match="S3AccessDenied"):
        case.snapshot()
    assert not case.table.recovery.is_on
    case.snapshots.failing = ""
    answers = [case.snapshot() for _ in range(2)]
    assert answers[-1]["done"]
    assert len(case.snapshots.exports) == 2
    assert not case.table.recovery.is_on


def test_a_backup_touches_no_setting_of_the_source() -> None:
    case = Case("backup")
    case.snapshot()
    case.snapshot()
    assert case.world.calls == []
