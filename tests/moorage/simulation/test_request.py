"""What is asked for on the command line, in words."""

import pytest

from moorage.failure import ExitCode, Failure
from moorage.simulation.fault_kinds import FAULT_KINDS, meaning
from moorage.simulation.request import faults_named, plan_given, seeds_named
from simulator.faults.plan import to_json
from tests.moorage.simulation.made import PLAN


def test_seeds_are_both_ends_and_all_between():
    assert seeds_named("3..6") == range(3, 7)
    assert seeds_named("4..4") == range(4, 5)


@pytest.mark.parametrize("text", ["", "3", "6..3", "a..b", "-1..3", "1...3"])
def test_what_names_no_seeds_is_bad_usage(text):
    with pytest.raises(Failure) as caught:
        seeds_named(text)
    assert caught.value.exit_code is ExitCode.INVALID


def test_faults_are_named_by_their_codes():
    assert faults_named("all") == set(FAULT_KINDS)
    assert faults_named("none") == frozenset()
    assert faults_named("CR, CR~tt,410") == {"CR", "CR~tt", "410"}


def test_an_unknown_fault_is_told_with_those_that_exist():
    with pytest.raises(Failure, match="'NOPE'") as caught:
        faults_named("CR,NOPE")
    assert "SPOT" in caught.value.details[0]


def test_every_fault_kind_has_a_meaning():
    assert all(map(meaning, FAULT_KINDS))
    assert meaning("CF") == "A foreign writer changes the object just before the call arrives"
    assert meaning("no such code") == ""


def test_a_plan_is_given_inline_or_in_a_file(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text(to_json(PLAN))
    assert plan_given(to_json(PLAN)) == plan_given(str(file)) == PLAN


@pytest.mark.parametrize("text", ["nowhere.json", "{", '{"seed": "x"}', '{"elements": [{}]}'])
def test_what_is_no_plan_is_bad_usage(text):
    with pytest.raises(Failure) as caught:
        plan_given(text)
    assert caught.value.exit_code is ExitCode.INVALID
    assert caught.value.details or "cannot read" in caught.value.message
