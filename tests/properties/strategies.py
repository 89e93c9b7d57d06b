"""Plans as Hypothesis draws and shrinks them; schedules stay with the plan's seed."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from moorage.simulation.search.values import (
    ACTION_VALUES,
    BLINK,
    CALLS,
    FAULT_VALUES,
    PHASES,
    SPELL,
)
from simulator.faults.plan import Element, FaultElement, Plan, Setting, UserElement
from simulator.faults.triggers import At, AtStep, OnCall, OnPhase, When
from simulator.faults.users import Create, GrpcHabits
from simulator.faults.vocabulary import CancelTask

WORKSPACES = 2
HOURS = 1.0
MOST_ELEMENTS = 8
_DELAYS = st.sampled_from((0.0, *BLINK, *SPELL))
_NUMBERS = st.integers(0, WORKSPACES - 1)
_CREATED: Element = UserElement(user=Create())
"""In every plan: without a workspace, nothing happens at all."""


def _one_of(kinds: Mapping[type, Mapping[str, tuple[Any, ...]]]) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(kinds)).flatmap(lambda kind: _values(kind, kinds[kind]))


def _values(kind: type, values: Mapping[str, tuple[Any, ...]]) -> st.SearchStrategy[Any]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        name: st.sampled_from(options) for name, options in values.items()
    }
    if any(one.name == "workspace" for one in fields(kind)):
        drawn["workspace"] = _NUMBERS
    return st.builds(kind, **drawn)


_STEPS = st.builds(AtStep, process=st.sampled_from(("engine", "api")), number=st.integers(1, 1500))
_EVENTS: st.SearchStrategy[When] = st.one_of(
    st.builds(OnPhase, workspace=_NUMBERS, phase=st.sampled_from(PHASES), seconds=_DELAYS),
    st.builds(
        OnCall,
        calls=st.sampled_from(CALLS),
        nth=st.integers(1, 6),
        moment=st.sampled_from(("carried out", "sent")),
        seconds=_DELAYS,
    ),
    st.builds(At, seconds=st.integers(0, int(HOURS * 3600)).map(float)),
)


@st.composite
def _fault_elements(draw: st.DrawFn) -> FaultElement:
    fault = draw(_one_of(FAULT_VALUES))
    when = draw(_STEPS if isinstance(fault, CancelTask) else st.one_of(_EVENTS, _STEPS))
    return FaultElement(fault=fault, when=when)


_ELEMENTS: st.SearchStrategy[Element] = st.one_of(
    st.builds(UserElement, user=_one_of(ACTION_VALUES), when=_EVENTS), _fault_elements()
)

_HABITS = st.builds(
    GrpcHabits,
    repeats=st.booleans(),
    gives_up=st.sampled_from((0, 2, 3)),
    resumes=st.sampled_from((0, 1, 4)),
)
_SETTINGS = st.builds(
    Setting,
    workspaces=st.just(WORKSPACES),
    hours=st.just(HOURS),
    schedule=st.sampled_from(("in order", "shuffled", "priorities")),
    latency=st.sampled_from((0.02, 0.2)),
    habits=_HABITS,
)


def plans() -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan,
        seed=st.integers(0, 2**16),
        setting=_SETTINGS,
        elements=st.lists(_ELEMENTS, max_size=MOST_ELEMENTS).map(lambda rest: (_CREATED, *rest)),
    )
