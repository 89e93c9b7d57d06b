import asyncio
import signal

import pytest

from adapters.triton.model_probe import Answered, Silence, Silent, is_ready, probe
from tests.served_model import PRESET, free_ports


async def test_a_live_model_answers_with_its_latency(served_model):
    answer = await probe(served_model.grpc, PRESET, timeout_seconds=10)
    assert isinstance(answer, Answered)
    assert 0 < answer.latency.total_seconds() < 10
    assert await is_ready(served_model.grpc, PRESET, timeout_seconds=2)


async def test_nobody_at_the_address_is_unreachable():
    address = f"127.0.0.1:{free_ports(1)[0]}"
    answer = await probe(address, PRESET, timeout_seconds=5)
    assert isinstance(answer, Silent)
    assert answer.reason is Silence.UNREACHABLE
    assert not await is_ready(address, PRESET, timeout_seconds=2)


async def test_a_model_that_is_not_loaded_is_not_ready(served_model):
    answer = await probe(served_model.grpc, "another-model", timeout_seconds=5)
    assert isinstance(answer, Silent)
    assert answer.reason is Silence.NOT_READY
    assert not await is_ready(served_model.grpc, "another-model", timeout_seconds=2)


async def test_a_server_that_never_answers_times_out():
    asked, left = asyncio.Event(), asyncio.Event()

    async def say_nothing(_, writer):
        await asked.wait()
        writer.close()
        await writer.wait_closed()
        left.set()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        answer = await probe(f"127.0.0.1:{port}", PRESET, timeout_seconds=0.3)
        asked.set()
        await left.wait()
    assert isinstance(answer, Silent)
    assert answer.reason is Silence.TIMED_OUT


async def test_a_frozen_server_times_out_and_answers_again(served_model):
    served_model.process.send_signal(signal.SIGSTOP)
    try:
        answer = await probe(served_model.grpc, PRESET, timeout_seconds=0.3)
    finally:
        served_model.process.send_signal(signal.SIGCONT)
    assert isinstance(answer, Silent)
    assert answer.reason is Silence.TIMED_OUT
    assert isinstance(await probe(served_model.grpc, PRESET, timeout_seconds=10), Answered)


async def test_a_dead_model_process_is_found_though_triton_calls_it_ready(expendable_model):
    expendable_model.stub.kill()
    answer = await probe(expendable_model.grpc, PRESET, timeout_seconds=10)
    assert await is_ready(expendable_model.grpc, PRESET, timeout_seconds=2)
    assert isinstance(answer, Silent)
    assert answer.reason is Silence.FAILED
    assert "not healthy" in answer.detail


async def test_a_cancelled_probe_stays_cancelled(served_model):
    task = asyncio.create_task(probe(served_model.grpc, PRESET, timeout_seconds=10))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
