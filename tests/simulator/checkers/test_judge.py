from dataclasses import replace

from simulator.checkers.judge import Judge, judge
from simulator.checkers.properties import PROPERTIES, by_id
from simulator.checkers.property import RecordProperty
from simulator.history import Defect, History
from tests.simulator.checkers.story import CLUSTER, ENGINE, Story, claim_of

IDS = [
    *(f"S{number}" for number in range(1, 21)),
    *(f"N{number}" for number in range(1, 9)),
    *(f"Q{number}" for number in range(1, 7)),
    *(f"L{number}" for number in range(1, 15)),
    *(f"O{number}" for number in range(1, 5)),
    "D1",
]


def test_every_property_is_in_the_table_once_and_in_order() -> None:
    assert [one.id for one in PROPERTIES] == IDS


def test_an_honest_life_breaks_nothing() -> None:
    story = Story()
    made = story.ready()
    story.healed()
    story.later(600)
    story.goes(made)
    assert story.later(7200).violations() == ()


def test_a_workspace_that_stays_ready_breaks_nothing() -> None:
    story = Story()
    story.ready()
    story.healed()
    assert story.later(7200).violations() == ()


def test_two_workspaces_side_by_side_break_nothing() -> None:
    story = Story()
    story.ready("w0")
    story.ready("w1")
    story.healed()
    assert story.later(7200).violations() == ()


def test_the_first_violation_of_a_property_and_subject_is_kept() -> None:
    story = Story()
    made = story.created()
    for number in (1, 2):
        story.later(1).put(ENGINE, claim_of(made, name=f"stray{number}"))
    found = [(one.property, one.subject) for one in story.violations()]
    assert ("S7", "NodeClaim stray1") in found
    assert ("S7", "NodeClaim stray2") in found
    assert len(found) == len(set(found))


def test_a_complete_history_is_judged_as_one_being_written() -> None:
    story = Story()
    story.put(ENGINE, claim_of(story.created(), name="stray"))
    found = story.violations()
    assert judge(story.history) == found


def test_an_empty_history_breaks_nothing() -> None:
    assert Judge(History()).finish() == ()


def test_a_history_without_calls_rpcs_or_milestones_can_be_judged() -> None:
    story = Story()
    story.ready()
    assert story.later(60).violations() == ()


def test_a_check_sees_only_the_kinds_it_names() -> None:
    seen: list[str] = []

    def look(_, commit):
        seen.append(commit.now["kind"])
        yield from ()

    asked = by_id("S4")
    assert isinstance(asked, RecordProperty)
    story = Story()
    Judge(story.history, [replace(asked, check=lambda: look)])
    story.ready()
    assert set(seen) == {"NodeClaim"}


def test_each_judge_has_a_memory_of_its_own() -> None:
    first, second = Story(), Story()
    for story in (first, second):
        made = story.provisioning()
        story.put(ENGINE, claim_of(made))
    assert "S20" not in first.found() | second.found()


def test_an_exception_that_nobody_handled_is_a_violation() -> None:
    story = Story()
    story.history.add(Defect(at=1.0, actor=CLUSTER, what="KeyError('spec')"))
    assert story.found() == {"D1"}
