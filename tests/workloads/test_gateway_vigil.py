"""Who waits for a process that has died is told so, instead of waiting for ever."""

import asyncio
import json

import aiohttp
import pytest

from tests.served_model import PRESET
from tests.workloads.conftest import running_gateway
from workloads.gateway.generation import TimedOut, Unavailable
from workloads.gateway.vigil import Call, Vigil


class Process:
    """Says its names in turn, the last again and again."""

    def __init__(self, *told: str | Exception) -> None:
        self.told = list(told)
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        told = self.told.pop(0) if len(self.told) > 1 else self.told[0]
        if isinstance(told, Exception):
            raise told
        return told


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.001)


async def watched(process: Process, *, rounds: int) -> Call:
    """A call that is watched over until the process was asked so often."""
    vigil, call = Vigil(process, period_seconds=0.001), Call()
    with vigil.over(call):
        await until(lambda: process.asked > rounds)
    await vigil.close()
    return call


@pytest.mark.parametrize("told", [("a", "b"), ("a", Unavailable("gone")), ("a", "a", "b")])
async def test_a_call_is_lost_with_its_process(told):
    assert (await watched(Process(*told), rounds=4)).lost


@pytest.mark.parametrize("told", [("a",), ("a", TimedOut("slow"), "a"), ("",), ("", "a")])
async def test_a_call_is_kept_while_its_process_lives(told):
    assert not (await watched(Process(*told), rounds=4)).lost


async def test_what_is_lost_is_cancelled():
    cancelled = asyncio.Event()
    call = Call(cancel=cancelled.set)
    vigil = Vigil(Process("a", "b"), period_seconds=0.001)
    with vigil.over(call):
        await asyncio.wait_for(cancelled.wait(), 5)
    await vigil.close()


async def test_a_later_call_is_not_lost_with_the_earlier_process():
    process = Process("a")
    vigil = Vigil(process, period_seconds=0.001)
    first, second = Call(), Call()
    with vigil.over(first):
        await until(lambda: process.asked > 1)
        process.told = ["b"]
        await until(lambda: first.lost)
        with vigil.over(second):
            asked = process.asked
            await until(lambda: process.asked > asked + 2)
    await vigil.close()
    assert not second.lost


async def test_nobody_is_asked_while_nobody_waits():
    process = Process("a")
    vigil = Vigil(process, period_seconds=0.001)
    with vigil.over(Call()):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)
    asked = process.asked
    await asyncio.sleep(0.02)
    assert process.asked == asked
    with vigil.over(Call()):
        await asyncio.sleep(0.01)
    assert process.asked > asked
    await vigil.close()


async def test_a_stream_ends_with_a_retryable_error_when_the_real_process_is_killed(
    expendable_model, tmp_path
):
    body = {"model": PRESET, "prompt": "Once upon a time", "temperature": 0, "max_tokens": 2000}
    with running_gateway(expendable_model.grpc, tmp_path / "log") as gateway:
        async with (
            asyncio.timeout(60),
            aiohttp.ClientSession() as http,
            http.post(f"{gateway.url}/v1/completions", json=body | {"stream": True}) as response,
        ):
            assert response.status == 200
            await response.content.readline()
            await asyncio.sleep(1)  # until the gateway knows whom it asked
            expendable_model.stub.kill()
            events = [
                json.loads(line[6:])
                async for line in response.content
                if line.startswith(b"data: {")
            ]
            assert events[-1]["error"]["code"] == "model_unavailable"
            assert "ask again" in events[-1]["error"]["message"]
            async with http.post(f"{gateway.url}/v1/completions", json=body) as refused:
                assert refused.status == 503
                assert refused.headers["Retry-After"]
