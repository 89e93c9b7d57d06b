"""The agent pools of a cluster, in memory: they keep the contract of ``AgentPools``."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from engine.errors import Unreachable
from engine.nodes.agent_pool import AgentPool, AgentPoolRequest, CloudError, CloudRefused, PoolState

CHANGED = CloudRefused(CloudError(status=412, code="PreconditionFailed", message="it changed"))


@dataclass
class KeptPools:
    """``unlisted`` are those that lists do not show yet. ``failure`` is raised by every call;
    ``answer_lost`` lets the next creation count, and its answer not come."""

    held: dict[str, AgentPool] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    failure: CloudRefused | Unreachable | None = None
    answer_lost: bool = False
    asked: list[str] = field(default_factory=list)
    etags: count = field(default_factory=lambda: count(1))

    def put(self, pool: AgentPool) -> AgentPool:
        self.held[pool.name] = replace(pool, etag=str(next(self.etags)))
        return self.held[pool.name]

    async def get(self, name: str) -> AgentPool | None:
        self._ask(f"get {name}")
        return self.held.get(name)

    async def list(self) -> Sequence[AgentPool]:
        self._ask("list")
        return [pool for name, pool in self.held.items() if name not in self.unlisted]

    async def create(self, request: AgentPoolRequest) -> AgentPool:
        self._ask(f"create {request.name}")
        if request.name in self.held:
            raise CHANGED
        state = PoolState.CREATING
        made = AgentPool(name=request.name, state=state, told=state.value, owner=request.owner)
        self.put(replace(made, vm_size=request.vm_size))
        if self.answer_lost:
            self.answer_lost = False
            raise Unreachable("the connection was lost")
        return self.held[request.name]

    async def abort(self, pool: AgentPool) -> None:
        self._ask(f"abort {pool.name}")

    async def delete(self, pool: AgentPool, *, ignore_disruption_budgets: bool = False) -> None:
        self._ask(f"delete {pool.name}{' ignoring budgets' if ignore_disruption_budgets else ''}")
        held = self.held.get(pool.name)
        if held is None or held.state is PoolState.DELETING:
            return
        if held.etag != pool.etag:
            raise CHANGED
        self.put(replace(held, state=PoolState.DELETING, told="Deleting"))

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.failure is not None:
            raise self.failure
