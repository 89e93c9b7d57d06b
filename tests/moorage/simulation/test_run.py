"""What a run notices though the code under it went on."""

from moorage.simulation.run import run
from simulator.faults.plan import Plan, UserElement
from simulator.faults.triggers import At
from simulator.faults.users import Create


def test_an_error_that_an_engine_survives_is_a_defect(monkeypatch):
    def broken(*_):
        raise RuntimeError("the table is upside down")

    monkeypatch.setattr("engine.workspaces.turn", broken)
    outcome = run(Plan(elements=(UserElement(user=Create(), when=At(seconds=1.0)),)))
    (first, *_) = (one for one in outcome.violations if one.property == "D1")
    assert first.subject == "engine-1"
    assert "the table is upside down" in first.facts[1]
