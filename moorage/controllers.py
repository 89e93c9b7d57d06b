"""The parts of Moorage that can run apart, and what the cluster must let each of them do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.provisioning import Provisioner
from moorage.failure import ExitCode, Failure


class Controller(StrEnum):
    """``WORKSPACE`` serves workspaces, ``NODE`` makes agent pools of node claims."""

    WORKSPACE = "workspace"
    NODE = "node"


class NodeApi(StrEnum):
    """The dialect in which nodes are asked for."""

    NODE_CLAIM = "nodeclaim"
    MACHINE = "machine"


def controllers_named(text: str) -> frozenset[Controller]:
    """Separated by commas. Raises Failure where one is none of ours."""
    try:
        return frozenset(Controller(name.strip()) for name in text.split(","))
    except ValueError as error:
        raise Failure(
            f"--controllers: {error}",
            details=[f"give one or several of {', '.join(Controller)}"],
            exit_code=ExitCode.INVALID,
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one resource needs, as RBAC has it; ``resource`` may name a subresource."""

    group: str
    resource: str
    verbs: tuple[str, ...]


_SEEN = ("get", "list", "watch")

_ANY = (
    Rule(group="apiextensions.k8s.io", resource="customresourcedefinitions", verbs=("get",)),
    Rule(group="apps", resource="daemonsets", verbs=("list",)),
    Rule(group="apps", resource="deployments", verbs=("list",)),
    Rule(group="", resource="events", verbs=("create",)),
)
"""The first three are for the preflight only."""

_WORKSPACE = (
    Rule(
        group="kaito.sh",
        resource="workspaces",
        verbs=(*_SEEN, "create", "update", "patch", "delete"),
    ),
    Rule(group="kaito.sh", resource="workspaces/status", verbs=("patch",)),
    Rule(group="", resource="nodes", verbs=("get", "list", "watch", "patch")),
    Rule(group="", resource="pods", verbs=("list", "watch", "delete")),
    Rule(group="", resource="services", verbs=("list", "watch", "create", "patch", "delete")),
    Rule(
        group="apps",
        resource="statefulsets",
        verbs=("list", "watch", "create", "patch", "delete"),
    ),
)

_NODE = (
    Rule(group="", resource="nodes", verbs=("list", "watch", "patch", "delete")),
    Rule(group="", resource="pods", verbs=("list",)),
    Rule(group="", resource="pods/eviction", verbs=("create",)),
)

_CLAIMS = {
    NodeApi.NODE_CLAIM: ("karpenter.sh", "nodeclaims"),
    NodeApi.MACHINE: ("karpenter.sh", "machines"),
}


_POOLS = Rule(
    group="karpenter.sh", resource="nodepools", verbs=(*_SEEN, "create", "patch", "delete")
)


def definitions_needed(
    controllers: Iterable[Controller],
    node_api: NodeApi,
    provisioner: Provisioner = Provisioner.NODE_CLAIM,
) -> list[str]:
    """Names of the CRDs."""
    group, claims = _CLAIMS[node_api]
    if Controller.WORKSPACE not in controllers:
        return [f"{claims}.{group}"]
    pools = ["nodepools.karpenter.sh"] if provisioner is Provisioner.NODE_POOL else []
    return ["workspaces.kaito.sh", f"{claims}.{group}", *pools]


def rules(
    controllers: Iterable[Controller],
    node_api: NodeApi,
    provisioner: Provisioner = Provisioner.NODE_CLAIM,
) -> list[Rule]:
    """One for each resource, in order of group and name; verbs in order of the alphabet."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for rule in _needed(set(controllers), node_api, provisioner):
        verbs.setdefault((rule.group, rule.resource), set()).update(rule.verbs)
    return [
        Rule(group=group, resource=resource, verbs=tuple(sorted(verbs[group, resource])))
        for group, resource in sorted(verbs)
    ]


def _needed(
    controllers: set[Controller], node_api: NodeApi, provisioner: Provisioner
) -> Iterator[Rule]:
    group, claims = _CLAIMS[node_api]
    yield from _ANY
    if Controller.WORKSPACE in controllers:
        yield from _WORKSPACE
        yield Rule(group=group, resource=claims, verbs=(*_SEEN, "create", "delete"))
        if provisioner is Provisioner.NODE_POOL:
            yield _POOLS
    if Controller.NODE in controllers:
        yield from _NODE
        yield Rule(group=group, resource=claims, verbs=(*_SEEN, "patch"))
        yield Rule(group=group, resource=f"{claims}/status", verbs=("patch",))
