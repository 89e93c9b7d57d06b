"""The network between client processes and the simulated Azure: the same one, with the same faults.

A request to ARM is met by the faults that are armed for requests to the Kubernetes API; its kind is
AgentPool, and its verbs are those that Kubernetes would have for the same.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import cast

import aiohttp

from simulator.azure.failures import Refusal, pool_is_busy, server_error, throttled
from simulator.azure.messages import Answer, Handle, Request, refusal_answer
from simulator.faults.vocabulary import ErrorAfter, ErrorBefore, Slow, Throttle
from simulator.history import Call
from simulator.virtual_cluster import VirtualCluster
from simulator.virtual_time.process import Process, current_process
from simulator.wire.at_once import at_once
from simulator.wire.network import Network
from simulator.wire.request_faults import BROKEN, Strike
from simulator.wire.sent import AGENT_POOL, Sent

_VERBS = {"PUT": "create", "DELETE": "delete", "GET": "get"}
_CONFLICT = 409
_TOO_MANY = 429
_POOLS = "agentPools"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmExchange:
    """A request under way, and where its answer is waited for."""

    request: Request
    sent: Sent
    client: Process
    sent_at: float
    strike: Strike | None
    answer: "asyncio.Future[Answer]"


class ArmWire:
    """``carry`` is a ``simulator.azure.transport.Carry``."""

    def __init__(self, cluster: VirtualCluster, network: Network) -> None:
        self._network = network
        self._history = cluster.history
        self._author = cluster.author
        self._api_server = cluster.api_server
        self._server = cluster.process.context()
        self._loop = asyncio.get_running_loop()

    async def carry(self, request: Request, handle: Handle) -> Answer:
        """Raises aiohttp.ClientError."""
        client = cast("Process", current_process())
        asked = _sent(client.name, request)
        self._network.listeners.sent(asked)
        exchange = ArmExchange(
            request=request,
            sent=asked,
            client=client,
            sent_at=self._loop.time(),
            strike=self._network.meet(asked),
            answer=self._loop.create_future(),
        )
        delay = self._network.latency()
        self._loop.call_later(delay, self._arrive, exchange, handle, context=self._server)
        return await exchange.answer

    def _arrive(self, exchange: ArmExchange, handle: Handle) -> None:
        fault = exchange.strike.fault if exchange.strike else None
        refusal = None if fault is None else _refusal(fault, exchange.sent)
        if isinstance(fault, ErrorBefore) and fault.status == BROKEN:
            self._send_back(exchange, None, carried_out=0)
        elif refusal is not None:
            self._send_back(exchange, refusal_answer(refusal), carried_out=0)
        else:
            with self._author.writes_as(exchange.sent.actor):
                answer = at_once(handle(exchange.request))
            self._network.listeners.carried_out(exchange.sent)
            self._send_back(exchange, _told(fault, answer), carried_out=answer.status)

    def _send_back(self, exchange: ArmExchange, answer: Answer | None, *, carried_out: int) -> None:
        fault = exchange.strike.fault if exchange.strike else None
        delay = self._network.latency() + (fault.seconds if isinstance(fault, Slow) else 0.0)
        self._loop.call_later(
            delay, self._deliver, exchange, answer, carried_out, context=self._server
        )

    def _deliver(self, exchange: ArmExchange, answer: Answer | None, carried_out: int) -> None:
        heard = not (exchange.answer.done() or exchange.client.crashed)
        self._record(exchange, answer if heard else None, carried_out)
        if not heard:
            return
        if answer is None:
            exchange.answer.set_exception(aiohttp.ServerDisconnectedError())
        else:
            exchange.answer.set_result(answer)

    def _record(self, exchange: ArmExchange, answer: Answer | None, carried_out: int) -> None:
        asked = exchange.sent
        self._history.add(
            Call(
                at=exchange.sent_at,
                until=self._loop.time(),
                actor=asked.actor,
                verb=asked.verb,
                kind=asked.kind,
                namespace="",
                name=asked.name,
                subresource=asked.subresource,
                target=asked.target,
                body=asked.body,
                status=answer.status if answer else 0,
                reason="",
                carried_out=carried_out,
                revision=self._api_server.resource_version,
                retry_after=int(answer.headers.get("Retry-After", 0)) if answer else 0,
            )
        )


def _sent(actor: str, request: Request) -> Sent:
    """Whatever is no agent pool, such as the cluster itself, has no name."""
    path = request.path
    place = path.index(_POOLS) + 1 if _POOLS in path else len(path)
    name, subresource, *_ = [*path[place:], "", ""]
    verb = _VERBS.get(request.method, request.method.lower())
    return Sent(
        actor=actor,
        method=request.method,
        verb="list" if verb == "get" and not name else verb,
        kind=AGENT_POOL,
        namespace="",
        name=name,
        subresource=subresource,
        target="/" + "/".join(path),
        body=json.loads(request.body) if request.body else None,
    )


def _refusal(fault: object, asked: Sent) -> Refusal | None:
    """The answer to a request that is not carried out; None where it is."""
    match fault:
        case ErrorBefore():
            return None if fault.status == BROKEN else _error(fault.status, asked)
        case Throttle():
            return throttled("AgentPoolHandler", "simulated", fault.retry_after)
    return None


def _told(fault: object, answer: Answer) -> Answer | None:
    """What the client is told; None where it is told nothing."""
    if not isinstance(fault, ErrorAfter):
        return answer
    return None if fault.status == BROKEN else refusal_answer(server_error())


def _error(status: int, asked: Sent) -> Refusal:
    if status == _CONFLICT:
        return pool_is_busy(asked.name, "Updating")
    if status == _TOO_MANY:
        return throttled("AgentPoolHandler", "simulated", 1)
    return server_error(status)
