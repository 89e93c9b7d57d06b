"""The Azure SDK's client for one managed cluster.

The SDK's retries are off, since they would sleep through the engine's deadlines: the engine's are
the only ones. Below the SDK, aiohttp sends a PUT or DELETE once more when its connection breaks;
every such request bears a precondition or is harmless twice.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport
from azure.identity.aio import DefaultAzureCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient

READ_SECONDS = 30.0
CONNECT_SECONDS = 30.0
USER_AGENT = "moorage"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedCluster:
    """Where the agent pools are. ``endpoint`` is ARM's URL; "" is the public cloud's.

    An endpoint without TLS is a simulated one: it is never given a credential.
    """

    subscription: str
    resource_group: str
    name: str
    location: str
    endpoint: str = ""

    @property
    def simulated(self) -> bool:
        return self.endpoint.startswith("http://")


@asynccontextmanager
async def arm_client(
    cluster: ManagedCluster, *, transport: AsyncHttpTransport[Any, Any] | None = None
) -> AsyncIterator[ContainerServiceClient]:
    """With the default chain of credentials, of which workload identity comes early.

    ``transport`` carries the requests instead of sockets. Asks nothing until the first request.
    """
    async with AsyncExitStack() as stack:
        options: dict[str, Any] = {
            "retry_total": 0,
            "read_timeout": READ_SECONDS,
            "connection_timeout": CONNECT_SECONDS,
            "user_agent": USER_AGENT,
        }
        credential: AsyncTokenCredential
        if cluster.simulated:
            credential = _NoCredential()
            options["authentication_policy"] = _Unauthenticated()
            # Proxies of the machine's environment are not for a simulation.
            options["transport"] = transport or AioHttpTransport(use_env_settings=False)
        else:
            credential = await stack.enter_async_context(DefaultAzureCredential())
            if transport is not None:
                options["transport"] = transport
        yield await stack.enter_async_context(
            ContainerServiceClient(
                credential, cluster.subscription, cluster.endpoint or None, **options
            )
        )


class _Unauthenticated(SansIOHTTPPolicy[Any, Any]):
    """In the place of the SDK's own policy, which refuses to go without TLS."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = "Bearer simulated"


class _NoCredential:
    """The SDK wants one in any case, and asks for a token only in the policy replaced above."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        raise AssertionError("a simulated ARM is asked without a token")

    async def close(self) -> None:
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return
