"""A history as lanes over time."""

from moorage.simulation.report.timeline import timeline
from simulator.history import History, Started
from tests.moorage.simulation.made import VIOLATION, commit, history, obj, removal


def spans(lane):
    return [(span.begin, span.end, span.kind) for span in lane.spans]


def test_a_workspace_stands_in_each_phase_until_the_next_or_its_removal():
    (lane,) = timeline(history()).workspaces
    assert spans(lane) == [
        (1.5, 2.0, "Pending"),
        (2.0, 130.0, "Planning"),
        (130.0, 4000.0, "Ready"),
    ]


def test_a_workspace_made_again_goes_on_in_its_lane():
    told = History()
    first, second = obj("Workspace", "w0"), obj("Workspace", "w0")
    for record in (commit(1.0, first), removal(5.0, first), commit(8.0, second)):
        told.add(record)
    told.add(Started(at=10.0, process="engine-1", what="started"))
    (lane,) = timeline(told).workspaces
    assert spans(lane) == [(1.0, 5.0, "Pending"), (8.0, 10.0, "Pending")]


def test_a_process_is_up_paused_or_down():
    told = History()
    for at, what in ((0.0, "started"), (5.0, "paused"), (8.0, "resumed"), (9.0, "crashed")):
        told.add(Started(at=at, process="engine-1", what=what))
    told.add(Started(at=12.0, process="engine-1", what="started"))
    (lane,) = timeline(told).processes
    assert spans(lane) == [
        (0.0, 5.0, "up"),
        (5.0, 8.0, "paused"),
        (8.0, 9.0, "up"),
        (9.0, 12.0, "down"),
        (12.0, 12.0, "up"),
    ]


def test_faults_are_marked_for_all_and_at_the_workspace_they_strike():
    found = timeline(history())
    assert [mark.at for mark in found.faults.marks] == [50.0, 120.0]
    (lane,) = found.workspaces
    assert [(mark.at, mark.kind) for mark in lane.marks] == [(1.0, "user"), (120.0, "fault")]


def test_faults_are_off_from_the_healing_to_the_end():
    found = timeline(history())
    assert (found.healed, found.end) == (3600.0, 7200.0)


def test_a_workspace_with_a_violation_comes_first():
    told = history()
    told.add(commit(200.0, obj("Workspace", "a-quiet-one")))
    assert [lane.name for lane in timeline(told).workspaces] == ["w0", "a-quiet-one"]
    about_the_other = type(VIOLATION)(
        property="S1", at=250.0, subject="default/a-quiet-one", facts=("this", "that")
    )
    found = timeline(told, [about_the_other])
    assert [lane.name for lane in found.workspaces] == ["a-quiet-one", "w0"]
    assert [mark.kind for mark in found.workspaces[0].marks] == ["violation"]
