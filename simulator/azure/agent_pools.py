"""Agent pools over HTTP: what AKS answers to GET, LIST, PUT, DELETE and abort."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from simulator.azure.failures import (
    Object,
    Refused,
    bad_request,
    no_machine,
    no_pool,
    no_such_path,
    precondition_failed,
    too_many_pools,
)
from simulator.azure.machines import Machines
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.messages import Answer, Request, json_answer
from simulator.azure.offers import Market, quota_refusal, size_refusal, usage
from simulator.azure.pool_operations import PoolOperations
from simulator.azure.pool_rules import MOST_POOLS, check_request, check_unchanged, filled_in
from simulator.azure.records import Pool, State, after
from simulator.azure.state import AzureState
from simulator.azure.views import machine_view, pool_view
from simulator.clock import Clock

_OPERATIONS_VERSION = "2016-03-30"


@dataclass(frozen=True, slots=True)
class Frozen:
    """What lists show until an instant: now and then Azure's lag behind."""

    pools: list[Pool]
    until: datetime


class AgentPools:
    def __init__(
        self,
        *,
        state: AzureState,
        clock: Clock,
        cluster: ManagedCluster,
        market: Market,
        operations: PoolOperations,
        machines: Machines,
        page_size: int,
    ) -> None:
        """Lists have ``page_size`` pools a page."""
        self._state = state
        self._clock = clock
        self._cluster = cluster
        self._market = market
        self._operations = operations
        self._machines = machines
        self._page_size = page_size
        self._frozen: Frozen | None = None

    def answer(self, request: Request, path: Sequence[str]) -> Answer:
        """``path`` is what follows ``agentPools``; raises Refused."""
        match [request.method, *path]:
            case ["GET", *_]:
                return json_answer(self._read(request, path))
            case ["PUT", name]:
                return self._put(request, name)
            case ["DELETE", name]:
                return self._delete(request, name)
            case ["POST", name, "abort"]:
                return self._accepted(request, self._operations.abort(self._pool(name)))
        raise Refused(no_such_path("/".join(request.path)))

    def _read(self, request: Request, path: Sequence[str]) -> Object:
        match path:
            case []:
                return self._list(request)
            case [name]:
                return pool_view(self._cluster, self._pool(name))
            case [name, "machines"]:
                return {"value": self._machine_views(name)}
            case [name, "machines", machine]:
                return self._machine(name, machine)
        raise Refused(no_such_path("/".join(request.path)))

    def _pool(self, name: str) -> Pool:
        pool = self._state.pools.get(name)
        if pool is None:
            raise Refused(no_pool(name))
        return pool

    def _list(self, request: Request) -> Object:
        """A page that is full names a next one, though that may be empty."""
        skipped = request.query.get("$skiptoken", "0")
        first = int(skipped) if skipped.isdigit() else 0
        page = self._listed()[first : first + self._page_size]
        view: Object = {"value": [pool_view(self._cluster, pool) for pool in page]}
        if len(page) == self._page_size:
            query = f"api-version={request.query['api-version']}&%24skiptoken={first + len(page)}"
            view["nextLink"] = f"{request.base_url}{self._cluster.id}/agentPools?{query}"
        return view

    def _listed(self) -> list[Pool]:
        frozen = self._frozen
        if frozen is not None and self._clock.now() < frozen.until:
            return frozen.pools
        return self._state.pools.all()

    def freeze_lists(self, seconds: float) -> None:
        """For so long, lists show what there is now."""
        self._frozen = Frozen(self._state.pools.all(), after(self._clock.now(), seconds))

    def _machine_views(self, pool: str) -> list[Object]:
        machines = self._state.machines_of(self._pool(pool).name)
        return [machine_view(self._cluster, one) for one in machines if one.exists]

    def _machine(self, pool: str, name: str) -> Object:
        for view in self._machine_views(pool):
            if view["name"] == name:
                return view
        raise Refused(no_machine(name))

    # Writing.

    def _put(self, request: Request, name: str) -> Answer:
        asked = request.json().get("properties") or {}
        pool = self._state.pools.get(name)
        _check_preconditions(request, pool)
        check_request(name, asked)
        if pool is None:
            self._operations.check_cluster_idle()
            begun, status = self._create(name, asked), 201
        else:
            self._operations.check_idle(pool)
            self._operations.check_cluster_idle()
            begun, status = self._change(pool, asked), 200
        links = {"Azure-AsyncOperation": self._operation_url(request, begun, "operations")}
        return json_answer(pool_view(self._cluster, begun), status, **links)

    def _create(self, name: str, asked: Object) -> Pool:
        if len(self._state.pools.all()) >= MOST_POOLS:
            raise Refused(too_many_pools(MOST_POOLS))
        properties = filled_in(asked)
        self._check_available(properties, int(properties["count"]))
        return self._operations.create(name, properties)

    def _change(self, pool: Pool, asked: Object) -> Pool:
        check_unchanged(pool.properties, asked)
        properties = filled_in(asked, pool.properties)
        self._check_available(properties, int(properties["count"]) - pool.count)
        changed = self._operations.change(pool, properties)
        self._machines.relabel(pool, changed)
        return changed

    def _check_available(self, properties: Object, more: int) -> None:
        """Raises Refused where so many more machines cannot be asked for."""
        offers, region = self._market.offers, self._cluster.region
        zones = properties.get("availabilityZones") or ()
        today = self._clock.now().date()
        refusal = size_refusal(offers, properties["vmSize"], zones, region, today)
        if refusal is None:
            used = usage(self._state.pools.all())
            refusal = quota_refusal(offers, used, properties, more, region)
        if refusal is not None:
            raise Refused(refusal)

    def _delete(self, request: Request, name: str) -> Answer:
        pool = self._state.pools.get(name)
        if pool is None:
            return Answer(204)
        _check_preconditions(request, pool)
        if pool.state is not State.CREATING:
            self._operations.check_idle(pool)
        self._operations.check_cluster_idle()
        ignores = request.query.get("ignore-pod-disruption-budget", "").lower() == "true"
        return self._accepted(request, self._operations.delete(pool, honours_budgets=not ignores))

    def _accepted(self, request: Request, pool: Pool) -> Answer:
        links = {
            "Azure-AsyncOperation": self._operation_url(request, pool, "operations"),
            "Location": self._operation_url(request, pool, "operationresults"),
        }
        return Answer(202, links)

    def _operation_url(self, request: Request, pool: Pool, kind: str) -> str:
        """Azure signs these links; nobody but Azure can make one."""
        sign = hashlib.sha256(pool.operation.encode()).hexdigest()
        ticks = int(self._clock.now().timestamp() * 10**7)
        query = f"api-version={_OPERATIONS_VERSION}&t={ticks}&c=MII&s={sign}&h={sign[:43]}"
        return f"{request.base_url}{self._cluster.provider}/{kind}/{pool.operation}?{query}"


def _check_preconditions(request: Request, pool: Pool | None) -> None:
    """Raises Refused 412 where the pool is not as the caller saw it, 400 where both are given."""
    wanted = request.headers.get("if-match", "").strip('"')
    unwanted = request.headers.get("if-none-match", "").strip('"')
    if wanted and unwanted:
        raise Refused(bad_request("If-Match and If-None-Match exclude one another."))
    if unwanted and pool is not None and unwanted in ("*", pool.etag):
        raise Refused(precondition_failed(f"Agent pool {pool.name} exists."))
    if wanted and (pool is None or wanted not in ("*", pool.etag)):
        raise Refused(precondition_failed("The agent pool is not what it was."))
