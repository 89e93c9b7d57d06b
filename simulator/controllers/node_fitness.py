"""Whether a pod may run on a node, why not, and how well it would sit there. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from simulator.controllers import label_selector
from simulator.controllers.pod_affinity import Surroundings
from simulator.controllers.pod_resources import requests
from simulator.controllers.quantities import Resources, parse_all, total
from simulator.controllers.taints import condition_taints, describe, untolerated
from simulator.kubernetes.status import Object

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A node, and what the unfinished ``pods`` bound to it leave of it."""

    name: str
    labels: Mapping[str, str]
    is_cordoned: bool
    taints: Sequence[Object]
    allocatable: Resources
    used: Resources
    pods: Sequence[Object]


def candidate_of(node: Object, pods: Sequence[Object]) -> Candidate:
    spec, status = node.get("spec", {}), node.get("status", {})
    return Candidate(
        name=node["metadata"]["name"],
        labels=node["metadata"].get("labels", {}),
        is_cordoned=bool(spec.get("unschedulable")),
        taints=[*spec.get("taints", ()), *condition_taints(node)],
        allocatable=parse_all(status.get("allocatable") or status.get("capacity") or {}),
        used=total(map(requests, pods)),
        pods=pods,
    )


def obstacles(pod: Object, candidate: Candidate, around: Surroundings) -> list[str]:
    """Why ``pod`` may not run there, in the scheduler's words; empty where it may.

    As in kube-scheduler, the first failing filter speaks; only resources list all that is short.
    """
    if candidate.is_cordoned:
        return ["node(s) were unschedulable"]
    for taint in untolerated(pod, candidate.taints, ("NoSchedule", "NoExecute")):
        return [f"node(s) had untolerated taint {describe(taint)}"]
    if not _selected(pod, candidate):
        return ["node(s) didn't match Pod's node affinity/selector"]
    shortages = _shortages(pod, candidate)
    obstacle = None if shortages else around.obstacle(candidate.labels)
    return [obstacle] if obstacle else shortages


def preference(pod: Object, candidate: Candidate) -> tuple[Decimal, ...]:
    """Orders nodes that fit: the smaller the better."""
    affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    liked = sum(
        term["weight"]
        for term in affinity.get("preferredDuringSchedulingIgnoredDuringExecution", ())
        if _term_holds(term["preference"], candidate)
    )
    avoided = sum(1 for _ in untolerated(pod, candidate.taints, ("PreferNoSchedule",)))
    return (Decimal(-liked), Decimal(avoided), _load(pod, candidate))


def _selected(pod: Object, candidate: Candidate) -> bool:
    selector = pod["spec"].get("nodeSelector", {})
    if any(candidate.labels.get(key) != value for key, value in selector.items()):
        return False
    affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term_holds(term, candidate) for term in required["nodeSelectorTerms"])


def _term_holds(term: Object, candidate: Candidate) -> bool:
    """A term without requirements matches no node (core/v1 NodeSelectorTerm)."""
    expressions = term.get("matchExpressions", ())
    fields = term.get("matchFields", ())
    if not expressions and not fields:
        return False
    return all(
        label_selector.requirement_holds(item, candidate.labels) for item in expressions
    ) and all(
        label_selector.requirement_holds(item, {"metadata.name": candidate.name}) for item in fields
    )


def _shortages(pod: Object, candidate: Candidate) -> list[str]:
    used, allocatable = candidate.used, candidate.allocatable
    short = [
        name
        for name, amount in requests(pod).items()
        if amount and used.get(name, _NOTHING) + amount > allocatable.get(name, _NOTHING)
    ]
    return ["Too many pods" if name == "pods" else f"Insufficient {name}" for name in sorted(short)]


def _load(pod: Object, candidate: Candidate) -> Decimal:
    """The fullest share of the node's resources, were the pod placed there."""
    allocatable = candidate.allocatable
    wanted = total([candidate.used, requests(pod)])
    return max(wanted[name] / allocatable[name] for name in wanted if allocatable.get(name))
