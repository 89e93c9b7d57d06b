"""Many seeds over several processes come to the same as one after the other."""

import os

import pytest

from moorage.simulation.campaign import Campaign, campaign
from moorage.simulation.summary import summary
from simulator.faults.plan import Plan
from tests.moorage.simulation.made import outcome

BROKEN_SEED = 13


def draw(seed):
    return Plan(seed=seed)


def clean(plan):
    return outcome(plan, violations=())


def fails_in_threes(plan):
    return outcome(plan) if plan.seed % 3 == 2 else outcome(plan, violations=())


def raises(plan):
    if plan.seed == BROKEN_SEED:
        raise RuntimeError("the simulation itself is broken")
    return clean(plan)


def where(plan):
    """Tells its process by the trace's hash."""
    made = clean(plan)
    return type(made)(
        plan=made.plan,
        trace_hash=str(os.getpid()),
        violations=(),
        counts=made.counts,
        passages=(),
        engine_steps=0,
        history=made.history,
    )


def seeds_of(summaries):
    return [one.plan.seed for one in summaries]


def test_every_seed_is_run_and_told_in_order():
    found = campaign(range(20), draw=draw, run=clean, processes=2)
    assert seeds_of(found) == list(range(20))


def test_runs_happen_in_other_processes():
    processes = {one.trace_hash for one in campaign(range(8), draw=draw, run=where, processes=2)}
    assert str(os.getpid()) not in processes


def test_it_stops_at_the_failure_of_the_lowest_seed():
    found = list(campaign(range(20), draw=draw, run=fails_in_threes, processes=2))
    assert seeds_of(found) == [0, 1, 2]
    assert found[-1].failed


def test_it_goes_on_when_told_to():
    found = campaign(range(9), draw=draw, run=fails_in_threes, processes=2, keep_going=True)
    assert seeds_of(one for one in found if one.failed) == [2, 5, 8]


def test_what_a_run_raises_names_its_seed():
    with pytest.raises(RuntimeError, match="broken") as caught:
        list(campaign(range(20), draw=draw, run=raises, processes=1))
    assert caught.value.__notes__ == [f"in the run of seed {BROKEN_SEED}"]


def test_counts_of_all_runs_add_up():
    whole = Campaign()
    for seed in range(3):
        whole.add(summary(fails_in_threes(Plan(seed=seed))))
    assert whole.counts.runs == 3
    assert whole.counts.simulated_seconds == 3 * 7200
    assert whole.counts.faults["CR"] == 3
    assert seeds_of(whole.failures) == [2]


def test_the_hash_is_of_all_traces_in_their_order():
    def hashed(*seeds):
        whole = Campaign()
        for seed in seeds:
            whole.add(summary(clean(Plan(seed=seed))))
        return whole.trace_hash

    assert hashed(1, 2) == hashed(1, 2)
    assert len({hashed(1, 2), hashed(2, 1), hashed(1)}) == 3
