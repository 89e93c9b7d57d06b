"""Everything that is looked at before Moorage starts on a cluster."""

from collections.abc import Sequence

from adapters.kubernetes.objects import KubernetesObjects
from engine.provisioning import Provisioner
from moorage.azure_access import AzureAccess
from moorage.controllers import Controller, NodeApi, definitions_needed, rules
from moorage.preflight import aks, kubernetes
from moorage.preflight.finding import Finding, Level


async def preflight(
    objects: KubernetesObjects,
    azure: AzureAccess | None,
    *,
    controllers: frozenset[Controller],
    node_api: NodeApi,
    provisioner: Provisioner = Provisioner.NODE_CLAIM,
) -> Sequence[Finding]:
    """A cluster that does not answer is not asked any further. ``azure`` is for the node part."""
    return [
        *await _of_kubernetes(objects, controllers, node_api, provisioner),
        *(await _of_azure(azure) if azure is not None else ()),
    ]


async def _of_kubernetes(
    objects: KubernetesObjects,
    controllers: frozenset[Controller],
    node_api: NodeApi,
    provisioner: Provisioner,
) -> Sequence[Finding]:
    api = await kubernetes.api_answers(objects)
    if api.level is not Level.OK:
        return [api]
    needed = definitions_needed(controllers, node_api, provisioner)
    return [
        api,
        *[await kubernetes.definition(objects, name) for name in needed],
        await kubernetes.permissions(objects, rules(controllers, node_api, provisioner)),
        await kubernetes.device_plugin(objects),
        await kubernetes.rivals(objects, controllers),
    ]


async def _of_azure(azure: AzureAccess) -> Sequence[Finding]:
    cluster = await aks.cluster(azure.client, azure.place)
    if cluster.level is Level.MISSING:
        return [cluster]
    return [
        cluster,
        await aks.agent_pools(azure.pools),
        await aks.quota(azure.client, azure.place),
    ]
