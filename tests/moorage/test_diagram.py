"""The diagrams say what the tables say."""

from dataclasses import replace

import pytest

from engine.lifecycle import Transition
from engine.phase import Phase
from engine.trigger import Trigger
from moorage.diagram import (
    LIFECYCLES,
    NODE_CLAIM,
    WORKSPACE,
    phase_diagram,
    phase_limits,
    refreshed,
)

ALL = pytest.mark.parametrize("of", LIFECYCLES.values(), ids=LIFECYCLES.keys())
SECTIONS = [
    (f"<!-- phases of a {name}: begin -->", f"<!-- phases of a {name}: end -->")
    for name in LIFECYCLES
]


def ready(*_):
    return True


@ALL
def test_every_move_of_the_table_is_an_arrow_or_is_possible_everywhere(of):
    lines = [line.strip() for line in phase_diagram(of).splitlines()]
    for row in of.rows:
        if row.destination is None:
            continue
        why = row.guard.__name__.replace("_", " ") if row.guard else row.trigger.value
        told = (f"{row.source} --> {row.destination}: ", f"living --> {row.destination}: ")
        assert any(line.startswith(told) and why in line for line in lines), row


@ALL
def test_what_every_phase_has_is_drawn_once(of):
    drawn = [line for line in phase_diagram(of).splitlines() if "deletion requested" in line]
    assert len(drawn) == 1
    assert drawn[0].startswith("    living --> ")


def test_what_comes_after_a_deletion_is_drawn_outside_of_what_can_be_deleted():
    lines = phase_diagram(NODE_CLAIM).splitlines()
    after = lines[lines.index("    }") :]
    assert "    Draining --> Terminating: drained / deadline passed" in after
    assert "    Terminating --> [*]: everything is released" in after


def test_a_new_row_is_a_new_arrow():
    row = Transition(Trigger.OBSERVE, Phase.READY, ready, Phase.FAILED)
    assert "Ready --> Failed: ready" in phase_diagram(
        replace(WORKSPACE, rows=(*WORKSPACE.rows, row))
    )
    assert "Ready --> Failed" not in phase_diagram()


def test_only_what_is_between_the_markers_is_rewritten():
    old = "\n".join(f"{begin}\nold\n{end}" for begin, end in SECTIONS)
    document = refreshed(f"before\n{old}\nafter\n")
    assert document.startswith(f"before\n{SECTIONS[0][0]}\n```mermaid\nstateDiagram-v2\n")
    assert document.endswith(f"\n{SECTIONS[-1][1]}\nafter\n")
    assert "\nold\n" not in document
    assert refreshed(document) == document


def test_a_document_without_markers_is_refused():
    with pytest.raises(ValueError, match="phases of a workspace: begin"):
        refreshed("no markers")


@ALL
def test_every_phase_has_a_limit_or_rests(of):
    rows = [row.split(" | ") for row in phase_limits(of).splitlines()[2:]]
    assert [row[0].removeprefix("| ") for row in rows] == list(of.phases)
    assert {row[0].removeprefix("| ") for row in rows if row[1] == "rests"} == of.resting
