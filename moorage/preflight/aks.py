"""Whether Azure lets us at the cluster, and what GPUs the region's quota has left."""

from collections.abc import Sequence

from azure.mgmt.containerservice.aio import ContainerServiceClient

from adapters.aks.client import ManagedCluster
from adapters.aks.survey import Quota, cluster_state, gpu_quotas
from engine.errors import Unreachable
from engine.nodes.agent_pool import AgentPools, CloudRefused
from moorage.preflight.finding import Finding, missing, ok, warning

MOST_POOLS = 100
"""AKS's limit for a cluster."""

_REMEDIES = {
    401: "give the process an Azure identity: docs/serve.md has how",
    403: "grant the identity the roles that docs/serve.md names",
    404: "check --subscription, --resource-group and --cluster",
}
_UNREACHABLE = "check the network, and --arm-endpoint where one is given"


async def cluster(client: ContainerServiceClient, place: ManagedCluster) -> Finding:
    """An identity may be allowed to see no more than the pools, and work well."""
    check = f"AKS cluster {place.name}"
    try:
        state = await cluster_state(client, place)
    except (CloudRefused, Unreachable) as error:
        level = warning if _forbidden(error) else missing
        return level(check, str(error), _remedy(error))
    if state.location.lower() != place.location.lower():
        return missing(check, f"is in {state.location}", f"--location={state.location}")
    if state.stopped:
        return missing(
            check, "is stopped", f"az aks start -n {place.name} -g {place.resource_group}"
        )
    return ok(check, f"{state.provisioning} in {state.location}")


async def agent_pools(pools: AgentPools) -> Finding:
    check = "agent pools"
    try:
        held = len(await pools.list())
    except (CloudRefused, Unreachable) as error:
        return missing(check, str(error), _remedy(error))
    found = f"{held} of {MOST_POOLS}"
    if held >= MOST_POOLS:
        return warning(check, found, "delete pools that are not needed: each node takes one")
    return ok(check, found)


async def quota(client: ContainerServiceClient, place: ManagedCluster) -> Finding:
    check = f"GPU quota in {place.location}"
    try:
        quotas = await gpu_quotas(client, place)
    except (CloudRefused, Unreachable) as error:
        return warning(check, str(error), "let the identity read the subscription's usages")
    granted = [it for it in quotas if it.limit]
    if not granted:
        return warning(check, "no family has any", "ask for quota in the Azure portal")
    return ok(check, "; ".join(_told(granted)))


def _told(quotas: Sequence[Quota]) -> list[str]:
    return [f"{it.family} {it.used} of {it.limit} vCPUs" for it in quotas]


def _forbidden(error: CloudRefused | Unreachable) -> bool:
    return isinstance(error, CloudRefused) and error.error.status == 403  # noqa: PLR2004 - HTTP's


def _remedy(error: CloudRefused | Unreachable) -> str:
    if isinstance(error, Unreachable):
        return _UNREACHABLE
    return _REMEDIES.get(error.error.status, "see what Azure says")
