"""The Workspace CRD, in KAITO's versions and with the columns that its users read.

``deploy/crds`` holds what this makes, and a test keeps it current: ``make generated``.
"""

from typing import Any

from adapters.kubernetes.workspace_schema import workspace_schema

Object = dict[str, Any]

V1ALPHA1_INSTANCE_TYPE = "Standard_NC24ads_A100_v4"
"""The default that KAITO's v1alpha1 schema carries since v0.4.2."""


def _column(name: str, path: str, kind: str = "string", priority: int = 0) -> Object:
    return {"name": name, "type": kind, "jsonPath": path, "priority": priority}


def _condition_column(name: str, condition: str) -> Object:
    return _column(name, f'.status.conditions[?(@.type=="{condition}")].status')


COLUMNS = [
    _column("Instance", ".resource.instanceType"),
    _condition_column("ResourceReady", "ResourceReady"),
    _condition_column("InferenceReady", "InferenceReady"),
    _condition_column("JobStarted", "JobStarted"),
    _condition_column("WorkspaceReady", "WorkspaceReady"),
    _column("State", ".status.state"),
    _column("Age", ".metadata.creationTimestamp", "date"),
    _column("TargetNodeCount", ".status.targetNodeCount", "integer", 1),
    _column("Phase", ".status.phase", "string", 1),
    _column("WaitingFor", ".status.waitingFor", "string", 1),
    _column("Until", ".status.deadline", "string", 1),
]


def _version(name: str, default_instance_type: str, *, storage: bool) -> Object:
    return {
        "name": name,
        "served": True,
        "storage": storage,
        "subresources": {"status": {}},
        "additionalPrinterColumns": COLUMNS,
        "schema": {
            "openAPIV3Schema": workspace_schema(default_instance_type=default_instance_type)
        },
    }


def workspace_crd() -> Object:
    """The CustomResourceDefinition of ``workspaces.kaito.sh``, v1alpha1 and v1beta1."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "workspaces.kaito.sh"},
        "spec": {
            "group": "kaito.sh",
            "scope": "Namespaced",
            "names": {
                "kind": "Workspace",
                "listKind": "WorkspaceList",
                "plural": "workspaces",
                "singular": "workspace",
                "shortNames": ["wk", "wks"],
                "categories": ["workspace"],
            },
            "versions": [
                _version("v1alpha1", V1ALPHA1_INSTANCE_TYPE, storage=False),
                _version("v1beta1", "", storage=True),
            ],
        },
    }
