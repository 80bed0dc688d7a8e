"""Local commands never see what the environment says of a real account."""

import os

import pytest

from tableferry.aws.session import Sessions
from tableferry.local.engine import RunningEngine
from tableferry.local.loopback import loopback_only

ENGINE = RunningEngine(1, 4599, "boot")


@pytest.fixture
def real_account(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment of somebody who is logged in, behind a proxy."""
    variables = {
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_PROFILE": "production",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "https://dynamodb.eu-west-1.amazonaws.com",
        "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.eu-west-1.amazonaws.com",
        "HTTP_PROXY": "http://proxy:3128",
        "no_proxy": "",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def test_clients_talk_to_the_engine_with_its_own_credentials(
    real_account: dict[str, str],
) -> None:
    with loopback_only(ENGINE):
        client = Sessions().client("dynamodb")
        request = client._request_signer._credentials
        assert client.meta.endpoint_url == "http://127.0.0.1:4599"
        assert client.meta.region_name == "us-east-1"
        assert request.access_key == "test"
        assert "127.0.0.1" in os.environ["no_proxy"]


def test_without_an_engine_nothing_of_aws_is_left(real_account: dict[str, str]) -> None:
    with loopback_only():
        assert not [name for name in os.environ if name.startswith("AWS_")]


def test_environment_is_put_back_also_after_an_error(real_account: dict[str, str]) -> None:
    with pytest.raises(ZeroDivisionError), loopback_only(ENGINE):
        raise ZeroDivisionError
    assert {name: os.environ[name] for name in real_account} == real_account
