"""``moorage simulate --crash-points``: what is told of every await of every scenario."""

import json

import pytest
from typer.testing import CliRunner

from moorage.cli import app
from moorage.commands import crash_points
from moorage.simulation.search.branches import Point, rerun
from moorage.simulation.search.crash_points import Verdict
from moorage.simulation.search.scenarios import scenarios
from simulator.checkers.property import Violation
from simulator.faults.plan import from_json
from simulator.faults.vocabulary import Crash

NAME = "delete while Deploying"
DIFFERS = Violation(property="L10", at=9.0, subject="w0", facts=("it ends Ready", "it is Failed"))


@pytest.fixture(autouse=True)
def one_scenario(monkeypatch):
    monkeypatch.setattr(crash_points, "scenarios", lambda: {NAME: scenarios()[NAME]})


def cli(*arguments):
    return CliRunner().invoke(app, ["simulate", "--crash-points", *arguments])


def test_points_are_counted_by_scenario_and_all_hold():
    result = cli("--every", "97")
    assert result.exit_code == 0, result.output
    header, row, total = result.stdout.splitlines()
    assert header.split() == ["SCENARIO", "POINTS", "FAILED", "SECONDS"]
    assert row.startswith(NAME)
    points, failed, _ = row.removeprefix(NAME).split()
    assert int(points) > 0
    assert failed == "0"
    assert total.split()[:3] == ["all", points, "0"]


@pytest.fixture
def one_fails(monkeypatch):
    """The search finds a point after which the end is another."""

    def search(plan, tell, *, every):
        for step in (every, 2 * every):
            point = Point(process="engine", step=step, fault=Crash())
            violations = (DIFFERS,) if step > every else ()
            tell(
                Verdict(
                    point=point, plan=rerun(plan, point), trace_hash="8f2a", violations=violations
                )
            )

    monkeypatch.setattr(crash_points, "crash_points", search)


def test_a_point_that_fails_is_told_with_its_facts_and_its_replay(one_fails):
    result = cli("--every", "7")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    begin = lines.index(f"{NAME}: the engine crashes (down for 5s) before its 14th step")
    assert lines[begin + 1] == "  L10 w0: it ends Ready, yet it is Failed"
    assert lines[begin + 2].startswith("moorage simulate --replay '{")
    assert result.stderr.splitlines()[-1] == "error: 1 of 2 points fail"


def test_json_has_the_plan_of_every_point_that_fails(one_fails):
    (told,) = json.loads(cli("-o", "json").stdout)
    assert told["points"] == 2
    (failure,) = told["failures"]
    plan = from_json(failure["replay"].removeprefix("moorage simulate --replay ").strip("'"))
    assert plan.elements[-1].fault == Crash()
    assert failure["violations"][0]["property"] == "L10"


def test_crash_points_are_drawn_from_no_seed():
    assert cli("--seed", "1").exit_code == 2
