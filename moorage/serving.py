"""Moorage on a real cluster: the parts that were asked for, until they are told to end."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from adapters.kubernetes.claim_reader import KubernetesNodeClaimReader
from adapters.kubernetes.node_pools import NodeClass
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.workspaces import KubernetesWorkspaces
from adapters.triton.canaries import TritonCanaries
from api.server import GrpcServer, ServerOptions
from engine.provisioning import Provisioner
from moorage.azure_access import AzureAccess
from moorage.controllers import Controller, NodeApi
from moorage.dialects import DIALECTS
from moorage.engine_process import run_engine
from moorage.node_engine_process import run_node_engine
from simulator.clock import SystemClock


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSettings:
    """``listen`` is the gRPC API's ``host:port``; port 0 takes a free one."""

    controllers: frozenset[Controller]
    node_api: NodeApi
    listen: str
    provisioner: Provisioner
    node_class: NodeClass = field(default_factory=NodeClass)


async def run_moorage(
    objects: KubernetesObjects,
    azure: AzureAccess | None,
    settings: ServingSettings,
    announce: Callable[[Mapping[str, str]], None],
) -> None:
    """Until cancelled. ``announce`` is told the endpoints once everything runs.

    ``azure`` is there where the node part is. Raises OSError where the port is taken.
    """
    async with AsyncExitStack() as stack:
        endpoints: dict[str, str] = {}
        if Controller.WORKSPACE in settings.controllers:
            endpoints["grpc"] = await _grpc(stack, objects, settings)
        async with asyncio.TaskGroup() as parts:
            for name, engine in _engines(objects, azure, settings):
                parts.create_task(engine, name=name)
            announce(endpoints)


def _engines(
    objects: KubernetesObjects, azure: AzureAccess | None, settings: ServingSettings
) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
    clock, dialect = SystemClock(), DIALECTS[settings.node_api]
    if Controller.WORKSPACE in settings.controllers:
        workspaces = run_engine(
            objects,
            clock=clock,
            canaries=TritonCanaries,
            provisioner=settings.provisioner,
            dialect=dialect,
            node_class=settings.node_class,
        )
        yield "workspaces", workspaces
    if azure is not None:
        nodes = run_node_engine(
            objects, azure.pools, clock=clock, intervals=azure.intervals, dialect=dialect
        )
        yield "nodes", nodes


async def _grpc(
    stack: AsyncExitStack, objects: KubernetesObjects, settings: ServingSettings
) -> str:
    server = GrpcServer(
        KubernetesWorkspaces(objects),
        clock=SystemClock(),
        new_id=lambda: str(uuid4()),
        node_claims=KubernetesNodeClaimReader(objects, DIALECTS[settings.node_api]),
        options=ServerOptions(address=settings.listen),
    )
    address = await server.start()
    stack.push_async_callback(server.stop)
    return address
