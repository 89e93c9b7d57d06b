"""A plan in words: one line for each fault and each thing that users do."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from moorage.views.durations import short
from simulator.faults import azure_vocabulary as azure
from simulator.faults import users, vocabulary
from simulator.faults.plan import Element, FaultElement, Plan, Setting
from simulator.faults.triggers import At, AtStep, Calls, OnCall, OnPhase, When
from simulator.faults.users import GrpcHabits, UserAction
from simulator.faults.vocabulary import Fault
from simulator.wire.sent import workspace_name

BROKEN = 0
"""The status of a fault that breaks the connection in place of an answer."""


def plan_words(plan: Plan) -> tuple[str, ...]:
    """The lines of a plan: its elements in their order."""
    return tuple(element_words(element) for element in plan.elements)


def setting_words(setting: Setting) -> str:
    hours = _span(setting.hours * 3600)
    words = f"{_count(setting.workspaces, 'workspace')}, {hours} with faults, {setting.schedule}"
    over = ", clients over HTTP" if setting.transport == "http" else ""
    habits = _habits_words(setting.habits)
    return words + over + (f"; {habits}" if habits else "")


def element_words(element: Element) -> str:
    if isinstance(element, FaultElement):
        return _fault_line(element.fault, element.when)
    return _line(action_words(element.user), element.when)


def fault_words(fault: Fault) -> str:
    """What it does, without when."""
    words: str = _FAULTS[type(fault)](fault)
    return words


def action_words(action: UserAction) -> str:
    """What the user does, without when."""
    words: str = _ACTIONS[type(action)](action)
    return words


def _fault_line(fault: Fault, when: When) -> str:
    if isinstance(when, OnCall) and _strikes_the_call(fault, when):
        return f"{_calls_words(when.calls, f'{_ordinal(when.nth)} ')} {_befalls(fault)}"
    if isinstance(when, AtStep) and getattr(fault, "process", "") == when.process:
        return f"{fault_words(fault)} before its {_ordinal(when.number)} step"
    return _line(fault_words(fault), when)


def _strikes_the_call(fault: Fault, when: OnCall) -> bool:
    """Whether the fault strikes the very call that arms it, and no other."""
    at_once = when.moment == "sent" and when.seconds == 0
    return (
        at_once and isinstance(fault, _ONE_CALL) and (fault.times, fault.calls) == (1, when.calls)
    )


def _line(what: str, when: When) -> str:
    match when:
        case AtStep():
            step = _ordinal(when.number)
            return f"{what} before the {step} step of {_process(when.process)}"
        case At(seconds=0):
            return f"at once, {what}"
        case At():
            return f"after {_span(when.seconds)}, {what}"
        case OnCall():
            calls = _calls_words(when.calls, f"{_ordinal(when.nth)} ")
            event = f"{calls} is {when.moment}"
            return f"{_moment(event, when.seconds)}, {what}"
        case OnPhase():
            times = "" if when.nth == 1 else f" for the {_ordinal(when.nth)} time"
            event = f"{workspace_name(when.workspace)} becomes {when.phase}{times}"
            return f"{_moment(event, when.seconds)}, {what}"


def _moment(event: str, seconds: float) -> str:
    return f"{_span(seconds)} after {event}" if seconds else f"as {event}"


# Requests.

_ONE_CALL = (
    vocabulary.ErrorBefore
    | vocabulary.ErrorAfter
    | vocabulary.Throttle
    | vocabulary.Slow
    | vocabulary.Conflicting
)
_PLURALS = {"apply": "applies", "patch": "patches", "watch": "watches"}


def _calls_words(calls: Calls, which: str, *, many: bool = False) -> str:
    verb = calls.verb or "call"
    noun = _PLURALS.get(verb, f"{verb}s") if many else verb
    whose = f"{_process(calls.actor)}'s " if calls.actor else "the " if which else "every "
    link = "about" if verb == "call" else "of"
    about = _object_words(calls)
    return f"{whose}{which}{noun}" + (f" {link} {about}" if about else "")


def _object_words(calls: Calls) -> str:
    kind = "/".join(part for part in (calls.kind, calls.subresource) if part)
    if calls.workspace is None:
        return f"a {kind}" if kind else ""
    name = workspace_name(calls.workspace)
    if calls.kind == "Workspace":
        return "/".join(part for part in (name, calls.subresource) if part)
    return f"{name}'s {kind or 'objects'}"


def _request_words(fault: Any) -> str:
    if fault.times == 1:
        return f"{_calls_words(fault.calls, 'next ')} {_befalls(fault)}"
    calls = _calls_words(fault.calls, f"next {fault.times} ", many=True)
    return f"{calls}: each {_befalls(fault)}"


def _befalls(fault: Any) -> str:
    if getattr(fault, "status", None) == BROKEN:
        arrives = isinstance(fault, vocabulary.ErrorAfter)
        what = "is carried out, but its" if arrives else "never arrives: its"
        return f"{what} connection breaks" + (" before the answer" if arrives else "")
    words: str = _REQUEST_FAULTS[type(fault)](fault)
    return words


_REQUEST_FAULTS: Mapping[type, Callable[[Any], str]] = {
    vocabulary.ErrorBefore: lambda it: f"is answered {it.status}, and not carried out",
    vocabulary.ErrorAfter: lambda it: f"is carried out, but answered {it.status}",
    vocabulary.Throttle: lambda it: (
        f"is answered 429 (retry after {it.retry_after} s), and not carried out"
    ),
    vocabulary.Slow: lambda it: f"is answered {_span(it.seconds)} late",
    vocabulary.Conflicting: lambda it: f"comes just after a foreign writer's change ({it.writes})",
}


def _denied(fault: vocabulary.WebhookDenies) -> str:
    calls = _calls_words(fault.calls, "")
    return f"for {_span(fault.seconds)} an admission webhook refuses {calls}"


# Watches.


def _watches(fault: Any) -> str:
    return f"{_process(fault.process)}'s watches" + (f" of {fault.kind}" if fault.kind else "")


# The cloud and nodes.


def _launches(fault: Any) -> str:
    whose = "the next" if fault.workspace is None else f"{workspace_name(fault.workspace)}'s next"
    return f"{whose} {_count(fault.times, 'launch', 'launches')}"


def _of(fault: Any) -> str:
    return f"{workspace_name(fault.workspace)}'s"


_FAULTS: Mapping[type, Callable[[Any], str]] = {
    vocabulary.Crash: lambda it: f"{_process(it.process)} crashes (down for {_span(it.down)})",
    vocabulary.StaleRestart: lambda it: (
        f"{_process(it.process)} crashes (down for {_span(it.down)}), and for {_span(it.heals)} "
        f"reads a cache that lags {_span(it.age)} behind"
    ),
    vocabulary.CancelTask: lambda it: f"a task of {_process(it.process)} is cancelled",
    vocabulary.Pause: lambda it: f"{_process(it.process)} is paused for {_span(it.seconds)}",
    vocabulary.ClockJump: lambda it: (
        f"{_process(it.process)}'s clock jumps {_span(abs(it.seconds))} "
        + ("back" if it.seconds < 0 else "ahead")
    ),
    vocabulary.SecondEngine: lambda it: (
        f"another engine works beside the first for {_span(it.seconds)}"
    ),
    vocabulary.ErrorBefore: _request_words,
    vocabulary.ErrorAfter: _request_words,
    vocabulary.Throttle: _request_words,
    vocabulary.Slow: _request_words,
    vocabulary.Conflicting: _request_words,
    vocabulary.Freeze: lambda it: f"{_watches(it)} deliver nothing for {_span(it.seconds)}",
    vocabulary.Gap: lambda it: (
        f"{_watches(it)} break for {_span(it.seconds)}, and what they missed is forgotten"
    ),
    vocabulary.Expire: lambda it: f"{_watches(it)} end with 410 Expired",
    vocabulary.HalfOpen: lambda it: f"{_watches(it)} stay open and never deliver again",
    vocabulary.BookmarksOnly: lambda it: (
        f"{_watches(it)} deliver nothing but bookmarks for {_span(it.seconds)}"
    ),
    vocabulary.ForeignDelete: lambda it: f"a stranger deletes one of {_of(it)} {it.kind}s",
    vocabulary.ForeignScale: lambda it: f"a stranger scales {_of(it)} StatefulSet to {it.replicas}",
    vocabulary.ForeignRelabel: lambda it: (
        f"a stranger takes the labels off one of {_of(it)} {it.kind}s for {_span(it.seconds)}"
    ),
    vocabulary.BringYourOwn: lambda it: f"a stranger makes objects named nearly as {_of(it)}",
    vocabulary.NamespaceTerminates: lambda _: "someone deletes the workspaces' namespace",
    vocabulary.WebhookDenies: _denied,
    vocabulary.KindMissing: lambda it: f"{it.kind} is not served for {_span(it.seconds)}",
    vocabulary.Quota: lambda it: f"quota refuses {_launches(it)}",
    vocabulary.LaunchFails: lambda it: f"the cloud fails {_launches(it)}",
    vocabulary.LaunchSlow: lambda it: (
        f"the cloud takes {_span(it.seconds)} longer for {_launches(it)}"
    ),
    vocabulary.LaunchLost: lambda it: f"the cloud forgets {_launches(it)}",
    vocabulary.SpotEviction: lambda it: f"one of {_of(it)} nodes is evicted",
    vocabulary.NodeNameReused: lambda it: (
        f"one of {_of(it)} nodes is replaced by another of the same name"
    ),
    vocabulary.GpusLate: lambda it: (
        f"GPUs appear {_span(it.seconds)} late on the nodes of {_launches(it)}"
    ),
    vocabulary.GpusLost: lambda it: (
        f"one of {_of(it)} nodes has no allocatable GPU for {_span(it.seconds)}"
    ),
    vocabulary.NodeSilent: lambda it: f"one of {_of(it)} nodes is silent for {_span(it.seconds)}",
    vocabulary.ZombieKubelet: lambda it: (
        f"one of {_of(it)} deleted nodes is written again by its kubelet"
    ),
    vocabulary.PullFails: lambda it: f"{_of(it)} images cannot be pulled for {_span(it.seconds)}",
    vocabulary.LoadSlow: lambda it: (
        f"{_of(it)} model takes {_span(it.seconds)} longer to load, {_times(it.times)}"
    ),
    vocabulary.LoadFails: lambda it: f"{_of(it)} model fails to load, {_times(it.times)}",
    vocabulary.OutOfMemory: lambda it: f"{_of(it)} model is killed for want of memory",
    vocabulary.ModelSilent: lambda it: f"{_of(it)} model falls silent while its server is ready",
    azure.AzureDenies: lambda it: (
        f"Azure lets nobody change agent pools for {_span(it.seconds)} ({it.why})"
    ),
    azure.ClusterBusy: lambda it: f"the AKS cluster is busy for {_span(it.seconds)}",
    azure.ListLags: lambda it: f"Azure's list of agent pools stands still for {_span(it.seconds)}",
    azure.BootFails: lambda it: (
        f"machines of {_launches(it)} fail to boot, and join {_span(it.joins_after)} later"
    ),
    azure.NodeNeverJoins: lambda it: f"no Node ever joins for {_launches(it)}",
    azure.GpusMissing: lambda it: f"a GPU is missing on the machines of {_launches(it)}",
    azure.DeletionFails: lambda it: (
        f"deleting agent pools fails for want of evictions, {_times(it.times)}"
    ),
    azure.DeletionSlow: lambda it: (
        f"deleting agent pools takes {_span(it.seconds)} longer, {_times(it.times)}"
    ),
    azure.PoolDeleted: lambda it: f"somebody deletes one of {_of(it)} agent pools",
    azure.PoolStopped: lambda it: (
        f"somebody stops one of {_of(it)} agent pools for {_span(it.seconds)}"
    ),
    azure.ImageUpgrade: lambda it: f"AKS upgrades the node image of one of {_of(it)} agent pools",
    azure.MachineLost: lambda it: f"one of {_of(it)} machines is gone without notice",
}

_ACTIONS: Mapping[type, Callable[[Any], str]] = {
    users.Create: lambda it: (
        f"a user creates {workspace_name(it.workspace)} with {_count(it.nodes, 'node')}"
        + (f" and preset {it.preset}" if it.preset else "")
        + (f", {_count(it.fallbacks, 'other instance type')} accepted" if it.fallbacks else "")
        + (f", as {it.capacity}" if it.capacity else "")
        + _through(it)
    ),
    users.Edit: lambda it: (
        f"a user changes what {workspace_name(it.workspace)} serves "
        + ("back to the first" if it.variant == 0 else f"to variant {it.variant}")
        + _through(it)
    ),
    users.Touch: lambda it: (
        f"a user changes an annotation of {workspace_name(it.workspace)}{_through(it)}"
    ),
    users.Delete: lambda it: f"a user deletes {workspace_name(it.workspace)}{_through(it)}",
    users.Recreate: lambda it: (
        f"a user deletes {workspace_name(it.workspace)} and creates it again with "
        f"{_count(it.nodes, 'node')}{_through(it)}"
    ),
    users.Force: lambda it: (
        f"a user deletes {workspace_name(it.workspace)} and strips its finalizers"
        + (", then creates it again" if it.recreates else "")
    ),
    users.Retry: lambda it: f"a user retries {workspace_name(it.workspace)}{_through(it)}",
    users.Look: lambda it: f"a user looks at {workspace_name(it.workspace)}",
}


def _through(action: Any) -> str:
    return "" if action.through == "grpc" else " through kubectl"


def _habits_words(habits: GrpcHabits) -> str:
    told = []
    if habits.repeats:
        told.append("clients send every write twice")
    if habits.gives_up:
        told.append(f"give up every {_ordinal(habits.gives_up)} call and ask again")
    if habits.resumes:
        told.append(f"lose their Watch after every {_ordinal(habits.resumes)} message")
    if told and habits == replace(habits, repeats=False):
        told[0] = f"clients {told[0]}"
    return ", ".join(told)


_PROCESSES = {"": "any process", "engine": "the engine", "api": "the API", "user": "the user"}


def _process(name: str) -> str:
    return _PROCESSES.get(name, name)


def _ordinal(number: int) -> str:
    teens = 10 < number % 100 < 20  # noqa: PLR2004 - 11th to 13th
    return f"{number}" + ("th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th"))


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _span(seconds: float) -> str:
    """``0.5s``, ``45s``, ``3m12s``."""
    if seconds < 60 and seconds % 1:  # noqa: PLR2004 - a minute
        return f"{seconds:g}s"
    return short(timedelta(seconds=seconds))
