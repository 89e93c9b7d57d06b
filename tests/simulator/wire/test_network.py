"""What befalls requests and watches on their way, through the official client."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.kubernetes.client import KubernetesClient
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import SERVICE
from adapters.kubernetes.objects import KubernetesObjects
from engine.errors import Unreachable
from simulator.fate import GoodFortune
from simulator.faults.vocabulary import (
    BookmarksOnly,
    ErrorAfter,
    ErrorBefore,
    Expire,
    Freeze,
    Gap,
    HalfOpen,
    Slow,
    Throttle,
    WebhookDenies,
)
from simulator.history import Call, History, Struck
from simulator.virtual_cluster import VirtualCluster
from simulator.virtual_time.clock import VirtualClock
from simulator.virtual_time.event_loop import run_virtually, virtual_loop
from simulator.virtual_time.process import Process
from simulator.virtual_time.randomness import Randomness
from simulator.virtual_time.schedule import Shuffled
from simulator.wire.network import Network
from simulator.wire.rest_client import api_client

SERVICE_BODY = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "a", "namespace": "default"},
    "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]},
}


class Stage:
    """One client process, "engine-1", and the cluster it talks to."""

    def __init__(self, loop) -> None:
        chance = Randomness(1)
        self.loop = loop
        self.history = History()
        self.cluster = VirtualCluster(
            clock=VirtualClock(loop),
            new_uid=chance.uuids("uids"),
            history=self.history,
            fate=GoodFortune(),
        )
        self.network = Network(self.cluster, chance.stream("latencies"), longest_latency=0.05)
        self.objects = KubernetesObjects(KubernetesClient(api_client(self.network)))
        self.process = Process("engine-1")

    def start(self, work: Any) -> "asyncio.Task[Any]":
        return self.loop.create_task(work, context=self.process.context())

    async def ask(self, work: Any) -> Any:
        return await self.start(work)

    def there(self, name: str = "a") -> bool:
        return self.cluster.api_server.find("Service", name, "default") is not None

    @property
    def calls(self) -> list[Call]:
        return [record for record in self.history.records if isinstance(record, Call)]

    def make(self, name: str) -> None:
        metadata = {**SERVICE_BODY["metadata"], "name": name}
        self.cluster.api_server.create({**SERVICE_BODY, "metadata": metadata})


def played(play: Callable[[Stage], Awaitable[None]]) -> None:
    loop = virtual_loop(Shuffled(Randomness(1).stream("schedule")))

    async def main() -> None:
        await play(Stage(loop))

    run_virtually(main(), loop)


def test_an_error_before_leaves_nothing_done():
    async def play(stage: Stage) -> None:
        stage.network.faults.arm(0, ErrorBefore(status=500))
        with pytest.raises(KubernetesRefusal):
            await stage.ask(stage.objects.create(SERVICE, SERVICE_BODY))
        assert not stage.there()
        assert (stage.calls[0].status, stage.calls[0].carried_out) == (500, 0)

    played(play)


@pytest.mark.parametrize("status", [504, 0])
def test_an_error_after_hides_what_was_done(status):
    async def play(stage: Stage) -> None:
        stage.network.faults.arm(3, ErrorAfter(status=status))
        with pytest.raises((KubernetesRefusal, Unreachable)):
            await stage.ask(stage.objects.create(SERVICE, SERVICE_BODY))
        assert stage.there()
        assert (stage.calls[0].status, stage.calls[0].carried_out) == (status, 201)
        struck = [record for record in stage.history.records if isinstance(record, Struck)]
        assert [(one.element, one.code) for one in struck] == [(3, "EA")]

    played(play)


def test_a_fault_strikes_as_often_as_it_says():
    async def play(stage: Stage) -> None:
        stage.network.faults.arm(0, Throttle(times=2, retry_after=7))
        for _ in range(2):
            with pytest.raises(KubernetesRefusal):
                await stage.ask(stage.objects.create(SERVICE, SERVICE_BODY))
        await stage.ask(stage.objects.create(SERVICE, SERVICE_BODY))
        sent = [call.at for call in stage.calls]
        assert sent[1] - sent[0] >= 7
        assert sent[2] - sent[1] >= 7

    played(play)


def test_an_answer_that_comes_after_the_clients_patience_is_not_heard():
    async def play(stage: Stage) -> None:
        stage.network.faults.arm(0, Slow(seconds=40))
        with pytest.raises(Unreachable):
            await stage.ask(stage.objects.create(SERVICE, SERVICE_BODY))
        assert stage.loop.time() == pytest.approx(30, abs=0.1)
        assert stage.there()

    played(play)


def test_a_webhook_denies_for_its_time():
    async def play(stage: Stage) -> None:
        stage.network.faults.arm(0, WebhookDenies(seconds=60))
        with pytest.raises(KubernetesRefusal):
            await stage.ask(stage.objects.create(SERVICE, SERVICE_BODY))
        await asyncio.sleep(61)
        await stage.ask(stage.objects.create(SERVICE, SERVICE_BODY))

    played(play)


def test_what_a_crashed_client_asked_for_is_carried_out():
    async def play(stage: Stage) -> None:
        stage.start(stage.objects.create(SERVICE, SERVICE_BODY))
        await asyncio.sleep(0.0001)  # it has been sent, and has not arrived
        stage.process.crashed = True
        await asyncio.sleep(1)
        assert stage.there()
        assert stage.calls[0].status == 0

    played(play)


class Watching:
    """Follows Services from the beginning; ``seen`` has their names, ``ended`` how it ended."""

    def __init__(self, stage: Stage) -> None:
        self.seen: list[str] = []
        self.ended: Exception | None = None
        self._stage = stage
        stage.start(self._follow())

    async def _follow(self) -> None:
        since = str(self._stage.cluster.api_server.resource_version)
        try:
            async for event in self._stage.objects.watch(SERVICE, since=since):
                kind = "" if event["type"] != "BOOKMARK" else "bookmark "
                self.seen.append(kind + event["object"]["metadata"].get("name", ""))
        except (KubernetesRefusal, Unreachable) as error:
            self.ended = error


async def followed(stage: Stage) -> Watching:
    watching = Watching(stage)
    await asyncio.sleep(1)
    return watching


def test_frozen_events_come_later_and_in_order():
    async def play(stage: Stage) -> None:
        watching = await followed(stage)
        stage.network.strike_watches(0, Freeze(seconds=60))
        for name in "abcde":
            stage.make(name)
        await asyncio.sleep(50)
        assert watching.seen == []
        await asyncio.sleep(15)
        assert watching.seen[:5] == list("abcde")

    played(play)


def test_while_only_bookmarks_come_no_event_is_lost():
    async def play(stage: Stage) -> None:
        watching = await followed(stage)
        stage.make("a")
        await asyncio.sleep(1)
        stage.network.strike_watches(0, BookmarksOnly(seconds=45))
        stage.make("b")
        await asyncio.sleep(60)
        assert [name for name in watching.seen if not name.startswith("bookmark")] == ["a", "b"]
        assert watching.seen.count("bookmark ") >= 3
        assert watching.seen.index("bookmark ") < watching.seen.index("b")

    played(play)


def test_a_gap_refuses_watches_and_then_has_forgotten_what_was_missed():
    async def play(stage: Stage) -> None:
        watching = await followed(stage)
        before = str(stage.cluster.api_server.resource_version)
        stage.network.strike_watches(0, Gap(seconds=30))
        await asyncio.sleep(1)
        assert isinstance(watching.ended, Unreachable)
        refused = await followed(stage)
        assert refused.ended.code == 503
        stage.make("a")
        await asyncio.sleep(30)
        with pytest.raises(KubernetesRefusal) as expired:
            await stage.ask(first(stage.objects.watch(SERVICE, since=before)))
        assert expired.value.expired

    played(play)


async def first(events) -> Any:
    async for event in events:
        return event
    return None


def test_an_expired_watch_is_told_so():
    async def play(stage: Stage) -> None:
        watching = await followed(stage)
        stage.network.strike_watches(0, Expire())
        await asyncio.sleep(1)
        assert watching.ended.expired

    played(play)


def test_a_half_open_watch_is_given_up_by_the_client():
    async def play(stage: Stage) -> None:
        watching = await followed(stage)
        stage.network.strike_watches(0, HalfOpen())
        stage.make("a")
        await asyncio.sleep(260)
        assert (watching.seen, watching.ended) == ([], None)
        await asyncio.sleep(15)
        assert isinstance(watching.ended, Unreachable)

    played(play)


def test_faults_of_one_process_leave_the_others_alone():
    async def play(stage: Stage) -> None:
        watching = await followed(stage)
        stage.network.strike_watches(0, Freeze(process="api", seconds=60))
        stage.make("a")
        await asyncio.sleep(1)
        assert watching.seen == ["a"]

    played(play)
