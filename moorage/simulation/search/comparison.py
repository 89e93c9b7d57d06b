"""A disturbed run against the undisturbed one: other ways are fine, another end is not."""

from moorage.simulation.outcome import Outcome
from simulator.checkers.liveness import same_end_state
from simulator.checkers.property import Violation
from simulator.history import History


def compared(property_id: str, reference: History, outcome: Outcome) -> tuple[Violation, ...]:
    """What the run violates by itself, and that property wherever it ends otherwise."""
    over = outcome.history.records[-1].at
    differences = (
        Violation(
            property=property_id,
            at=over,
            subject=breach.subject,
            facts=(breach.expected, breach.found),
        )
        for breach in same_end_state(reference, outcome.history)
    )
    return (*outcome.violations, *differences)
