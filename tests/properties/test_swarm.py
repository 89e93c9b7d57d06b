"""A fixed part of the campaigns, for every change: swarm seeds, crash points, staleness."""

import pytest

from moorage.simulation.run import run
from moorage.simulation.search.crash_points import Verdict, crash_points
from moorage.simulation.search.scenarios import scenarios
from moorage.simulation.search.staleness import stale_runs
from moorage.simulation.search.swarm import draw
from tests.properties.told import told

SEEDS = range(40)
EVERY = 60
"""Of the steps of a scenario's processes."""
CRASHED = (
    "create by gRPC",
    "edit",
    "delete while Provisioning",
    "recreate while Provisioning",
    "quota, then retry",
    "model silent",
)
STALE = "delete while Provisioning"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_property_holds_in_the_run_of_a_seed(seed: int) -> None:
    plan = draw(seed)
    outcome = run(plan)
    assert not outcome.violations, told(plan, outcome.violations)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CRASHED)
def test_a_process_may_stop_at_any_await(name: str) -> None:
    verdicts: list[Verdict] = []
    crash_points(scenarios()[name], verdicts.append, every=EVERY)
    assert verdicts
    for one in verdicts:
        assert not one.violations, told(one.plan, one.violations)


@pytest.mark.timeout(300)
def test_an_engine_may_see_the_past() -> None:
    for one in stale_runs(scenarios()[STALE]):
        assert not one.violations, told(one.plan, one.violations)
