"""Every fault, trigger and user action has its words."""

from typing import get_args

import pytest

from moorage.simulation.wording import action_words, element_words, fault_words, setting_words
from simulator.faults.plan import FaultElement, Setting, UserElement
from simulator.faults.triggers import At, AtStep, Calls, OnCall, OnPhase
from simulator.faults.users import Create, Edit, GrpcHabits, UserAction
from simulator.faults.vocabulary import (
    ClockJump,
    Conflicting,
    Crash,
    ErrorAfter,
    ErrorBefore,
    Fault,
    Freeze,
    Quota,
    SpotEviction,
    Throttle,
    WebhookDenies,
)

FAULTS = get_args(get_args(Fault)[0])
ACTIONS = get_args(get_args(UserAction)[0])
APPLY = Calls(actor="engine", verb="apply", kind="StatefulSet", workspace=0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.__name__)
def test_every_fault_has_words_of_its_own(fault):
    others = {fault_words(kind()) for kind in FAULTS if kind is not fault}
    assert fault_words(fault()) not in others


@pytest.mark.parametrize("action", ACTIONS, ids=lambda kind: kind.__name__)
def test_every_user_action_has_words_of_its_own(action):
    others = {action_words(kind()) for kind in ACTIONS if kind is not action}
    assert action_words(action()) not in others


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (
            FaultElement(fault=Crash(), when=AtStep(process="engine", number=213)),
            "the engine crashes (down for 5s) before its 213th step",
        ),
        (
            FaultElement(fault=SpotEviction(), when=AtStep(process="api", number=2)),
            "one of w0's nodes is evicted before the 2nd step of the API",
        ),
        (
            FaultElement(
                fault=ErrorAfter(calls=APPLY), when=OnCall(calls=APPLY, nth=2, moment="sent")
            ),
            "the engine's 2nd apply of w0's StatefulSet is carried out, but answered 504",
        ),
        (
            FaultElement(fault=ErrorAfter(calls=APPLY, status=0), when=OnCall(calls=APPLY, nth=2)),
            (
                "as the engine's 2nd apply of w0's StatefulSet is carried out, "
                "the engine's next apply of w0's StatefulSet is carried out, "
                "but its connection breaks before the answer"
            ),
        ),
        (
            FaultElement(
                fault=Throttle(calls=Calls(actor="engine", verb="patch", kind="Workspace")),
                when=At(seconds=750),
            ),
            (
                "after 12m30s, the engine's next 3 patches of a Workspace: each is answered 429 "
                "(retry after 1 s), and not carried out"
            ),
        ),
        (
            FaultElement(
                fault=ErrorBefore(calls=Calls(verb="write", kind="Workspace", workspace=1))
            ),
            "at once, the next write of w1 is answered 500, and not carried out",
        ),
        (
            FaultElement(
                fault=Crash(down=0.5), when=OnPhase(workspace=1, phase="Ready", nth=2, seconds=3)
            ),
            "3s after w1 becomes Ready for the 2nd time, the engine crashes (down for 0.5s)",
        ),
        (
            FaultElement(fault=Freeze(kind="Pod")),
            "at once, the engine's watches of Pod deliver nothing for 1m",
        ),
        (FaultElement(fault=ClockJump(seconds=-60)), "at once, the engine's clock jumps 1m back"),
        (FaultElement(fault=Quota(times=2)), "at once, quota refuses the next 2 launches"),
        (
            FaultElement(fault=WebhookDenies()),
            "at once, for 1m an admission webhook refuses every write",
        ),
        (
            UserElement(user=Create(nodes=2, through="kubectl")),
            "at once, a user creates w0 with 2 nodes through kubectl",
        ),
        (
            UserElement(user=Edit(workspace=3, variant=0), when=At(seconds=60)),
            "after 1m, a user changes what w3 serves back to the first",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_an_element_is_one_sentence(element, words):
    assert element_words(element) == words


def test_a_fault_that_strikes_a_later_call_than_the_one_that_arms_it_says_both():
    calls = Calls(actor="engine", verb="get")
    element = FaultElement(fault=Conflicting(), when=OnCall(calls=calls, moment="sent"))
    assert element_words(element).startswith("as the engine's 1st get is sent, the next write ")


def test_a_setting_says_what_is_unusual():
    assert setting_words(Setting()) == "1 workspace, 1h with faults, shuffled"
    unusual = Setting(workspaces=3, transport="http", habits=GrpcHabits(gives_up=3, resumes=2))
    assert setting_words(unusual) == (
        "3 workspaces, 1h with faults, shuffled, clients over HTTP; "
        "clients give up every 3rd call and ask again, lose their Watch after every 2nd message"
    )
