"""What botocore's errors mean to us, for control-plane calls: by type and code, never by message.

The data plane has its own rules, with its own retries (aws/retrying.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as botocore_exceptions
from botocore.parsers import ResponseParserError

from tableferry.errors import (
    InvalidSpecError,
    PermissionMissingError,
    Problem,
    RequestRefusedError,
    TableferryError,
    TableNotFoundError,
    TransientError,
    UnreachableError,
)

DENIED_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"}
)
# Credentials that AWS does not take: unknown, expired, or signed wrongly.
CREDENTIAL_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "InvalidAccessKeyId",
    }
)
# [BC dynamodb] DescribeTable says the first, backups and point-in-time recovery the second.
MISSING_TABLE_CODES = frozenset({"ResourceNotFoundException", "TableNotFoundException"})
TRANSIENT_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
        "SlowDown",
        "InternalServerError",
        "InternalFailure",
        "InternalError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)

# botocore raises these before anything is sent.
_NO_CREDENTIALS = (
    botocore_exceptions.NoCredentialsError,
    botocore_exceptions.PartialCredentialsError,
    botocore_exceptions.CredentialRetrievalError,
    botocore_exceptions.ProfileNotFound,
    botocore_exceptions.TokenRetrievalError,
    botocore_exceptions.SSOError,
    botocore_exceptions.InvalidConfigError,
    botocore_exceptions.ConfigParseError,
)
_NO_ANSWER = (
    botocore_exceptions.HTTPClientError,
    botocore_exceptions.ConnectionError,
    ResponseParserError,
)


@contextmanager
def translated(action: str, resource: str, *, parameter: str = "") -> Iterator[None]:
    """Raises our errors for botocore's in its block.

    `action` is the IAM action (`dynamodb:DescribeTable`), `resource` what it is done to,
    `parameter` the template parameter that gives the permission. Raises PermissionMissingError,
    UnreachableError, TableNotFoundError, TransientError, and for everything else
    RequestRefusedError with AWS's code.
    """
    try:
        yield
    except botocore_exceptions.ClientError as error:
        raise _answered(error, action, resource, parameter) from error
    except _NO_CREDENTIALS as error:
        raise PermissionMissingError(
            f"no credentials for {action} on {resource}: {error}",
            hint="log in to AWS, or name a profile with --profile",
        ) from error
    except botocore_exceptions.NoRegionError as error:
        raise InvalidSpecError(
            [Problem("region", None, "no Region is set", "give --region or set AWS_REGION")]
        ) from error
    except _NO_ANSWER as error:
        raise UnreachableError(
            f"no answer to {action} on {resource}: {error}",
            hint="check the network, the Region and AWS_ENDPOINT_URL; is the engine up?",
        ) from error


def error_code(error: botocore_exceptions.ClientError) -> str:
    """AWS's code of an error answer."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _answered(
    error: botocore_exceptions.ClientError, action: str, resource: str, parameter: str
) -> TableferryError:
    code = error_code(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in DENIED_CODES:
        where = f" (template parameter {parameter})" if parameter else ""
        return PermissionMissingError(
            f"{action} on {resource} was refused ({code})",
            hint=f"allow {action} on {resource}{where}, then start or redrive again",
        )
    if code in CREDENTIAL_CODES:
        return PermissionMissingError(
            f"AWS does not take the credentials for {action} on {resource} ({code})",
            hint="log in again; a role's credentials are renewed when you redrive",
        )
    if code in MISSING_TABLE_CODES:
        return TableNotFoundError(
            f"{resource} is not there ({action}: {code})",
            hint="check the table's name, account and Region",
        )
    if code in TRANSIENT_CODES or status >= 500:
        return TransientError(f"{action} on {resource}: {code}", hint="it is tried again")
    message = error.response.get("Error", {}).get("Message", "")
    return RequestRefusedError(f"{action} on {resource}: {code}: {message}", code=code)
