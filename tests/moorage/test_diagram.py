"""The diagram says what the table says."""

import pytest

from engine.lifecycle import TRANSITIONS, Transition
from engine.phase import RESTING, Phase
from engine.trigger import Trigger
from moorage.diagram import phase_diagram, phase_limits, refreshed


def ready(*_):
    return True


BEGIN, END = "<!-- phases: begin -->", "<!-- phases: end -->"


def test_every_move_of_the_table_is_an_arrow_or_is_possible_everywhere():
    lines = phase_diagram().splitlines()
    for row in TRANSITIONS:
        if row.destination not in {None, Phase.DELETING}:
            prefix = f"        {row.source} --> {row.destination}:"
            assert any(line.startswith(prefix) for line in lines), row


def test_what_every_phase_has_is_drawn_once():
    deletions = [line for line in phase_diagram().splitlines() if "--> Deleting" in line]
    assert deletions == ["    living --> Deleting: deletion requested"]


def test_a_new_row_is_a_new_arrow():
    row = Transition(Trigger.OBSERVE, Phase.READY, ready, Phase.FAILED)
    assert "Ready --> Failed: ready" in phase_diagram((*TRANSITIONS, row))
    assert "Ready --> Failed" not in phase_diagram()


def test_only_what_is_between_the_markers_is_rewritten():
    document = refreshed(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert document.startswith(f"before\n{BEGIN}\n```mermaid\nstateDiagram-v2\n")
    assert document.endswith(f"\n{END}\nafter\n")
    assert "\nold\n" not in document
    assert refreshed(document) == document


def test_a_document_without_markers_is_refused():
    with pytest.raises(ValueError, match="phases: begin"):
        refreshed("no markers")


def test_every_phase_has_a_limit_or_rests():
    rows = [row.split(" | ") for row in phase_limits().splitlines()[2:]]
    assert [row[0].removeprefix("| ") for row in rows] == list(Phase)
    assert {row[0].removeprefix("| ") for row in rows if row[1] == "rests"} == RESTING
