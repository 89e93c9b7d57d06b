"""The values that a search tries for each field of a fault, a trigger and a user's action.

Durations lie on both sides of what the product and the cluster wait for: a request's timeout, a
look after 15 or 60 seconds, a node's launch, the deadlines of the phases.
"""

from collections.abc import Mapping
from typing import Any

from engine.phase import Phase
from simulator.faults import azure_vocabulary as azure
from simulator.faults import users, vocabulary
from simulator.faults.triggers import Calls

BLINK = (0.05, 2.0, 12.0)
SPELL = (5.0, 40.0, 120.0, 400.0)
OUTAGE = (20.0, 90.0, 400.0, 1300.0, 2000.0)
"""The longest are beyond the deadlines of 20 and of 30 minutes."""

WATCHED = ("", "Workspace", "NodeClaim", "Node", "Pod", "StatefulSet", "Service")
PHASES = tuple(phase.value for phase in Phase)
ENGINE_CALLS = (
    ("write", "", ""),
    ("write", "Workspace", ""),
    ("write", "Workspace", "status"),
    ("patch", "Workspace", ""),
    ("write", "NodeClaim", ""),
    ("create", "NodeClaim", ""),
    ("delete", "NodeClaim", ""),
    ("write", "StatefulSet", ""),
    ("delete", "StatefulSet", ""),
    ("write", "Service", ""),
    ("delete", "Pod", ""),
    ("write", "Event", ""),
    ("get", "", ""),
    ("get", "Workspace", ""),
    ("list", "", ""),
    ("list", "Workspace", ""),
    ("list", "NodeClaim", ""),
    ("watch", "", ""),
)
"""Verb, kind and subresource of calls that are worth meeting."""
API_CALLS = (("create", "Workspace", ""), ("write", "Workspace", ""), ("get", "Workspace", ""))

_CALLS = tuple(
    Calls(actor=actor, verb=verb, kind=kind, subresource=subresource)
    for actor, shapes in (("engine", ENGINE_CALLS), ("api", API_CALLS))
    for verb, kind, subresource in shapes
)
CALLS = tuple(calls for calls in _CALLS if calls.actor == "engine")
"""Those that triggers wait for."""
WRITES = tuple(calls for calls in _CALLS if calls.verb not in {"get", "list", "watch"})
_STATUSES = (0, 409, 500, 503, 504)
_TIMES = (1, 1, 2, 5)

_CALLED: Mapping[str, tuple[Any, ...]] = {"calls": _CALLS, "times": _TIMES}
_PROCESS = {"process": ("engine", "engine", "api")}
_WATCH = {"process": ("engine", "engine", "api"), "kind": WATCHED}

