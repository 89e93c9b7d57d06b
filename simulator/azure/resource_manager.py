"""Azure Resource Manager as the SDK sees it on the wire: agent pools of one cluster, and around it.

Nothing here waits: a request is carried out between two ``await``s or not at all.
"""

from collections.abc import Sequence
from enum import StrEnum

from simulator.azure.agent_pools import AgentPools
from simulator.azure.failures import (
    Object,
    Refusal,
    Refused,
    no_api_version,
    no_cluster,
    no_operation,
    no_resource_group,
    no_subscription,
    no_such_path,
    not_authenticated,
)
from simulator.azure.fate import Fate
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.messages import Answer, Request, json_answer, refusal_answer
from simulator.azure.offers import Market, usage
from simulator.azure.pool_operations import PoolOperations
from simulator.azure.records import Operation, Status
from simulator.azure.state import AzureState
from simulator.azure.throttling import Allowances, Throttle
from simulator.azure.views import cluster_view, operation_view, skus_view, usages_view
from simulator.clock import Clock


class RP(StrEnum):
    """Resource providers, as Azure calls them, in lower case."""

    AKS = "microsoft.containerservice"
    COMPUTE = "microsoft.compute"


class ResourceManager:
    def __init__(
        self,
        *,
        state: AzureState,
        clock: Clock,
        cluster: ManagedCluster,
        market: Market,
        pools: AgentPools,
        operations: PoolOperations,
        fate: Fate,
        allowances: Allowances,
    ) -> None:
        self._state = state
        self._clock = clock
        self._cluster = cluster
        self._market = market
        self._pools = pools
        self._operations = operations
        self._fate = fate
        self._allowances = allowances
        self._throttle = Throttle(clock, cluster.subscription)

    def answer(self, request: Request) -> Answer:
        try:
            self._check_admitted(request)
            with self._state.saving():
                return self._route(request)
        except Refused as error:
            return refusal_answer(error.refusal)

    def _check_admitted(self, request: Request) -> None:
        """What is looked at before the resource: who asks, and whether fate allows it."""
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise Refused(not_authenticated())
        if "api-version" not in request.query:
            raise Refused(no_api_version())
        refusal = self._fate.of_request(request)
        if refusal is not None:
            raise Refused(refusal)

    def _route(self, request: Request) -> Answer:
        """ARM takes its own words in any case."""
        match [part.lower() for part in request.path]:
            case ["subscriptions", subscription, *rest]:
                self._check(subscription, self._cluster.subscription, no_subscription(subscription))
            case _:
                raise Refused(no_such_path("/".join(request.path)))
        match rest:
            case [
                "resourcegroups",
                group,
                "providers",
                RP.AKS,
                "managedclusters",
                name,
                *below,
            ]:
                self._check(group, self._cluster.resource_group, no_resource_group(group))
                self._check(name, self._cluster.name, no_cluster(name, group))
                return self._of_cluster(request, below)
            case ["providers", RP.AKS, "locations", _, kind, identity]:
                return self._of_operation(request, kind, identity)
            case ["providers", RP.COMPUTE, *below]:
                return self._of_compute(request, below)
        raise Refused(no_such_path("/".join(request.path)))

    @staticmethod
    def _check(asked: str, there_is: str, refusal: Refusal) -> None:
        if asked != there_is.lower():
            raise Refused(refusal)

    def _of_cluster(self, request: Request, below: Sequence[str]) -> Answer:
        throttle, allowed = self._throttle, self._allowances
        if not below and request.method == "GET":
            throttle.admit("GetManagedClusterHandler.GET", "", allowed.cluster_reads)
            pools = self._state.pools.all()
            return json_answer(cluster_view(self._cluster, self._state.cluster, pools))
        if not below or below[0] != "agentpools":
            raise Refused(no_such_path("/".join(request.path)))
        if request.method == "PUT":
            name = below[1] if len(below) > 1 else ""
            throttle.admit("PutAgentPoolHandler.PUT", name, allowed.pool_writes)
        else:
            throttle.admit("AgentPoolHandler", "", allowed.all_else)
        return self._pools.answer(request, request.path[len(request.path) - len(below) + 1 :])

    # Operations.

    def _of_operation(self, request: Request, kind: str, identity: str) -> Answer:
        self._throttle.admit("GetOperationStatus.GET", "", self._allowances.operation_reads)
        operation = self._state.operations.get(identity)
        if operation is None or not self._operations.remembers(operation):
            raise Refused(no_operation(identity))
        match kind:
            case "operations":
                return json_answer(operation_view(operation))
            case "operationresults":
                return _result(request, operation)
        raise Refused(no_such_path("/".join(request.path)))

    # Compute.

    def _of_compute(self, request: Request, below: Sequence[str]) -> Answer:
        self._throttle.admit("Compute.GET", "", self._allowances.all_else)
        offers, region = self._market.offers, self._cluster.region
        sizes = offers.sizes(self._clock.now().date())
        view: Object
        match [request.method, *below]:
            case ["GET", "locations", where, "usages"] if where == region:
                view = usages_view(offers, usage(self._state.pools.all()), sizes)
            case ["GET", "skus"]:
                view = skus_view(region, offers, sizes)
            case _:
                raise Refused(no_such_path("/".join(request.path)))
        return json_answer(view)


def _result(request: Request, operation: Operation) -> Answer:
    """What ``Location`` leads to: nothing to see, until there is nothing left to wait for."""
    if operation.status is not Status.IN_PROGRESS:
        return Answer(204)
    path = "/" + "/".join(request.path)
    query = f"api-version={request.query['api-version']}"
    return Answer(202, {"Location": f"{request.base_url}{path}?{query}"})
