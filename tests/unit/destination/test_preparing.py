from typing import Any

import pytest

from tableferry.addresses import Place
from tableferry.destination.preparing import Prepared, finish_destination, prepare_destination
from tableferry.errors import InvalidSpecError, TableNotFoundError
from tableferry.runs.run_spec import RunSpec
from tableferry.spec import MigrationSpec
from tableferry.table_facts import Recovery
from tests.fake_tables import ACCOUNT, REGION, FakeAccount, FakeSteps, FakeTable, keys

RUN = "flights-v2"


class Case:
    """A source, a ledger, and a run that is prepared again and again."""

    def __init__(self, **destination: Any) -> None:
        self.world = FakeAccount()
        self.steps = FakeSteps()
        self.source = self.world.add(
            FakeTable("Flights", keys("id"), items=[{"id": {"S": "a"}, "n": {"N": "1"}}])
        )
        self.spec = self.reading(**destination)

    def reading(self, transform: Any = (), **destination: Any) -> RunSpec:
        spec = MigrationSpec.parse(
            {
                "migrationId": RUN,
                "source": {"tableName": "Flights"},
                "destination": {"tableName": "FlightsV2", **destination},
                "transform": list(transform),
            }
        )
        return RunSpec.from_json(spec.to_json())

    def prepare(self, run: str = RUN) -> Prepared:
        return prepare_destination(self.steps, run, self.spec, self.world)

    @property
    def destination(self) -> FakeTable:
        return self.world.tables[Place(ACCOUNT, REGION, "FlightsV2")]

    def finish(self) -> None:
        options = self.world.options(self.spec.destination, "destination")
        finish_destination(self.steps, RUN, options)


def test_a_table_that_must_exist_is_left_as_it_is() -> None:
    case = Case()
    case.world.add(FakeTable("FlightsV2", keys("id")))
    assert case.prepare() == Prepared(ready=True, created=False)
    assert case.prepare().ready
    assert case.world.changes == []


def test_a_table_that_vanished_is_said_to_be_gone() -> None:
    with pytest.raises(TableNotFoundError, match="FlightsV2"):
        Case().prepare()


def test_a_table_that_is_being_changed_can_be_written_one_that_is_being_made_not_yet() -> None:
    case = Case()
    table = case.world.add(FakeTable("FlightsV2", keys("id"), status="UPDATING"))
    assert case.prepare().ready
    case = Case()
    table = case.world.add(FakeTable("FlightsV2", keys("id"), looks_until_ready=1))
    assert not case.prepare().ready
    assert case.prepare().ready
    assert table.looks_until_ready == 0


def test_a_table_like_the_source_is_made_once_and_awaited() -> None:
    case = Case(create="likeSource")
    case.world.creating_takes = 2
    answers = [case.prepare() for _ in range(5)]
    assert [answer.ready for answer in answers] == [False, False, False, True, True]
    assert case.world.calls.count("CreateTable") == 1
    assert case.destination.tags == {"tableferry:run": RUN}
    assert answers[-1].created
    assert answers[0].to_json()["waitSeconds"] > 0
    assert answers[-1].to_json()["waitSeconds"] == 0


def test_describe_may_lag_behind_create() -> None:
    case = Case(create="likeSource")
    case.prepare()
    case.world.hidden_after_create = 1
    assert not case.prepare().ready
    assert case.prepare().ready
    assert case.destination.tags == {"tableferry:run": RUN}


def test_a_try_that_died_after_create_is_recognised_as_our_own() -> None:
    case = Case(create="likeSource")
    case.prepare()
    case.steps.values.clear()
    assert case.prepare().ready


def test_while_another_table_is_made_this_one_waits() -> None:
    case = Case(create="likeSource")
    case.world.tables_busy = True
    assert not case.prepare().ready
    case.world.tables_busy = False
    assert not case.prepare().ready
    assert case.prepare().ready


def test_a_table_that_another_made_is_refused_and_not_changed() -> None:
    for parameters in (
        keys("id"),
        {**keys("id"), "Tags": [{"Key": "tableferry:run", "Value": "x"}]},
    ):
        case = Case(create="likeSource")
        case.world.add(FakeTable("FlightsV2", parameters))
        with pytest.raises(InvalidSpecError) as caught:
            case.prepare()
        assert caught.value.problems[0].path == "destination.create"
        assert case.world.changes == []


def test_what_follows_creation_is_set_once_the_table_is_there() -> None:
    case = Case(create="likeSource")
    case.source.recovery = Recovery(is_on=True, days=14)
    case.source.insights = {"": "THROTTLED_KEYS"}
    case.source.policy = "{}"
    case.source.ttl = "expires"
    case.world.creating_takes = 1
    case.prepare()
    case.prepare()
    assert case.world.changes == ["CreateTable"]
    prepared = case.prepare()
    made = case.destination
    assert (made.recovery, made.insights, made.policy) == (
        Recovery(is_on=True, days=14),
        {"": "THROTTLED_KEYS"},
        "{}",
    )
    assert any("time to live" in note for note in prepared.notes)
    assert made.ttl is None


def test_time_to_live_comes_after_verification_and_only_on_a_table_of_ours() -> None:
    case = Case(create="likeSource")
    case.source.ttl = "expires"
    case.prepare()
    case.prepare()
    case.finish()
    case.finish()
    assert case.destination.ttl == "expires"
    assert case.world.calls.count("UpdateTimeToLive") == 1
    case = Case()
    case.source.ttl = "expires"
    case.world.add(FakeTable("FlightsV2", keys("id")))
    case.prepare()
    case.finish()
    assert case.destination.ttl is None


def test_other_keys_take_their_type_from_the_sample_where_nothing_else_tells() -> None:
    case = Case()
    case.spec = case.reading(
        create="likeSource",
        keySchema=[{"AttributeName": "uid", "KeyType": "HASH"}],
        transform=[{"set": {"attribute": "uid", "value": "{% $uuid5('flights', [id]) %}"}}],
    )
    case.prepare()
    assert case.destination.parameters["AttributeDefinitions"] == [
        {"AttributeName": "uid", "AttributeType": "S"}
    ]
    assert "Scan" in case.world.calls
    case = Case(create="likeSource")
    case.prepare()
    assert "Scan" not in case.world.calls


def test_create_table_parameters_are_taken_as_they_are() -> None:
    throughput = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    case = Case(create={**keys("id"), "ProvisionedThroughput": throughput})
    case.prepare()
    assert case.prepare().ready
    assert case.destination.parameters["ProvisionedThroughput"] == throughput
    assert "BillingMode" not in case.destination.parameters
    case = Case(create={**keys("id"), "Tags": [{"Key": "team", "Value": "air"}]})
    case.prepare()
    assert case.destination.parameters["BillingMode"] == "PAY_PER_REQUEST"
    assert case.destination.tags == {"team": "air", "tableferry:run": RUN}
