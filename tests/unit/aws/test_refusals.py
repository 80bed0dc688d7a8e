from typing import Any

import pytest
from botocore import exceptions as botocore_exceptions
from botocore.parsers import ResponseParserError

from tableferry.aws.refusals import translated
from tableferry.errors import (
    InvalidSpecError,
    PermissionMissingError,
    RequestRefusedError,
    TableferryError,
    TableNotFoundError,
    TransientError,
    UnreachableError,
)


def answered(code: str, status: int = 400, message: str = "") -> botocore_exceptions.ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return botocore_exceptions.ClientError(answer, "DescribeTable")


def meaning(error: Exception) -> TableferryError:
    with (
        pytest.raises(TableferryError) as caught,
        translated("dynamodb:DescribeTable", "table Users", parameter="SourceTablePattern"),
    ):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answered("AccessDeniedException"), PermissionMissingError),
        (answered("ExpiredTokenException"), PermissionMissingError),
        (answered("UnrecognizedClientException"), PermissionMissingError),
        (answered("ResourceNotFoundException"), TableNotFoundError),
        (answered("TableNotFoundException"), TableNotFoundError),
        (answered("ThrottlingException"), TransientError),
        (answered("InternalServerError", 500), TransientError),
        (answered("NoSuchCodeYet", 503), TransientError),
        (answered("ValidationException"), RequestRefusedError),
        (botocore_exceptions.NoCredentialsError(), PermissionMissingError),
        (botocore_exceptions.ProfileNotFound(profile="gone"), PermissionMissingError),
        (botocore_exceptions.NoRegionError(), InvalidSpecError),
        (botocore_exceptions.EndpointConnectionError(endpoint_url="u"), UnreachableError),
        (botocore_exceptions.ConnectTimeoutError(endpoint_url="u"), UnreachableError),
        (botocore_exceptions.ReadTimeoutError(endpoint_url="u"), UnreachableError),
        (botocore_exceptions.ConnectionClosedError(endpoint_url="u"), UnreachableError),
        (botocore_exceptions.SSLError(endpoint_url="u", error=OSError()), UnreachableError),
        (ResponseParserError("not xml"), UnreachableError),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value)[:40],
)
def test_errors_mean_what_the_caller_can_do(error: Exception, expected: type) -> None:
    assert type(meaning(error)) is expected


def test_a_refusal_names_action_resource_and_template_parameter() -> None:
    found = meaning(answered("AccessDeniedException"))
    assert "dynamodb:DescribeTable on table Users" in found.cause
    assert "SourceTablePattern" in found.hint


def test_the_message_of_an_answer_never_decides() -> None:
    found = meaning(answered("ValidationException", message="AccessDenied: not authorized"))
    assert isinstance(found, RequestRefusedError)
    assert found.code == "ValidationException"


def test_what_is_not_botocores_passes() -> None:
    with pytest.raises(KeyError), translated("a", "b"):
        raise KeyError("a bug stays a bug")
