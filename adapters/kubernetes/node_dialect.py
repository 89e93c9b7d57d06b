"""The dialects in which nodes are asked for: Karpenter's NodeClaim, and Machine that came before.

Both say the same; kind, labels, names of conditions and a part of the spec differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.kubernetes.kinds import MACHINE, NODE_CLAIM, Kind
from adapters.kubernetes.labels import NODE_POOL_LABEL, PROVISIONER_LABEL, WORKSPACE_LABEL
from engine.nodes.claim import ClaimConditionType

Object = dict[str, Any]

NODE_CLASS = ("kaito.sh", "KaitoNodeClass")
"""Group and kind of the class whose claims are ours, as they are gpu-provisioner's."""

LIFECYCLE = (
    ClaimConditionType.LAUNCHED,
    ClaimConditionType.REGISTERED,
    ClaimConditionType.INITIALIZED,
    ClaimConditionType.READY,
)
"""In the order in which a node comes to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDialect:
    """``pool`` is the value of ``pool_label`` on claims that KAITO makes, and on their nodes.

    ``renamed`` has the conditions that are called otherwise than in ``ClaimConditionType``.
    ``provided_by`` is the part of a claim's spec, by the claim's name, that says who makes the
    node; ``ours`` says whether that is us.
    """

    kind: Kind
    pool_label: str
    pool: str
    renamed: Mapping[ClaimConditionType, str]
    provided_by: Callable[[str], Object]
    ours: Callable[[Object], bool]

    @property
    def lifecycle(self) -> tuple[str, ...]:
        """The names of the conditions that lead to readiness, in their order."""
        return tuple(self.condition_name(kind) for kind in LIFECYCLE)

    def condition_name(self, kind: ClaimConditionType) -> str:
        return self.renamed.get(kind, kind.value)

    def condition_type(self, name: str) -> ClaimConditionType | None:
        """None for a condition that others say of a claim."""
        named = (kind for kind in ClaimConditionType if self.condition_name(kind) == name)
        return next(named, None)


def _by_our_class(_name: str) -> Object:
    group, kind = NODE_CLASS
    return {
        "expireAfter": "Never",
        "nodeClassRef": {"group": group, "kind": kind, "name": "default"},
    }


def _names_our_class(item: Object) -> bool:
    """Any other claim is another provisioner's."""
    reference = item.get("spec", {}).get("nodeClassRef") or {}
    return (reference.get("group"), reference.get("kind")) == NODE_CLASS


def _by_its_own_template(name: str) -> Object:
    """KAITO names no template that exists; the schema wants a name."""
    return {"machineTemplateRef": {"name": name}}


def _is_of_a_workspace(item: Object) -> bool:
    """Machines have no class to tell them by."""
    return WORKSPACE_LABEL in (item["metadata"].get("labels") or {})


NODE_CLAIM_DIALECT = NodeDialect(
    kind=NODE_CLAIM,
    pool_label=NODE_POOL_LABEL,
    pool="kaito",
    renamed={},
    provided_by=_by_our_class,
    ours=_names_our_class,
)
MACHINE_DIALECT = NodeDialect(
    kind=MACHINE,
    pool_label=PROVISIONER_LABEL,
    pool="default",
    renamed={
        ClaimConditionType.LAUNCHED: "MachineLaunched",
        ClaimConditionType.REGISTERED: "MachineRegistered",
        ClaimConditionType.INITIALIZED: "MachineInitialized",
    },
    provided_by=_by_its_own_template,
    ours=_is_of_a_workspace,
)
