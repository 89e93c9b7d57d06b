"""The map of phases shows the table, and how often each way was taken."""

from collections import Counter

import pytest

from engine.lifecycle import TRANSITIONS
from engine.phase import Phase
from moorage.simulation.report.coverage import coverage
from moorage.simulation.report.phase_map import HEIGHT, WIDTH, phase_map
from tests.moorage.simulation.made import counts

TAKEN = Counter({("Pending", "Planning"): 8, ("Ready", "Degraded"): 2, ("Degraded", "Ready"): 1})


def test_every_phase_has_a_place_on_the_map_and_none_lies_on_another():
    boxes = phase_map(counts()).boxes
    assert {box.phase for box in boxes} == set(Phase)
    for box in boxes:
        assert 0 <= box.x - box.width / 2 <= box.x + box.width / 2 <= WIDTH
        assert 0 <= box.y - box.height / 2 <= box.y + box.height / 2 <= HEIGHT
        for other in boxes:
            apart = abs(box.y - other.y) >= box.height or (
                abs(box.x - other.x) >= (box.width + other.width) / 2
            )
            assert box is other or apart, (box.phase, other.phase)


def test_every_move_of_the_table_is_one_arrow_with_its_count():
    arrows = phase_map(counts(transitions=TAKEN)).arrows
    moves = {(row.source, row.destination) for row in TRANSITIONS if row.destination is not None}
    assert len(arrows) == len(moves)
    assert {(arrow.source, arrow.destination) for arrow in arrows} == moves
    taken = {(arrow.source, arrow.destination): arrow.taken for arrow in arrows if arrow.taken}
    assert taken == TAKEN


def test_the_two_ways_between_a_pair_of_phases_do_not_lie_on_each_other():
    paths = [arrow.path for arrow in phase_map(counts()).arrows]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize(
    ("phase", "visits"),
    [(Phase.PENDING, 8), (Phase.PLANNING, 8), (Phase.READY, 2), (Phase.FAILED, 0)],
)
def test_a_phase_is_shaded_by_its_visits(phase, visits):
    boxes = {box.phase: box for box in phase_map(counts(transitions=TAKEN)).boxes}
    assert boxes[phase].visits == visits
    assert (boxes[phase].shade > 0) == (visits > 0)
    assert boxes[Phase.PLANNING].shade == 1


def test_what_was_never_reached_is_what_the_table_and_the_vocabulary_have_besides():
    found = coverage(counts(transitions=TAKEN, faults=Counter({"CR": 3})))
    assert set(found.untaken).isdisjoint(TAKEN)
    assert len(found.untaken) == found.all_moves - len(TAKEN)
    assert "CR" not in found.unstruck
    assert len(found.unstruck) == found.all_faults - 1


def test_only_combinations_that_can_be_reached_are_counted():
    triples = Counter({("Pending", "Planning", "CR"): 5, ("Ready", "Pending", "CR"): 1})
    assert coverage(counts(triples=triples)).triples == 1
