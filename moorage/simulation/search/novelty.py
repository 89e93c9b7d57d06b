"""Search by novelty: plans that reached something new are kept and changed.

New is a triple of phase left, phase entered and fault that no run before has reached. All follows
from the first seed: the same campaign draws the same plans.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from random import Random

from moorage.simulation.outcome import Triple
from moorage.simulation.search.swarm import ALL, draw
from moorage.simulation.summary import Summary
from simulator.faults.plan import Element, Plan
from simulator.faults.triggers import AtStep, When

FRESH = 0.4
"""The share of plans that owe nothing to earlier ones."""
KEPT = 400
MOST_CHANGES = 4
MOST_ELEMENTS = 60
SHIFTS = (-60.0, -5.0, -0.5, 0.5, 5.0, 60.0, 600.0)


@dataclass(slots=True)
class Corpus:
    """``plans`` each reached something first; ``reached`` is all that any of them did."""

    plans: list[Plan] = field(default_factory=list)
    reached: set[Triple] = field(default_factory=set)

    def learn(self, one: Summary) -> bool:
        """Whether the run reached something new; its plan is kept then."""
        new = one.counts.triples.keys() - self.reached
        self.reached |= new
        if new:
            self.plans.append(one.plan)
            del self.plans[:-KEPT]
        return bool(new)


def novelty_search(
    seeds: Collection[int],
    run: Callable[[Plan], Summary],
    *,
    corpus: Corpus,
    faults: Collection[str] = ALL,
) -> Iterator[Summary]:
    """What the runs come to, one for each seed; the corpus learns from each before the next."""
    for seed in seeds:
        one = run(next_plan(seed, corpus, faults=faults))
        corpus.learn(one)
        yield one


def next_plan(seed: int, corpus: Corpus, *, faults: Collection[str] = ALL) -> Plan:
    """A plan from the swarm, or one of the corpus with some changes."""
    chance = Random(f"{seed}/novelty")  # noqa: S311 - repeatable is the point
    fresh = draw(seed, faults=faults)
    if not corpus.plans or chance.random() < FRESH:
        return fresh
    plan = replace(chance.choice(corpus.plans), seed=seed)
    for _ in range(chance.randint(1, MOST_CHANGES)):
        plan = _changed(chance, plan, fresh)
    return plan


def _changed(chance: Random, plan: Plan, other: Plan) -> Plan:
    """One element more, less, later, earlier, or replaced by one of ``other``."""
    elements = list(plan.elements)
    place = chance.randrange(len(elements)) if elements else 0
    change = chance.choice(("drop", "double", "shift", "replace", "add"))
    if not elements or (change == "add" and len(elements) < MOST_ELEMENTS):
        elements.insert(place, chance.choice(other.elements))
    elif change == "drop":
        del elements[place]
    elif change == "double" and len(elements) < MOST_ELEMENTS:
        elements.append(_shifted(chance, elements[place]))
    elif change == "replace":
        elements[place] = chance.choice(other.elements)
    else:
        elements[place] = _shifted(chance, elements[place])
    return plan.with_elements(elements)


def _shifted(chance: Random, element: Element) -> Element:
    return replace(element, when=_moved(chance, element.when))


def _moved(chance: Random, when: When) -> When:
    if isinstance(when, AtStep):
        return replace(when, number=max(1, when.number + chance.randint(-40, 40)))
    return replace(when, seconds=max(0.0, when.seconds + chance.choice(SHIFTS)))
