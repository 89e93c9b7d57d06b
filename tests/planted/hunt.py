"""Looks for a run that violates one of some properties, and makes its plan small.

In a process of its own, on a mutated copy of the packages; tasks and events are plain data.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from moorage.simulation.minimize import minimize
from moorage.simulation.run import run
from moorage.simulation.search.swarm import draw
from simulator.checkers.case import Case
from simulator.checkers.properties import PROPERTIES, by_id
from simulator.checkers.property import Breach, Check, ComparedProperty, Property, RecordProperty
from simulator.faults.plan import Plan, from_json, to_json

OF_THE_SECOND = '"workspace":1'

Event = dict[str, Any]
Found = dict[str, list[str]]
"""By property, the first violation of it: its subject and the two facts."""


class Enough(KeyboardInterrupt):
    """What was looked for is found. Asyncio stops at once for interrupts, and for nothing else."""

    def __init__(self, property_id: str, breach: Breach) -> None:
        super().__init__(property_id)
        self.found = {property_id: [breach.subject, breach.expected, breach.found]}


def violations(plan: Plan, wanted: Iterable[str]) -> Found:
    """What a run violates; it ends with the first violation of what is wanted."""
    compared = [one for one in map(by_id, wanted) if isinstance(one, ComparedProperty)]
    if compared:
        return _differences(plan, compared[0])
    try:
        outcome = run(plan, properties=_ending(set(wanted)))
    except Enough as enough:
        return enough.found
    found: Found = {}
    for one in outcome.violations:
        found.setdefault(one.property, [one.subject, *one.facts])
    return found


def _ending(wanted: set[str]) -> list[Property]:
    return [
        replace(one, check=_raising(one))
        if isinstance(one, RecordProperty) and one.id in wanted
        else one
        for one in PROPERTIES
    ]


def _raising(one: RecordProperty) -> Any:
    def make() -> Check:
        check = one.check()

        def judge(case: Case, record: Any) -> Iterator[Breach]:
            for breach in check(case, record):
                raise Enough(one.id, breach)
            return iter(())

        return judge

    return make


def _differences(plan: Plan, compared: ComparedProperty) -> Found:
    """The reference is the same run without the second workspace, and without what is its own."""
    alone = plan.with_elements(
        [one for one in plan.elements if OF_THE_SECOND not in to_json(plan.with_elements([one]))]
    )
    breaches = list(compared.check(run(alone).history, run(plan).history))
    if not breaches:
        return {}
    return {compared.id: [breaches[0].subject, breaches[0].expected, breaches[0].found]}


def plans(task: Event) -> Iterator[Plan]:
    """Each seed's own plan; or the given one, over and over under other seeds."""
    given = from_json(task["plan"]) if task["plan"] else None
    for seed in range(task["seeds"]):
        yield draw(seed) if given is None else replace(given, seed=seed)


def hunt(task: Event) -> Iterator[Event]:
    """``wanted`` in the order of preference; empty means that any violation is a catch."""
    wanted, began = task["wanted"], time.process_time()
    others: set[str] = set()
    for number, plan in enumerate(plans(task), start=1):
        found = violations(plan, wanted)
        spent = time.process_time() - began
        hit = next((one for one in wanted or found if one in found), None)
        others |= found.keys() - {hit}
        told = {"runs": number, "seconds": round(spent, 1), "others": sorted(others)}
        if hit is None:
            yield {"event": "ran", **told}
        else:
            drawn = len(plan.elements)
            yield {"event": "caught", "property": hit, "facts": found[hit], "drawn": drawn, **told}
            small = _small(plan, hit, task["minimizing"])
            yield {"event": "small", "plan": json.loads(to_json(small))}
            return
        if spent > task["seconds"]:
            return


def _small(plan: Plan, hit: str, seconds: float) -> Plan:
    """What has been reached after so many CPU seconds."""
    until = time.process_time() + seconds
    return minimize(
        plan, lambda trial: time.process_time() < until and hit in violations(trial, [hit])
    )
