"""The network between client processes and the API server: requests take time, and go wrong.

A request is carried out by the server whatever becomes of its client meanwhile, and the answer
finds the client or does not: as between machines.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import cast

import aiohttp

from simulator.faults.vocabulary import (
    BookmarksOnly,
    Conflicting,
    ErrorAfter,
    ErrorBefore,
    Expire,
    Freeze,
    Gap,
    HalfOpen,
    Slow,
)
from simulator.history import Call, Struck
from simulator.kubernetes.http_messages import Response, error_response
from simulator.kubernetes.http_requests import ConnectionLost
from simulator.kubernetes.json_values import decode
from simulator.kubernetes.status import ApiError
from simulator.kubernetes.watch_cache import WatchCache
from simulator.virtual_cluster import VirtualCluster
from simulator.virtual_time.process import Process, current_process
from simulator.wire.at_once import at_once
from simulator.wire.request_faults import BROKEN, RequestFaults, Strike, refusal, replaced_answer
from simulator.wire.sent import Sent, sent
from simulator.wire.watch_pipe import WatchPipe

WatchFault = Freeze | Gap | Expire | HalfOpen | BookmarksOnly
FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Outage:
    """Watches of a process and kind that are held back or refused, until an instant."""

    fault: Freeze | Gap | BookmarksOnly
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request under way, and where its answer is waited for."""

    request: Sent
    client: Process
    sent_at: float
    strike: Strike | None
    answer: "asyncio.Future[Response]"


@dataclass(slots=True, kw_only=True)
class Listeners:
    """Told of each request as it is sent, and once the server has carried it out."""

    sent: Callable[[Sent], None] = lambda _: None
    carried_out: Callable[[Sent], None] = lambda _: None


