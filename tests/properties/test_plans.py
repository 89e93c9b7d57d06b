"""Whatever plan Hypothesis thinks of, no property breaks."""

import pytest
from hypothesis import HealthCheck, given, settings

from moorage.simulation.run import run
from simulator.faults.plan import Plan, from_json, to_json
from tests.properties.strategies import plans
from tests.properties.told import told


@pytest.mark.timeout(900)  # a failing plan is made smaller first
@settings(
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(plan=plans())
def test_every_property_holds_whatever_the_plan(plan: Plan) -> None:
    outcome = run(plan)
    assert not outcome.violations, told(plan, outcome.violations)


@settings(derandomize=True, max_examples=200, deadline=None, database=None)
@given(plan=plans())
def test_a_drawn_plan_survives_json(plan: Plan) -> None:
    assert from_json(to_json(plan)) == plan
