from typing import Any

import pytest

from tableferry.errors import SnapshotError
from tableferry.runs.run_spec import RunSpec
from tableferry.snapshots.undo import back_up_destination
from tableferry.spec import MigrationSpec
from tests.fake_tables import FakeAccount, FakeSnapshots, FakeSteps, FakeTable, keys

RUN = "flights-v2"
ITEM = {"id": {"S": "a"}}


class Case:
    """A destination, a ledger, and a backup that is asked for again and again."""

    def __init__(
        self, *, items: list[dict[str, Any]] | None = None, run: str = RUN, **fields: Any
    ) -> None:
        self.run = run
        self.steps = FakeSteps()
        self.snapshots = FakeSnapshots()
        self.world = FakeAccount()
        self.table = self.world.add(FakeTable("New", keys("id"), items=items or []))
        spec = MigrationSpec.parse(
            {
                "migrationId": "flights-v2",
                "source": {"tableName": "Old"},
                "destination": {"tableName": "New"},
                **fields,
            }
        )
        self.spec = RunSpec.from_json(spec.to_json())

    def back_up(self, *, repairs: bool = False) -> dict[str, Any]:
        return back_up_destination(
            self.steps,
            self.run,
            self.spec,
            table=self.world.table(self.spec.destination, "destination"),
            snapshots=self.snapshots,
            repairs=repairs,
            now=lambda: 1_700_000_000.5,
        )


def test_a_destination_that_holds_items_is_backed_up_before_anything_is_written() -> None:
    case = Case(items=[ITEM])
    first, second, third = (case.back_up() for _ in range(3))
    assert (first["done"], second["done"], third["done"]) == (False, True, True)
    assert first["waitSeconds"] > 0
    assert first["arn"] == second["arn"] == third["arn"]
    assert len(case.snapshots.backups) == 1


@pytest.mark.parametrize(
    ("items", "fields", "is_needed"),
    [
        pytest.param([], {}, False, id="empty"),
        pytest.param([ITEM], {"undo": "none"}, False, id="not-wanted"),
        pytest.param([ITEM], {"onExisting": "keep"}, False, id="nothing-is-overwritten"),
        pytest.param([ITEM], {}, True, id="overwrite"),
        pytest.param([ITEM], {"cleanDestination": True}, True, id="clean-destination"),
        pytest.param([ITEM], {"mode": "clean"}, True, id="mode-clean"),
        pytest.param([ITEM], {"mode": "clean", "onExisting": "keep"}, True, id="clean-destroys"),
    ],
)
def test_a_backup_is_made_where_something_may_be_lost(
    items: list[dict[str, Any]], fields: dict[str, Any], is_needed: bool
) -> None:
    case = Case(items=items, **fields)
    answer = case.back_up()
    assert (answer["arn"] is not None) == is_needed
    assert answer["done"] != is_needed


def test_what_was_decided_stays_when_the_table_fills_or_empties() -> None:
    case = Case()
    case.back_up()
    case.table.items.append(ITEM)
    assert case.back_up() == {"done": True, "waitSeconds": 0, "arn": None}
    case = Case(items=[ITEM])
    arn = case.back_up()["arn"]
    case.table.items.clear()
    assert case.back_up() == {"done": True, "waitSeconds": 0, "arn": arn}


def test_a_busy_table_is_asked_again() -> None:
    case = Case(items=[ITEM])
    case.snapshots.busy = 2
    answers = [case.back_up() for _ in range(4)]
    assert [answer["arn"] is not None for answer in answers] == [False, False, True, True]


def test_a_backup_that_vanished_fails_the_step_and_a_redrive_begins_another() -> None:
    case = Case(items=[ITEM])
    gone = case.back_up()["arn"]
    del case.snapshots.backups[gone]
    with pytest.raises(SnapshotError, match="gone"):
        case.back_up()
    again = case.back_up()
    assert again["arn"] not in {None, gone}
    assert case.back_up()["done"]


def test_a_refusal_is_a_snapshot_error_and_a_redrive_tries_again() -> None:
    case = Case(items=[ITEM])
    case.snapshots.refusing = "ValidationException"
    with pytest.raises(SnapshotError):
        case.back_up()
    case.snapshots.refusing = ""
    assert case.back_up()["arn"]


def test_the_name_says_what_it_is_of_and_fits_awss_rule() -> None:
    case = Case(items=[ITEM], run=f"flights-v2.clean.über@{'x' * 300}")
    case.back_up()
    (name,) = case.snapshots.names
    assert name.startswith("tableferry-undo-1700000000-flights-v2.clean.-ber-xxx")
    assert len(name) == 255


def test_what_a_copy_wrote_into_an_empty_table_is_backed_up_before_it_is_repaired() -> None:
    case = Case()
    assert case.back_up() == {"done": True, "waitSeconds": 0, "arn": None}
    case.table.items.append(ITEM)
    first, second = (case.back_up(repairs=True) for _ in range(2))
    assert (first["done"], second["done"]) == (False, True)
    assert first["arn"]
    assert case.back_up(repairs=True) == second
    assert len(case.snapshots.backups) == 1


def test_what_was_backed_up_before_the_copy_is_not_backed_up_again_for_a_repair() -> None:
    case = Case(items=[ITEM])
    before = [case.back_up() for _ in range(2)][1]
    assert case.back_up(repairs=True) == before


def test_a_repair_that_keeps_is_backed_up_too_but_not_where_undo_is_none() -> None:
    fields: dict[str, Any] = {"mode": "verify", "onExisting": "keep", "repair": True}
    assert Case(items=[ITEM], **fields).back_up(repairs=True)["arn"]
    assert Case(items=[ITEM], undo="none", **fields).back_up(repairs=True)["arn"] is None
