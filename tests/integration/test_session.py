"""Sessions against moto's STS, in process."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tableferry.addresses import Place, TableAddress
from tableferry.aws.session import Sessions
from tableferry.errors import InvalidSpecError, PermissionMissingError, UnreachableError

ROLE = "arn:aws:iam::210987654321:role/Mover"


def table(name: str, **fields: str) -> TableAddress:
    return TableAddress.from_json({"tableName": name, **fields})


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
def test_a_table_is_placed_by_arn_role_field_or_our_own_identity() -> None:
    sessions = Sessions(region="eu-west-1")
    ours = sessions.identity.account
    arn = "arn:aws:dynamodb:us-east-2:111122223333:table/Users"
    assert sessions.place_of(table("Users")) == Place(ours, "eu-west-1", "Users")
    assert sessions.place_of(table("Users", region="us-west-2", roleArn=ROLE)) == Place(
        "210987654321", "us-west-2", "Users"
    )
    assert str(sessions.place_of(table(arn))) == "111122223333/us-east-2/Users"


@pytest.mark.usefixtures("aws")
def test_a_tables_role_signs_its_calls_in_its_region() -> None:
    sessions = Sessions(region="eu-west-1")
    seen: list[list[str]] = []

    def note(request: Any, **_: Any) -> None:
        authorization = request.headers["Authorization"]
        text = authorization.decode() if isinstance(authorization, bytes) else authorization
        seen.append(text.partition("Credential=")[2].split("/")[:3])

    for ref in (table("Users"), table("Users", roleArn=ROLE, region="us-west-2")):
        client = sessions.table_client(ref)
        client.meta.events.register("before-send.dynamodb", note)
        client.list_tables()
    (own_key, _, own_region), (role_key, _, role_region) = seen
    assert not own_key.startswith("ASIA")
    assert role_key.startswith("ASIA")
    assert (own_region, role_region) == ("eu-west-1", "us-west-2")


@pytest.mark.usefixtures("aws")
def test_a_roles_credentials_are_assumed_again_before_they_expire() -> None:
    sessions = Sessions(region="eu-west-1")
    client = sessions.table_client(table("Users", roleArn=ROLE))
    assumed = []

    def shorten(parsed: dict[str, Any], **_: Any) -> None:
        soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
        parsed["Credentials"]["Expiration"] = soon
        assumed.append(parsed["Credentials"]["AccessKeyId"])

    role = sessions._roles[ROLE].get_component("credential_provider").providers[0]
    role._sts.meta.events.register("after-call.sts.AssumeRole", shorten)
    client.list_tables()
    first = len(assumed)
    client.list_tables()
    assert len(assumed) > first > 0


@pytest.mark.usefixtures("aws")
def test_clients_are_made_once() -> None:
    sessions = Sessions(region="eu-west-1")
    assert sessions.client("s3") is sessions.client("s3")
    assert sessions.data_client(table("a"), 4) is not sessions.table_client(table("a"))


@pytest.mark.usefixtures("aws")
def test_the_data_plane_makes_one_attempt_within_its_time() -> None:
    config = Sessions(region="eu-west-1").data_client(table("Users"), 16).meta.config
    assert config.retries["total_max_attempts"] == 1
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.max_pool_connections == 16
    assert "tableferry" in config.user_agent_extra


def test_an_endpoint_that_does_not_answer_is_unreachable() -> None:
    # Port 9 on loopback: discard, which nothing serves here; the kernel refuses at once.
    sessions = Sessions(region="eu-west-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match="GetCallerIdentity"):
        _ = sessions.identity


def test_no_credentials_is_a_matter_of_access(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(PermissionMissingError) as caught:
        _ = Sessions(region="eu-west-1").identity
    assert caught.value.exit_status == 3


def test_a_profile_that_is_not_there_is_a_matter_of_access() -> None:
    with pytest.raises(PermissionMissingError, match="gone"):
        _ = Sessions(region="eu-west-1", profile="gone").identity


def test_no_region_is_wrong_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(InvalidSpecError) as caught:
        Sessions().client("dynamodb")
    assert caught.value.problems[0].path == "region"


@pytest.mark.usefixtures("aws")
def test_a_role_that_may_not_be_assumed_names_role_and_parameter() -> None:
    sessions = Sessions(region="eu-west-1")
    client = sessions.table_client(table("Users", roleArn=ROLE))

    def deny(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        answer: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        raise ClientError(answer, "AssumeRole")

    role = sessions._roles[ROLE].get_component("credential_provider").providers[0]
    role._sts.meta.events.register("after-call.sts.AssumeRole", deny)
    with pytest.raises(PermissionMissingError, match=ROLE) as caught:
        client.list_tables()
    assert "AssumableRolePattern" in caught.value.hint
