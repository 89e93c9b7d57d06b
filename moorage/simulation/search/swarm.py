"""Swarm testing: each seed draws what can go wrong at all in its run, and then a run.

Runs in which a few kinds of fault happen often reach what an even mixture of all of them hides
(Groce et al., ISSTA 2012).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from random import Random
from typing import Any, get_args

from moorage.simulation.fault_kinds import FAULT_KINDS
from moorage.simulation.search.values import (
    ACCEPTED_VALUES,
    ACTION_VALUES,
    BAD_VARIANT,
    BLINK,
    CALLS,
    FAULT_VALUES,
    PHASES,
    SPELL,
)
from simulator.faults.azure_vocabulary import AzureFault
from simulator.faults.plan import (
    Element,
    FaultElement,
    Plan,
    Provisioner,
    Setting,
    UserElement,
)
from simulator.faults.triggers import At, AtStep, OnCall, OnPhase, When
from simulator.faults.users import (
    Create,
    Delete,
    Edit,
    Force,
    GrpcHabits,
    Look,
    Recreate,
    Retry,
    Touch,
    UserAction,
)
from simulator.faults.vocabulary import CancelTask, Fault

ALL = frozenset(FAULT_KINDS)
ON_AZURE = frozenset(kind().code for kind in get_args(AzureFault))
"""These have nothing to strike where Karpenter makes the nodes."""
HOUR = 3600.0
MOST_FAULTS = 24
MOST_ACTIONS = 5
STEPS_AN_HOUR = 1200
"""About how many steps an engine takes in an hour for each workspace."""

_ACTIONS: Mapping[type, int] = {
    Edit: 6,
    Touch: 2,
    Delete: 3,
    Recreate: 2,
    Force: 1,
    Retry: 2,
    Look: 2,
}


def draw(
    seed: int,
    *,
    workspaces: int | None = None,
    hours: float | None = None,
    faults: Collection[str] = ALL,
    provisioner: Provisioner | None = None,
) -> Plan:
    """The plan of a seed; ``faults`` are the codes of those that it may have, none for no fault.

    ``workspaces``, ``hours`` and ``provisioner`` are drawn too where they are None.
    """
    chance = Random(f"{seed}/plan")  # noqa: S311 - repeatable is the point
    setting = _setting(chance, workspaces, hours, provisioner)
    if setting.provisioner == "karpenter":
        faults = frozenset(faults) - ON_AZURE
    users = [
        element
        for number in range(setting.workspaces)
        for element in _program(chance, number, setting)
    ]
    kinds = _swarm(chance, sorted(faults))
    count = chance.randint(1, MOST_FAULTS) if kinds else 0
    struck = [_fault_element(chance, chance.choice(kinds), setting) for _ in range(count)]
    return Plan(seed=seed, setting=setting, elements=(*users, *struck))


def _setting(
    chance: Random, workspaces: int | None, hours: float | None, provisioner: Provisioner | None
) -> Setting:
    drawn_workspaces = chance.choice((1, 1, 1, 2, 2, 3, 4))
    drawn_hours = chance.choice((1.0, 1.0, 2.0, 3.0))
    drawn_provisioner = chance.choice(get_args(Provisioner))
    return Setting(
        provisioner=drawn_provisioner if provisioner is None else provisioner,
        workspaces=drawn_workspaces if workspaces is None else workspaces,
        hours=drawn_hours if hours is None else hours,
        schedule=chance.choice(
            ("shuffled", "shuffled", "shuffled", "priorities", "priorities", "in order")
        ),
        transport=chance.choice(("direct",) * 9 + ("http",)),
        latency=chance.choice((0.02, 0.02, 0.2, 1.0)),
        habits=GrpcHabits(
            repeats=chance.random() < 0.3,  # noqa: PLR2004
            gives_up=chance.choice((0, 0, 2, 3)),
            resumes=chance.choice((0, 0, 1, 4)),
        ),
    )


def _swarm(chance: Random, codes: Collection[str]) -> list[str]:
    """The kinds of this run, each as often as it is likely."""
    share = chance.choice((0.1, 0.3, 0.6))
    kinds = [code for code in codes if chance.random() < share]
    return [code for code in kinds for _ in range(chance.choice((1, 1, 2, 5)))]


def _program(chance: Random, number: int, setting: Setting) -> Iterator[Element]:
    """What users do with one workspace: it is made, and then changed or looked at now and then."""
    begins = chance.choice((0.0, 0.0, chance.uniform(0, setting.hours * HOUR / 4)))
    made = _creation(chance, number, setting)
    yield UserElement(user=made, when=At(seconds=_seconds(begins)))
    kinds, weights = list(_ACTIONS), list(_ACTIONS.values())
    for _ in range(chance.randint(0, MOST_ACTIONS)):
        kind = chance.choices(kinds, weights)[0]
        action = _drawn(chance, kind, ACTION_VALUES[kind], workspace=number)
        when = _when_of_action(chance, number, begins, setting)
        yield UserElement(user=action, when=when)
        yield from _sequel(chance, number, action, when, setting)


def _creation(chance: Random, number: int, setting: Setting) -> Create:
    values = ACTION_VALUES[Create]
    if setting.provisioner == "moorage":
        values = {**values, **ACCEPTED_VALUES}
    made: Create = _drawn(chance, Create, values, workspace=number)
    return made


def _sequel(
    chance: Random, number: int, action: UserAction, when: When, setting: Setting
) -> Iterator[Element]:
    """Bad edits are mostly put right, and what was deleted is mostly made again, some time on."""
    if isinstance(action, Edit) and action.variant == BAD_VARIANT:
        then: UserAction = Edit(workspace=number, variant=chance.choice((0, 1)))
    elif isinstance(action, Delete) or (isinstance(action, Force) and not action.recreates):
        then = _creation(chance, number, setting)
    else:
        return
    if chance.random() < 0.7:  # noqa: PLR2004
        yield UserElement(user=then, when=_later(when, chance.choice((*BLINK, *SPELL))))


def _when_of_action(chance: Random, number: int, begins: float, setting: Setting) -> When:
    if chance.random() < 0.5:  # noqa: PLR2004
        return _on_phase(chance, number)
    return At(seconds=_seconds(chance.uniform(begins, setting.hours * HOUR)))


def _later(when: When, seconds: float) -> When:
    values = {one.name: getattr(when, one.name) for one in fields(when)}
    return type(when)(**{**values, "seconds": values["seconds"] + seconds})


def _fault_element(chance: Random, code: str, setting: Setting) -> FaultElement:
    kind = FAULT_KINDS[code]
    number = chance.randrange(setting.workspaces)
    fault: Fault = _drawn(chance, kind, FAULT_VALUES[kind], workspace=number)
    return FaultElement(fault=fault, when=_when_of_fault(chance, fault, number, setting))


def _when_of_fault(chance: Random, fault: Fault, number: int, setting: Setting) -> When:
    kind = chance.choice(("call", "call", "phase", "phase", "at", "step"))
    if kind == "step" or isinstance(fault, CancelTask):
        steps = int(STEPS_AN_HOUR * setting.hours * setting.workspaces)
        return AtStep(process=getattr(fault, "process", "engine"), number=chance.randint(1, steps))
    if kind == "call":
        return _on_call(chance, number)
    if kind == "phase":
        return _on_phase(chance, number)
    return At(seconds=_seconds(chance.uniform(0, setting.hours * HOUR)))


def _on_call(chance: Random, number: int) -> OnCall:
    calls = chance.choice(CALLS)
    values = {one.name: getattr(calls, one.name) for one in fields(calls)}
    return OnCall(
        calls=type(calls)(**{**values, "workspace": chance.choice((None, number))}),
        nth=chance.choice((1, 1, 1, 2, 3, 5, 8)),
        moment=chance.choice(("sent", "carried out")),
        seconds=chance.choice((0.0, 0.0, *BLINK)),
    )


def _on_phase(chance: Random, number: int) -> OnPhase:
    return OnPhase(
        workspace=number,
        phase=chance.choice(PHASES),
        nth=chance.choice((1, 1, 1, 2)),
        seconds=chance.choice((0.0, 0.0, *BLINK, *SPELL)),
    )


def _drawn(
    chance: Random, kind: type, values: Mapping[str, tuple[Any, ...]], *, workspace: int
) -> Any:
    """One of a kind, field by field; ``workspace`` where it has such a field."""
    chosen = {name: chance.choice(options) for name, options in values.items()}
    if any(one.name == "workspace" for one in fields(kind)):
        chosen["workspace"] = workspace
    return kind(**chosen)


def _seconds(value: float) -> float:
    """To the hundredth, as people write them."""
    return round(value, 2)
