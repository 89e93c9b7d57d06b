"""Required pod affinity and anti-affinity: beside which other pods a pod may run. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.controllers.label_selector import matches
from simulator.kubernetes.status import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

Domain = tuple[str, str]
"""A topology key and its value: all nodes that carry this label."""


class Place(Protocol):
    """A node, by its labels, and the pods bound to it."""

    @property
    def labels(self) -> Mapping[str, str]: ...

    @property
    def pods(self) -> Sequence[Object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the pods already placed mean for one pod that is not."""

    avoided: frozenset[Domain]
    refused: frozenset[Domain]
    sought: tuple[tuple[str, frozenset[str]], ...]

    def obstacle(self, labels: Mapping[str, str]) -> str | None:
        """Why a node of these labels will not do, in kube-scheduler's words."""
        for key, values in self.sought:
            if labels.get(key) not in values:
                return "node(s) didn't match pod affinity rules"
        if not self.avoided.isdisjoint(labels.items()):
            return "node(s) didn't match pod anti-affinity rules"
        if not self.refused.isdisjoint(labels.items()):
            return "node(s) didn't satisfy existing pods anti-affinity rules"
        return None


def surroundings(pod: Object, places: Sequence[Place]) -> Surroundings:
    avoided = {
        domain for term in _terms(pod, "podAntiAffinity") for domain in _domains(term, pod, places)
    }
    refused = {
        (term["topologyKey"], place.labels[term["topologyKey"]])
        for place in places
        for other in place.pods
        for term in _terms(other, "podAntiAffinity")
        if term["topologyKey"] in place.labels and _selects(term, other, pod)
    }
    return Surroundings(
        avoided=frozenset(avoided), refused=frozenset(refused), sought=tuple(_sought(pod, places))
    )


def _sought(pod: Object, places: Sequence[Place]) -> Iterator[tuple[str, frozenset[str]]]:
    """The first of a group that wants to be together may be anywhere: it matches itself."""
    for term in _terms(pod, "podAffinity"):
        values = frozenset(value for _, value in _domains(term, pod, places))
        if values or not _selects(term, pod, pod):
            yield term["topologyKey"], values


def _domains(term: Object, pod: Object, places: Iterable[Place]) -> Iterator[Domain]:
    """Where pods run that ``term`` of ``pod`` selects."""
    key = term["topologyKey"]
    for place in places:
        if key in place.labels and any(_selects(term, pod, other) for other in place.pods):
            yield key, place.labels[key]


def _selects(term: Object, owner: Object, other: Object) -> bool:
    """A term without a selector selects nothing; without namespaces, only its pod's own."""
    namespaces = term.get("namespaces") or [owner["metadata"]["namespace"]]
    everywhere = term.get("namespaceSelector") == {}
    if not everywhere and other["metadata"]["namespace"] not in namespaces:
        return False
    selector = term.get("labelSelector")
    return selector is not None and matches(selector, other["metadata"].get("labels", {}))


def _terms(pod: Object, kind: str) -> list[Object]:
    return list(pod["spec"].get("affinity", {}).get(kind, {}).get(_REQUIRED, ()))
