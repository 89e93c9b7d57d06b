"""A failing run as a test tells it: what broke, by which facts, and how to see it again."""

from moorage.simulation.replay import replay_line
from moorage.simulation.wording import plan_words
from simulator.checkers.property import Violation
from simulator.faults.plan import Plan


def told(plan: Plan, violations: tuple[Violation, ...]) -> str:
    facts = [
        f"{one.property} at {one.at:.2f}, {one.subject}: {one.facts[0]}, yet {one.facts[1]}"
        for one in violations
    ]
    return "\n".join(["", *facts, *plan_words(plan), replay_line(plan)])