FAULT_VALUES: Mapping[type, Mapping[str, tuple[Any, ...]]] = {
    vocabulary.Crash: {**_PROCESS, "down": (0.05, 1.0, 5.0, 60.0, 400.0, 1300.0)},
    vocabulary.StaleRestart: {
        **_PROCESS,
        "down": (0.05, 1.0, 30.0),
        "age": (5.0, 60.0, 300.0),
        "heals": (20.0, 120.0, 600.0),
    },
    vocabulary.CancelTask: _PROCESS,
    vocabulary.Pause: {**_PROCESS, "seconds": OUTAGE},
    vocabulary.ClockJump: {**_PROCESS, "seconds": (-3600.0, -90.0, -5.0, 5.0, 90.0, 3600.0)},
    vocabulary.SecondEngine: {"seconds": SPELL},
    vocabulary.ErrorBefore: {**_CALLED, "status": _STATUSES},
    vocabulary.ErrorAfter: {**_CALLED, "status": _STATUSES},
    vocabulary.Throttle: {**_CALLED, "retry_after": (1, 5, 30)},
    vocabulary.Slow: {**_CALLED, "seconds": (0.5, 5.0, 20.0, 90.0)},
    vocabulary.Conflicting: {
        "calls": WRITES,
        "times": _TIMES,
        "writes": ("annotation", "label", "finalizer", "condition"),
    },
    vocabulary.Freeze: {**_WATCH, "seconds": OUTAGE},
    vocabulary.Gap: {**_WATCH, "seconds": SPELL},
    vocabulary.Expire: _WATCH,
    vocabulary.HalfOpen: _WATCH,
    vocabulary.BookmarksOnly: {**_WATCH, "seconds": OUTAGE},
    vocabulary.ForeignDelete: {"kind": ("Service", "StatefulSet", "Pod", "NodeClaim")},
    vocabulary.ForeignScale: {"replicas": (0, 2, 3)},
    vocabulary.ForeignRelabel: {"kind": ("Node", "Service"), "seconds": SPELL},
    vocabulary.BringYourOwn: {},
    vocabulary.NamespaceTerminates: {},
    vocabulary.WebhookDenies: {"calls": WRITES, "seconds": SPELL},
    vocabulary.KindMissing: {"kind": WATCHED[1:], "seconds": SPELL},
    vocabulary.Quota: {"times": (1, 1, 2)},
    vocabulary.LaunchFails: {"times": (1, 1, 2)},
    vocabulary.LaunchSlow: {"times": (1, 2), "seconds": (120.0, 600.0, 1300.0, 2400.0)},
    vocabulary.LaunchLost: {"times": (1, 2)},
    vocabulary.SpotEviction: {},
    vocabulary.NodeNameReused: {},
    vocabulary.GpusLate: {"times": (1, 2), "seconds": (60.0, 300.0, 1300.0)},
    vocabulary.GpusLost: {"seconds": OUTAGE},
    vocabulary.NodeSilent: {"seconds": OUTAGE},
    vocabulary.ZombieKubelet: {},
    vocabulary.PullFails: {"seconds": OUTAGE},
    vocabulary.LoadSlow: {"times": (1, 2), "seconds": (120.0, 600.0, 2000.0)},
    vocabulary.LoadFails: {"times": (1, 2, 5, 12)},
    vocabulary.OutOfMemory: {},
    vocabulary.ModelSilent: {},
    azure.AzureDenies: {"why": ("policy", "role", "token"), "seconds": OUTAGE},
    azure.ClusterBusy: {"seconds": SPELL},
    azure.ListLags: {"seconds": SPELL},
    azure.BootFails: {"times": (1, 2), "joins_after": (5.0, 60.0, 600.0)},
    azure.NodeNeverJoins: {"times": (1, 2)},
    azure.GpusMissing: {"times": (1, 2)},
    azure.DeletionFails: {"times": (1, 2, 3)},
    azure.DeletionSlow: {"times": (1, 2), "seconds": (120.0, 900.0, 2400.0)},
    azure.PoolDeleted: {},
    azure.PoolStopped: {"seconds": SPELL},
    azure.ImageUpgrade: {},
    azure.MachineLost: {},
}
"""Each field's values apart from ``workspace``; one that is named twice is twice as likely."""

BAD_VARIANT = -1
"""An edit to something that can never be served."""
_THROUGH = {"through": ("grpc", "kubectl")}
ACTION_VALUES: Mapping[type, Mapping[str, tuple[Any, ...]]] = {
    users.Create: {**_THROUGH, "nodes": (1, 1, 1, 2), "preset": ("",) * 11 + ("bad",)},
    users.Edit: {**_THROUGH, "variant": (0, 1, 1, 2, 3, BAD_VARIANT)},
    users.Touch: {"through": ("kubectl",)},
    users.Delete: _THROUGH,
    users.Recreate: {**_THROUGH, "nodes": (1, 1, 2)},
    users.Force: {"recreates": (True, True, False)},
    users.Retry: _THROUGH,
    users.Look: {},
}
"""Each field's values apart from ``workspace`` and those below."""

ACCEPTED_VALUES: Mapping[str, tuple[Any, ...]] = {
    "fallbacks": (0, 0, 1, 2),
    "capacity": ("", "", "", "spot", "spot,on-demand"),
}
"""What else a workspace accepts, where quota and capacity are Azure's."""
