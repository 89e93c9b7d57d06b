"""``moorage simulate``: real runs, judged also by a property that cannot hold."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from moorage.cli import app
from moorage.commands import simulate
from moorage.simulation.run import run
from simulator.checkers.properties import PROPERTIES
from simulator.checkers.property import Breach, RecordProperty, stateless
from simulator.checkers.reading import phase
from simulator.faults.plan import FaultElement, Plan, Setting, UserElement, from_json, to_json
from simulator.faults.triggers import At
from simulator.faults.users import Create, Look
from simulator.faults.vocabulary import Pause
from simulator.history import Commit

PLAN = Plan(
    seed=5,
    setting=Setting(hours=0.25),
    elements=(
        UserElement(user=Look(), when=At(seconds=1.0)),
        UserElement(user=Create(), when=At(seconds=2.0)),
        FaultElement(fault=Pause(seconds=3.0), when=At(seconds=30.0)),
        UserElement(user=Look(), when=At(seconds=40.0)),
    ),
)
BRIEF = ("--hours", "0.05", "--workspaces", "1", "--faults", "none")


def _never_planning(_, commit):
    if phase(commit.now) == "Planning":
        yield Breach(commit.now["metadata"]["name"], "it must never plan", "it is Planning")


NEVER_PLANNING = RecordProperty(
    id="T1",
    statement="no workspace ever plans",
    records=(Commit,),
    kinds=frozenset({"Workspace"}),
    check=stateless(_never_planning),
)


def judged_by_another(plan):
    return run(plan, properties=(*PROPERTIES, NEVER_PLANNING))


def odd_seeds_judged_by_another(plan):
    return judged_by_another(plan) if plan.seed % 2 else run(plan)


def not_repeating(plan):
    """A run that is told apart from any other by its trace."""
    outcome = judged_by_another(plan)
    object.__setattr__(outcome, "trace_hash", str(id(outcome)))
    return outcome


@pytest.fixture
def failing(monkeypatch):
    monkeypatch.setattr(simulate, "run", judged_by_another)
    monkeypatch.setattr(simulate, "STATEMENTS", {"T1": NEVER_PLANNING.statement})


def cli(*arguments):
    return CliRunner().invoke(app, ["simulate", *arguments], env={"NO_COLOR": "1"})


def test_a_run_that_holds_says_so_and_succeeds():
    result = cli("--replay", to_json(PLAN))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("seed 5: every property holds\n")
    assert "trace: " in result.stdout


def test_json_has_the_trace_the_violations_and_the_counts():
    told = json.loads(cli("--replay", to_json(PLAN), "-o", "json").stdout)
    assert told["seed"] == 5
    assert told["violations"] == []
    assert told["runs"] == 1
    assert told["faults"] == {"PAUSE": 1}
    assert told["transitions"]["Loading→Ready"] == 1
    assert {
        "trace_hash",
        "simulated_seconds",
        "cpu_seconds",
        "api_calls",
        "commits",
        "steps",
    } < set(told)
    assert from_json(json.dumps(told["plan"])) == PLAN


def test_a_seed_gives_the_same_trace_in_another_process_with_another_hash_seed():
    def trace(hash_seed):
        script = "from moorage.cli import main; main()"
        arguments = [sys.executable, "-c", script, "simulate", "--seed", "3", *BRIEF, "-o", "json"]
        done = subprocess.run(
            arguments,
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return json.loads(done.stdout)["trace_hash"]

    assert trace("1") == trace("2")


def test_a_failure_shows_property_facts_smallest_plan_log_and_replay(failing):
    result = cli("--replay", to_json(PLAN), "--minimize")
    assert result.exit_code == 1
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert "✗ T1  no workspace ever plans" in lines
    assert lines[lines.index("it must never plan") + 1 :][:2] == ["and yet", "it is Planning"]
    begin = lines.index("plan")
    assert lines[begin + 2] == "0  at once, a user creates w0 with 1 node"
    assert lines[begin + 3] == ""
    assert any("Pending→Planning" in line for line in lines)
    assert "1 element of 4 elements are enough" in result.stderr
    assert result.stderr.splitlines()[-1] == "error: seed 5 violates T1"


def test_the_line_that_replays_a_failure_replays_it(failing):
    last = cli("--replay", to_json(PLAN), "--minimize").stdout.splitlines()[-1]
    plan = last.removeprefix("moorage simulate --replay ").strip("'")
    assert len(from_json(plan).elements) == 1
    told = json.loads(cli("--replay", plan, "-o", "json").stdout)
    assert [it["property"] for it in told["violations"]] == ["T1"]


def test_a_failing_plan_stays_as_it_is_when_asked_to(failing):
    told = json.loads(cli("--replay", to_json(PLAN), "-o", "json").stdout)
    assert "minimized" not in told


def test_verbose_shows_the_whole_log():
    brief, full = cli("--replay", to_json(PLAN)), cli("--replay", to_json(PLAN), "-v")
    assert "healed" not in brief.stdout
    assert "healed" in full.stdout


def test_a_campaign_tells_of_all_its_runs_the_same_with_any_number_of_processes():
    def told(processes):
        arguments = ("--seeds", "0..3", *BRIEF, "-o", "json", "--processes", processes)
        return json.loads(cli(*arguments).stdout)

    one, two = told("1"), told("2")
    assert one["runs"] == 4
    assert one["seeds"] == [0, 3]
    assert one["failing_seeds"] == one["violations"] == []
    assert one["triples_reached"] > 0
    assert one.pop("cpu_seconds") > 0
    assert two.pop("cpu_seconds") > 0
    assert one == two


def test_a_campaign_stops_at_the_first_failure_and_shows_it(monkeypatch, tmp_path):
    monkeypatch.setattr(simulate, "run", odd_seeds_judged_by_another)
    report = tmp_path / "report.html"
    result = cli("--seeds", "0..9", *BRIEF, "--processes", "1", "--report", str(report))
    assert result.exit_code == 1
    assert "seeds 0 to 9, 2 runs: 1 failed" in result.stdout
    assert "moorage simulate --replay" in result.stdout
    assert result.stderr.splitlines()[-1].strip() == "seed 1"
    assert "1 of 2 runs violate a property" in report.read_text()


def test_a_campaign_keeps_going_when_told_to(monkeypatch):
    monkeypatch.setattr(simulate, "run", odd_seeds_judged_by_another)
    arguments = ("--seeds", "0..3", *BRIEF, "--keep-going", "--no-minimize", "--processes", "1")
    told = json.loads(cli(*arguments, "-o", "json").stdout)
    assert told["failing_seeds"] == [1, 3]
    assert told["runs"] == 4


def test_a_run_that_does_not_repeat_itself_is_a_failure_of_its_own(monkeypatch):
    monkeypatch.setattr(simulate, "run", not_repeating)
    result = cli("--seeds", "0..1", *BRIEF, "--processes", "1")
    assert result.exit_code == 1
    assert "does not repeat itself" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seed", "1", "--seeds", "1..2"],
        ["--seed", "1", "--replay", to_json(PLAN)],
        ["--seeds", "5"],
        ["--seed", "-1"],
        ["--faults", "NOPE"],
        ["--replay", "{"],
        ["--replay", "no/such/file.json"],
        ["--hours", "0"],
        ["-o", "html"],
    ],
)
def test_bad_usage_exits_with_2(arguments):
    assert cli(*arguments).exit_code == 2


def test_a_report_that_cannot_be_written_is_told(tmp_path):
    result = cli("--seed", "0", *BRIEF, "--report", str(tmp_path / "nowhere" / "report.html"))
    assert result.exit_code == 2
    assert "cannot write the report" in result.stderr
