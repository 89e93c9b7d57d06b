"""The account that Moorage runs as in a cluster, and what it may do there."""

from typing import Any

from moorage.controllers import Controller, NodeApi, rules

NAME = "moorage"
RBAC = "rbac.authorization.k8s.io"


def manifests() -> tuple[dict[str, Any], ...]:
    """For both parts, with nodes asked for by node claims."""
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
                for it in rules(Controller, NodeApi.NODE_CLAIM)
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
