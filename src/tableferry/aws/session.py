"""Sessions and clients for the stack's own account and for the tables of a spec.

Only botocore's public means are used: a session whose credential provider assumes the role of a
table, and refreshes by itself. Clients are made once and are safe to share between threads.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import botocore
from botocore import exceptions as botocore_exceptions
from botocore.config import Config
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.session import Session

from tableferry.addresses import Addressed, Place
from tableferry.aws import transport
from tableferry.aws.refusals import translated
from tableferry.settings import requests_ca_bundle

USER_AGENT = "tableferry"
BOTOCORE_VERSION: str = botocore.__version__

# Control plane: botocore retries throttles and faults by itself (its standard mode, with jitter).
CONTROL = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    # As many as a worker has threads; one that is not needed is not opened.
    max_pool_connections=16,
    user_agent_extra=USER_AGENT,
)


def data_plane(connections: int, user_agent: str) -> Config:
    """One attempt a call: aws/retrying.py looks at lease and stop flag before each of its own.

    deadline.REQUEST_SECONDS counts on these timeouts.
    """
    return Config(
        connect_timeout=3,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=connections,
        # The shapes are not walked (aws/wire.py), so there is nothing to validate.
        parameter_validation=False,
        # Given, it is not put together from its parts twice for every request.
        user_agent=user_agent,
        user_agent_extra=USER_AGENT,
    )


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are: the account and the ARN of the caller."""

    account: str
    arn: str


class Sessions:
    """Clients for our own account, and for tables by their role and Region.

    `endpoint_url` sends every call there (the embedded engine); without it botocore's own settings
    hold, AWS_ENDPOINT_URL among them.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        self._endpoint_url = endpoint_url
        self._lock = threading.Lock()
        self._clients: dict[tuple[Any, ...], Any] = {}
        self._roles: dict[str, Session] = {}
        self._identity: Identity | None = None
        with translated("the configuration", "AWS"):
            self._session = Session(profile=profile)
            self.region: str = region or self._session.get_config_variable("region") or ""

    def client(self, service: str, region: str | None = None) -> Any:
        """A control-plane client with our own credentials; in our Region, or another."""
        return self._client(service, None, region or self.region, CONTROL)

    def table_client(self, table: Addressed, service: str = "dynamodb") -> Any:
        """A control-plane client with the table's role, in its Region."""
        return self._client(service, table.role_arn, self.region_of(table), CONTROL)

    def data_client(self, table: Addressed, connections: int) -> Any:
        """A DynamoDB client for the table's items: one attempt a call, `connections` at once."""
        place = table.role_arn, self.region_of(table)
        config = data_plane(connections, self._session.user_agent())
        return self._client("dynamodb", *place, config, connections, prepare=self._attach)

    def region_of(self, table: Addressed) -> str:
        return table.effective_region or self.region

    def require_credentials(self) -> None:
        """Raises PermissionMissingError where the configuration has none."""
        with translated("requests", "AWS"):
            if self._session.get_credentials() is None:
                raise botocore_exceptions.NoCredentialsError()

    @property
    def identity(self) -> Identity:
        """Our own account and ARN, asked once."""
        if self._identity is None:
            with translated("sts:GetCallerIdentity", "our own credentials"):
                answer = self.client("sts").get_caller_identity()
            self._identity = Identity(answer["Account"], answer["Arn"])
        return self._identity

    def place_of(self, table: Addressed) -> Place:
        """Where the table is, whether or not it exists."""
        account = table.account or self.identity.account
        return Place(account, self.region_of(table), table.name)

    def _attach(self, client: Any) -> None:
        bundle = self._session.get_config_variable("ca_bundle") or requests_ca_bundle()
        transport.attach(client, bundle)

    def _client(
        self,
        service: str,
        role_arn: str | None,
        region: str,
        config: Config,
        *distinct: Any,
        prepare: Callable[[Any], None] = lambda _: None,
    ) -> Any:
        key = (service, role_arn, region, *distinct)
        # Making a client is not thread-safe in botocore; using one is.
        with self._lock:
            if key not in self._clients:
                with translated(f"a client of {service}", region or "no Region"):
                    client = self._session_of(role_arn).create_client(
                        service,
                        region_name=region or None,
                        endpoint_url=self._endpoint_url,
                        config=config,
                    )
                    prepare(client)
                self._clients[key] = client
            return self._clients[key]

    def _session_of(self, role_arn: str | None) -> Session:
        if role_arn is None:
            return self._session
        if role_arn not in self._roles:
            sts = self._session.create_client(
                "sts",
                region_name=self.region or None,
                endpoint_url=self._endpoint_url,
                config=CONTROL,
            )
            session = Session()
            provider = _AssumedRole(role_arn, sts)
            session.register_component("credential_provider", CredentialResolver([provider]))
            # Service models are large: parse them once.
            session.register_component("data_loader", self._session.get_component("data_loader"))
            self._roles[role_arn] = session
        return self._roles[role_arn]


class _AssumedRole(CredentialProvider):
    """Credentials of a role, assumed at first use and again before they expire."""

    METHOD = "tableferry-assumed-role"

    def __init__(self, role_arn: str, sts: Any) -> None:
        super().__init__()
        self._role_arn = role_arn
        self._sts = sts

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(refresh_using=self._assume, method=self.METHOD)

    def _assume(self) -> dict[str, str]:
        with translated("sts:AssumeRole", self._role_arn, parameter="AssumableRolePattern"):
            answer = self._sts.assume_role(RoleArn=self._role_arn, RoleSessionName=USER_AGENT)
        found = answer["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }
