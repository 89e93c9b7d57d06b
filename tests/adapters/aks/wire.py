"""What the adapter sends in the course of a node's life, as tables of ``docs/agent-pools.md``.

``python -m tests.adapters.aks.wire`` writes them anew.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.capacity_type import CapacityType
from engine.errors import Unreachable
from engine.nodes.agent_pool import AgentPool, AgentPoolRequest, CloudRefused, PoolState, Taint
from moorage.made_section import with_section
from simulator.azure.cloud import AzureOptions
from simulator.azure.messages import Answer, Request
from simulator.azure.offers import REGIONAL, Offers
from simulator.azure.throttling import Allowance, Allowances
from tests.adapters.aks.simulated_arm import FAST, SimulatedArm, simulated_arm

DOCUMENT = Path(__file__).parents[3] / "docs" / "agent-pools.md"
SECTION = "sent"

SIZE = "Standard_NC24ads_A100_v4"
TOLD_HEADERS = ("if-none-match", "if-match")
REQUEST = AgentPoolRequest(
    name="ws0123abcd4",
    owner="6b1f0c1e-0000-4000-8000-000000000000",
    vm_size=SIZE,
    capacity_type=CapacityType.SPOT,
    disk_gib=200,
    labels={"kaito.sh/workspace": "phi", "karpenter.sh/nodepool": "kaito"},
    taints=(Taint(key="sku", value="gpu"),),
)

Scenario = Callable[[SimulatedArm], Awaitable[None]]


async def until(arm: SimulatedArm, *states: PoolState) -> AgentPool | None:
    """Looks as the live copy does, by lists; None where the pool is gone."""
    async with asyncio.timeout(30):
        while True:
            held = {pool.name: pool for pool in await arm.pools.list()}
            pool = held.get(REQUEST.name)
            if pool is None or pool.state in states:
                return pool
            await asyncio.sleep(0.1)


async def _refused(call: Awaitable[object]) -> None:
    try:
        await call
    except CloudRefused:
        return
    raise AssertionError("it was not refused")


async def create(arm: SimulatedArm) -> None:
    await arm.pools.create(REQUEST)
    await until(arm, PoolState.SUCCEEDED)


async def late_failure(arm: SimulatedArm) -> None:
    await arm.pools.create(REQUEST)
    await until(arm, PoolState.FAILED)


async def quota(arm: SimulatedArm) -> None:
    await _refused(arm.pools.create(REQUEST))


async def name_taken(arm: SimulatedArm) -> None:
    await arm.pools.create(REQUEST)
    await _refused(arm.pools.create(REQUEST))


async def conflict(arm: SimulatedArm) -> None:
    arm.cloud.mishaps.occupy_cluster(60)
    await _refused(arm.pools.create(REQUEST))


async def throttle(arm: SimulatedArm) -> None:
    """The last two are held by the adapter, and never sent."""
    await arm.pools.create(REQUEST)
    for _ in range(3):
        await _refused(arm.pools.create(REQUEST))


async def lost_answer(arm: SimulatedArm) -> None:
    """aiohttp sends once more; the precondition keeps that from harm."""
    arm.door.loses = lambda request: request.method == "PUT" and len(arm.traffic) == 1
    await _refused(arm.pools.create(REQUEST))
    await arm.pools.get(REQUEST.name)


async def answers_lost_twice(arm: SimulatedArm) -> None:
    arm.door.loses = lambda request: request.method == "PUT"
    try:
        await arm.pools.create(REQUEST)
    except Unreachable:
        await arm.pools.get(REQUEST.name)


async def delete(arm: SimulatedArm) -> None:
    await arm.pools.create(REQUEST)
    pool = await until(arm, PoolState.SUCCEEDED)
    assert pool is not None
    await arm.pools.delete(pool)
    await until(arm)
    await arm.pools.delete(pool)


async def delete_stale(arm: SimulatedArm) -> None:
    """The pool has changed since: it was being created then."""
    seen = await arm.pools.create(REQUEST)
    await until(arm, PoolState.SUCCEEDED)
    await _refused(arm.pools.delete(seen))


async def delete_insisting(arm: SimulatedArm) -> None:
    await arm.pools.create(REQUEST)
    pool = await until(arm, PoolState.SUCCEEDED)
    assert pool is not None
    await arm.pools.delete(pool, ignore_disruption_budgets=True)


def options(**changes: Any) -> AzureOptions:
    """Slow enough for every state to be seen."""
    timings = replace(FAST, pool_creation=0.5, allocation_failure=0.5, machine_removal=0.5)
    return AzureOptions(timings=timings, **changes)


SCENARIOS: Sequence[tuple[str, Scenario, AzureOptions]] = (
    ("create", create, options()),
    (
        "late failure: no capacity",
        late_failure,
        options(offers=Offers(capacity={(SIZE, REGIONAL): 0})),
    ),
    ("refused: no quota", quota, options(offers=Offers(spot_vcpus=0))),
    ("name taken", name_taken, options()),
    ("conflict: the cluster is busy", conflict, options()),
    (
        "throttled, and held",
        throttle,
        options(allowances=Allowances(pool_writes=Allowance(1, 1 / 60))),
    ),
    ("answer lost", lost_answer, options()),
    ("answer lost twice", answers_lost_twice, options()),
    ("delete, and again", delete, options()),
    ("delete what has changed", delete_stale, options()),
    ("delete, budgets or not", delete_insisting, options()),
)


async def traffic_of(scenario: Scenario, of: AzureOptions) -> list[tuple[Request, Answer]]:
    """Lists that follow one another and show the same are one."""
    async with simulated_arm(of) as arm:
        await scenario(arm)
        told: list[tuple[Request, Answer]] = []
        for request, answer in arm.traffic:
            if not (told and _row(*told[-1]) == _row(request, answer) and request.method == "GET"):
                told.append((request, answer))
        return told


async def tables() -> str:
    lines = ["| scenario | method | of | headers | body | answer |", "|---|---|---|---|---|---|"]
    body = b""
    for name, scenario, of in SCENARIOS:
        for number, (request, answer) in enumerate(await traffic_of(scenario, of)):
            body = body or request.body
            row = " | ".join(_row(request, answer))
            lines.append(f"| {'' if number else name} | {row} |")
    shown = json.dumps(json.loads(body), indent=2)
    return "\n".join([*lines, "", "The body of a PUT, here for a spot machine:", "", _json(shown)])


def _json(text: str) -> str:
    return f"```json\n{text}\n```"


def _row(request: Request, answer: Answer) -> tuple[str, ...]:
    return (
        request.method,
        _of(request),
        _headers(request),
        "a pool" if request.body else "",
        _answer(answer),
    )


def _of(request: Request) -> str:
    budgets = request.query.get("ignore-pod-disruption-budget")
    name = "/".join(request.path[request.path.index("managedClusters") + 2 :])
    return f"`{name}{f'?ignore-pod-disruption-budget={budgets}' if budgets else ''}`"


def _headers(request: Request) -> str:
    """An etag is Azure's to choose."""
    told = {name: request.headers.get(name, "") for name in TOLD_HEADERS}
    shown = {name: value if value == "*" else '"…"' for name, value in told.items() if value}
    return ", ".join(f"`{name.title()}: {value}`" for name, value in shown.items())


def _answer(answer: Answer) -> str:
    body = json.loads(answer.body or b"{}")
    error = body.get("error", body)
    pools = body.get("value", [body] if "properties" in body else [])
    codes = [error["code"]] if answer.status >= 400 else [_state(pool) for pool in pools]
    retry = answer.headers.get("Retry-After")
    after = [f"Retry-After {retry}"] if retry else []
    return " ".join([str(answer.status), ", ".join(codes), *after]).rstrip()


def _state(pool: dict) -> str:
    properties = pool["properties"]
    error = properties.get("status", {}).get("provisioningError", {})
    return properties["provisioningState"] + (f" ({error['code']})" if error else "")


if __name__ == "__main__":
    current = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(with_section(current, SECTION, asyncio.run(tables())), encoding="utf-8")
