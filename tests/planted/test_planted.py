"""The planted bugs are what the page says, they fit the tree, and each is caught right here."""

import json

import pytest

from moorage.simulation.run import run
from simulator.checkers.properties import by_id
from simulator.faults.plan import from_json
from tests.planted.catalogue import SHAPES, Planted
from tests.planted.mutant import BENIGN, BUGS, check, hunting, patch_of
from tests.planted.results import read
from tests.planted.scoreboard import PAGE, catches, page, smallest

PLANTED = [number for number, shape in SHAPES.items() if isinstance(shape.verdict, Planted)]


def test_every_shape_has_a_verdict():
    assert list(SHAPES) == [f"B{number:02d}" for number in range(1, 95)]


def test_every_planted_shape_has_one_patch_and_no_other_shape_has_any():
    assert sorted(patch.name[:3] for patch in BUGS.glob("*.patch")) == PLANTED


@pytest.mark.parametrize(
    "patch",
    sorted([*BUGS.glob("*.patch"), *BENIGN.glob("*.patch")]),
    ids=lambda patch: patch.stem,
)
def test_a_patch_still_fits_the_tree(patch):
    check(patch)


@pytest.mark.parametrize("shape", PLANTED)
def test_a_shape_is_to_be_caught_by_properties_that_exist(shape):
    assert all(by_id(one) for one in SHAPES[shape].verdict.caught_by)


def test_every_planted_bug_was_caught_by_a_property_that_may_catch_it():
    for shape in PLANTED:
        found = [told["property"] for told in catches(read().caught[shape])]
        assert found, f"{shape} was not caught"
        assert set(found) <= set(SHAPES[shape].verdict.caught_by), shape


def test_no_harmless_change_raised_an_alarm():
    alarms = {name for name, told in read().benign.items() if "property" in told}
    assert alarms == set()
    assert read().benign.keys() >= {patch.stem for patch in BENIGN.glob("*.patch")}


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(read()), "run `make planted`"


def _smallest(shape: str) -> str:
    return json.dumps(smallest(read().caught[shape]))


@pytest.mark.parametrize("shape", PLANTED)
def test_a_planted_bug_is_caught_by_its_smallest_plan(shape):
    wanted = list(SHAPES[shape].verdict.caught_by)
    task = {
        "wanted": wanted,
        "plan": _smallest(shape),
        "seeds": 1,
        "seconds": 60.0,
        "minimizing": 0.0,
    }
    assert any(event.get("property") in wanted for event in hunting(patch_of(shape), task))


@pytest.mark.parametrize("shape", PLANTED)
def test_the_same_plan_is_no_trouble_without_the_bug(shape):
    assert run(from_json(_smallest(shape))).violations == ()
