"""How often one pool is asked for, in virtual time."""

import asyncio

import pytest

from adapters.aks.pace import AT_ONCE, SECONDS_EACH, Pace
from engine.nodes.agent_pool import CloudError, CloudRefused
from simulator.virtual_time.event_loop import run_virtually

BUSY = CloudRefused(CloudError(status=409, code="OperationNotAllowed", message="busy"))
AKS_AT_ONCE, AKS_SECONDS_EACH = 20, 60.0


async def _sent(seconds: float) -> int:
    """Of one engine that asks every second and is always refused."""
    pace, sent = Pace(), 0
    for _ in range(int(seconds)):
        try:
            pace.spend("one")
        except CloudRefused:
            pass
        else:
            sent += 1
            pace.failed("one", BUSY)
        await asyncio.sleep(1.0)
    return sent


@pytest.mark.parametrize("minutes", [1, 5, 30, 120])
def test_two_engines_that_are_refused_stay_within_the_bucket_of_a_pool(minutes):
    sent = run_virtually(_sent(minutes * 60.0))
    assert 2 * sent <= AKS_AT_ONCE + minutes * 60.0 / AKS_SECONDS_EACH


def test_a_pool_is_asked_for_again_and_again_however_often_it_was_refused():
    sent = run_virtually(_sent(AT_ONCE * 2 * SECONDS_EACH))
    assert sent >= AT_ONCE * 2


def test_one_pool_holds_up_no_other():
    async def both():
        pace = Pace()
        for _ in range(AT_ONCE):
            pace.spend("one")
            pace.failed("one", BUSY)
        with pytest.raises(CloudRefused) as raised:
            pace.spend("one")
        assert raised.value is BUSY
        pace.spend("another")

    run_virtually(both())


def test_a_request_that_fails_after_it_was_paid_for_holds_nothing_up():
    async def slow():
        pace = Pace()
        pace.spend("one")
        await asyncio.sleep(SECONDS_EACH + 1)
        pace.spend("another")
        pace.failed("one", BUSY)
        pace.spend("one")

    run_virtually(slow())
