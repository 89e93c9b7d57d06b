"""The account that Moorage runs as in a cluster, and what it may do there."""

from typing import Any

from engine.provisioning import Provisioner
from moorage.controllers import Controller, NodeApi, Rule, rules

NAME = "moorage"
RBAC = "rbac.authorization.k8s.io"


def manifests() -> tuple[dict[str, Any], ...]:
    """For both parts, and for every way in which nodes are asked for."""
    account = {"name": NAME, "namespace": NAME}
    return (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": NAME},
            "rules": [
                {"apiGroups": [it.group], "resources": [it.resource], "verbs": list(it.verbs)}
                for it in _rules()
            ],
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": NAME},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": NAME},
            "subjects": [{"kind": "ServiceAccount", **account}],
        },
    )


def _rules() -> list[Rule]:
    found = {
        (it.group, it.resource): it
        for api in NodeApi
        for it in rules(Controller, api, Provisioner.NODE_POOL)
    }
    return [found[resource] for resource in sorted(found)]
