"""metav1.LabelSelector, and the operators that node affinity shares with it."""

from collections.abc import Mapping

from simulator.kubernetes.selectors import Requirement
from simulator.kubernetes.status import Object


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """An empty selector matches everything."""
    wanted = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(requirement_holds(item, labels) for item in selector.get("matchExpressions", ()))


def requirement_holds(requirement: Object, labels: Mapping[str, str]) -> bool:
    """Raises ValueError where Gt or Lt has not exactly one value."""
    values = frozenset(requirement.get("values", ()))
    return Requirement(requirement["key"], requirement["operator"], values).matches(labels)