class Network:
    """Between any number of client processes and one cluster.

    ``conflict`` changes the object of a request just before it arrives.
    """

    def __init__(self, cluster: VirtualCluster, chance: Random, *, longest_latency: float) -> None:
        """A request, and its answer, are under way for up to ``longest_latency`` seconds each."""
        self._api_server = cluster.api_server
        self._server = cluster.process.context()
        self._history = cluster.history
        self._author = cluster.author
        self._chance = chance.random
        self._longest = longest_latency
        self._loop = asyncio.get_running_loop()
        self._pipes: dict[WatchPipe, asyncio.Task[None]] = {}
        self._outages: list[Outage] = []
        self._caches: dict[str, WatchCache] = {}
        self.faults = RequestFaults(cluster.history, self._loop.time)
        self.listeners = Listeners()
        self.conflict: Callable[[Sent, Conflicting], None] = lambda *_: None

    def latency(self) -> float:
        """Of one way, in seconds."""
        return self._chance() * self._longest

    async def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        """The answer; the body of a watch is its WatchPipe. Raises aiohttp.ClientError."""
        client = cast("Process", current_process())
        exchange = self._exchange(client, method, target, headers, body)
        self._loop.call_later(
            self.latency(), self._arrive, exchange, headers, body, context=self._server
        )
        return await exchange.answer

    async def serve(
        self,
        client: Process,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Response:
        """The same for a request that has come by another way; runs on the server's side.

        Raises ConnectionLost where the client is to hear nothing.
        """
        exchange = self._exchange(client, method, target, headers, body)
        self._arrive(exchange, headers, body)
        try:
            return await exchange.answer
        except aiohttp.ServerDisconnectedError:
            raise ConnectionLost from None

    def _exchange(
        self,
        client: Process,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Exchange:
        asked = sent(client.name, method, target, headers.get("Content-Type", ""), body)
        self.listeners.sent(asked)
        return Exchange(
            request=asked,
            client=client,
            sent_at=self._loop.time(),
            strike=self.meet(asked),
            answer=self._loop.create_future(),
        )

    def meet(self, asked: Sent) -> Strike | None:
        """The fault that strikes a request as it is sent, if any does."""
        strike = self.faults.meet(asked)
        if strike is not None:
            words = f"{asked.actor} {asked.verb} {asked.kind} {asked.name}".rstrip()
            self._struck(strike.element, strike.fault.code, words)
        return strike

    def _struck(self, element: int, code: str, target: str) -> None:
        self._history.add(Struck(at=self._loop.time(), element=element, code=code, target=target))

    def _arrive(self, exchange: Exchange, headers: Mapping[str, str], body: bytes) -> None:
        fault = exchange.strike.fault if exchange.strike else None
        refused = None if fault is None else refusal(fault, exchange.request)
        if isinstance(fault, ErrorBefore) and fault.status == BROKEN:
            self._send_back(exchange, None, carried_out=0)
        elif refused is not None:
            self._send_back(exchange, refused, carried_out=0)
        elif exchange.request.verb == "watch" and (why := self._watch_refused(exchange)):
            self._send_back(exchange, error_response(why), carried_out=why.code)
        else:
            if isinstance(fault, Conflicting):
                self.conflict(exchange.request, fault)
            self._carry_out(exchange, headers, body)

    def _carry_out(self, exchange: Exchange, headers: Mapping[str, str], body: bytes) -> None:
        request = exchange.request
        with self._author.writes_as(request.actor):
            answering = self._api_server.handle(
                request.method, request.target, headers, body, cache=self._cache(exchange.client)
            )
            response = at_once(answering)
        self.listeners.carried_out(request)
        if not isinstance(response.body, bytes):
            response.body = self._pipe(exchange, response.body)
        told: Response | None = response
        fault = exchange.strike.fault if exchange.strike else None
        if isinstance(fault, ErrorAfter):
            told = replaced_answer(fault)
        self._send_back(exchange, told, carried_out=response.status)

    def _send_back(
        self, exchange: Exchange, response: Response | None, *, carried_out: int
    ) -> None:
        fault = exchange.strike.fault if exchange.strike else None
        delay = self.latency() + (fault.seconds if isinstance(fault, Slow) else 0.0)
        revision = self._api_server.resource_version
        self._loop.call_later(
            delay, self._deliver, exchange, response, carried_out, revision, context=self._server
        )

    def _deliver(
        self, exchange: Exchange, response: Response | None, carried_out: int, revision: int
    ) -> None:
        heard = not (exchange.answer.done() or exchange.client.crashed)
        self._record(exchange, response if heard else None, carried_out, revision)
        if not heard:
            return
        if response is None:
            exchange.answer.set_exception(aiohttp.ServerDisconnectedError())
        else:
            exchange.answer.set_result(response)

    def _record(
        self, exchange: Exchange, response: Response | None, carried_out: int, revision: int
    ) -> None:
        request = exchange.request
        self._history.add(
            Call(
                at=exchange.sent_at,
                until=self._loop.time(),
                actor=request.actor,
                verb=request.verb,
                kind=request.kind,
                namespace=request.namespace,
                name=request.name,
                subresource=request.subresource,
                target=request.target,
                body=request.body,
                status=response.status if response else 0,
                reason=_reason(response),
                carried_out=carried_out,
                revision=revision,
                retry_after=int(response.headers.get("Retry-After", 0)) if response else 0,
            )
        )

    # What clients are shown of the past.

    def _cache(self, client: Process) -> WatchCache | None:
        return next(
            (cache for role, cache in self._caches.items() if client.name.startswith(role)), None
        )

    def fall_behind(self, role: str, version: int, seconds: float) -> None:
        """The API server that processes of this role read from lags, for so long."""
        cache = self._caches.setdefault(role, WatchCache())
        cache.fall_behind(version)
        self._loop.call_later(seconds, cache.catch_up, context=self._server)

    # Watches.

    def _pipe(self, exchange: Exchange, chunks: AsyncIterator[bytes]) -> WatchPipe:
        kind = exchange.request.kind
        pipe = WatchPipe(exchange.client, kind, latency=self.latency, on_close=self._leave)
        self._pipes[pipe] = self._loop.create_task(
            self._pump(chunks, pipe), name=f"serve watch of {kind}"
        )
        for outage in self._present(exchange.client.name, kind):
            self._hold_back(pipe, outage.fault, outage.until - self._loop.time())
        return pipe

    async def _pump(self, chunks: AsyncIterator[bytes], pipe: WatchPipe) -> None:
        async for chunk in chunks:
            pipe.send(chunk)
        pipe.send(b"")

    def _leave(self, pipe: WatchPipe) -> None:
        task = self._pipes.pop(pipe, None)
        if task is not None:
            task.cancel()

    def _watch_refused(self, exchange: Exchange) -> ApiError | None:
        outages = self._present(exchange.client.name, exchange.request.kind)
        if any(isinstance(outage.fault, Gap) for outage in outages):
            return ApiError(503, "ServiceUnavailable", "injected: no watches for now")
        return None

    def _present(self, client: str, kind: str) -> list[Outage]:
        now = self._loop.time()
        self._outages = [outage for outage in self._outages if outage.until > now]
        return [one for one in self._outages if _concerns(one.fault, client, kind)]

    def strike_watches(self, element: int, fault: WatchFault) -> None:
        """The watches of the fault's process and kind, and those begun while it lasts."""
        pipes = [pipe for pipe in self._pipes if _concerns(fault, pipe.client.name, pipe.kind)]
        self._struck(element, fault.code, f"{len(pipes)} watches of {fault.process} {fault.kind}")
        if isinstance(fault, Freeze | Gap | BookmarksOnly):
            self._outages.append(Outage(fault, self._loop.time() + fault.seconds))
        if isinstance(fault, Gap):
            self._loop.call_later(fault.seconds, self._api_server.compact, context=self._server)
        for pipe in pipes:
            self._strike_pipe(pipe, fault)

    def _strike_pipe(self, pipe: WatchPipe, fault: WatchFault) -> None:
        match fault:
            case Freeze() | BookmarksOnly():
                self._hold_back(pipe, fault, fault.seconds)
            case Gap():
                pipe.break_off()
            case Expire():
                pipe.expire()
            case HalfOpen():
                pipe.half_open()

    @staticmethod
    def _hold_back(pipe: WatchPipe, fault: Freeze | Gap | BookmarksOnly, seconds: float) -> None:
        if isinstance(fault, BookmarksOnly):
            pipe.bookmarks_only(seconds)
        else:
            pipe.hold_back(seconds)

    def heal(self) -> None:
        """From here on nothing goes wrong; half-open watches are noticed by their clients."""
        self.faults.disarm_all()
        self._outages.clear()
        for cache in self._caches.values():
            cache.catch_up()
        for pipe in self._pipes:
            pipe.heal()

    def forget(self, client: Process) -> None:
        """The server notices that a client process is gone."""
        for pipe in [pipe for pipe in self._pipes if pipe.client is client]:
            pipe.close()


def _concerns(fault: WatchFault, client: str, kind: str) -> bool:
    return client.startswith(fault.process) and fault.kind in ("", kind)


def _reason(response: Response | None) -> str:
    if response is None or response.status < FIRST_ERROR or not isinstance(response.body, bytes):
        return ""
    return str(decode(response.body).get("reason", ""))
