"""The table itself: complete, without dead rows, every phase reachable and left."""

from collections.abc import Iterable

import pytest

from engine.deadlines import PATIENCE
from engine.duties import DUTIES
from engine.lifecycle import TRANSITIONS, IllegalTransition, Transition, legal, next_phase
from engine.observation import Observation
from engine.phase import RESTING, Phase
from engine.standing import TELLERS
from engine.trigger import Trigger
from engine.workspace import Workspace
from tests.engine.scenes import nothing, serving, workspace


def rows(trigger: Trigger, source: Phase) -> list[Transition]:
    return [row for row in TRANSITIONS if row.trigger is trigger and row.source is source]


def reached(start: Phase) -> set[Phase]:
    found, frontier = {start}, [start]
    while frontier:
        here = frontier.pop()
        onward = {r.destination for r in TRANSITIONS if r.source is here and r.destination}
        frontier += onward - found
        found |= onward
    return found


def looked_up(of: Workspace, trigger: Trigger, observation: Observation) -> Phase:
    """What the table says, read by five lines of ours: the oracle for the library."""
    for row in rows(trigger, of.machine.phase):
        if row.guard is None or row.guard(of, observation):
            return row.destination or of.machine.phase
    return of.machine.phase


def test_every_phase_is_reached_from_pending():
    assert reached(Phase.PENDING) == set(Phase)


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.DELETING])
def test_every_phase_can_be_deleted_from(phase):
    assert Phase.DELETING in {row.destination for row in rows(Trigger.OBSERVE, phase)}


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_can_be_observed_and_stay(phase):
    assert rows(Trigger.OBSERVE, phase)[-1] == Transition(Trigger.OBSERVE, phase, None, None)


@pytest.mark.parametrize("phase", Phase)
def test_no_unguarded_row_hides_another(phase):
    for trigger in Trigger:
        assert all(row.guard is not None for row in rows(trigger, phase)[:-1])


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_rests_or_has_a_deadline(phase):
    assert (phase in RESTING) != (phase in PATIENCE)


@pytest.mark.parametrize("table", [DUTIES, TELLERS])
def test_every_phase_has_duties_and_words(table: Iterable[Phase]):
    assert set(table) == set(Phase)


@pytest.mark.parametrize("phase", Phase)
def test_the_library_agrees_with_the_table(phase):
    of = workspace(phase)
    observations = [nothing()] + ([serving(of)] if of.machine.plan else [])
    for observation in observations:
        expected = looked_up(of, Trigger.OBSERVE, observation)
        assert next_phase(of, Trigger.OBSERVE, observation) is expected


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.FAILED])
def test_retry_is_legal_only_after_a_failure(phase):
    assert not legal(Trigger.RETRY, phase)
    with pytest.raises(IllegalTransition, match=f"retry in {phase}"):
        next_phase(workspace(phase), Trigger.RETRY, nothing())
