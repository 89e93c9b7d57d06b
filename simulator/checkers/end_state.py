"""What a history ends with, without what chance decides: names, uids, versions, instants."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from simulator.checkers.reading import (
    REVISION_ANNOTATION,
    annotation,
    controllers,
    finalizers,
    is_deleting,
    is_true,
    name,
    ref,
    status,
)
from simulator.history import History, workspace_of
from simulator.kubernetes.status import Object

SPEC = ("resource", "inference", "tuning")

NO_END = frozenset({"Workspace", "ControllerRevision"})
"""What is told by itself, and by which ways a workload came to its end: an edit may be missed."""

EndState = dict[str, dict[str, Any]]
"""By workspace, and "others" for what belongs to none: facts by name, comparable with ``==``."""


def normalised_end_state(history: History) -> EndState:
    """The cluster at the end, comparable between histories of other seeds and other detours."""
    state: EndState = {"others": {"left behind": {}}}
    refs = {}
    for workspace in history.of_kind("Workspace"):
        state[ref(workspace)] = _workspace_facts(workspace)
        refs[workspace_of(workspace)] = ref(workspace)
    for obj in history.objects.values():
        owner = workspace_of(obj)
        if owner is None or obj["kind"] in NO_END:
            continue
        facts = state[refs[owner]] if owner in refs else state["others"]["left behind"]
        facts.setdefault(obj["kind"], Counter())[_shape(obj)] += 1
    return state


def differences(reference: History, other: History) -> Iterator[tuple[str, str, str]]:
    """About what the two ends differ, and what each says of it."""
    expected, found = normalised_end_state(reference), normalised_end_state(other)
    for subject in sorted(expected.keys() | found.keys()):
        ours, theirs = expected.get(subject, {}), found.get(subject, {})
        for fact in sorted(ours.keys() | theirs.keys()):
            if ours.get(fact) != theirs.get(fact):
                yield subject, f"{fact} {ours.get(fact)}", f"{fact} {theirs.get(fact)}"


def _workspace_facts(workspace: Object) -> dict[str, Any]:
    told = status(workspace)
    return {
        "spec": {field: workspace[field] for field in SPEC if field in workspace},
        "finalizers": sorted(finalizers(workspace)),
        "deleting": is_deleting(workspace),
        "phase": told.get("phase"),
        "plan": _chosen(told.get("plan") or {}),
        "conditions": sorted(
            (item["type"], item["status"], item["reason"]) for item in told.get("conditions") or ()
        ),
    }


def _chosen(plan: Object) -> dict[str, Any]:
    return {key: value for key, value in plan.items() if key != "why"}


def _shape(obj: Object) -> tuple[Any, ...]:
    """What an object comes to; those of the same shape are as good as one another."""
    match obj["kind"]:
        case "Service":
            return (name(obj), obj["spec"].get("type"), is_deleting(obj))
        case "StatefulSet":
            replicas = obj["spec"].get("replicas", 1)
            return (name(obj), replicas, annotation(obj, REVISION_ANNOTATION), is_deleting(obj))
        case "Pod":
            return (is_true(obj, "Ready"), annotation(obj, REVISION_ANNOTATION), is_deleting(obj))
        case "NodeClaim" | "Node":
            return (is_true(obj, "Ready"), is_deleting(obj))
        case _:
            return (len(controllers(obj)),)
