"""Resource names: ``namespaces/{namespace}/workspaces/{workspace}`` and the like."""

import re

from engine.workspace import WorkspaceRef

ANY_NAMESPACE = "-"
PRESETS_PREFIX = "presets/"
INSTANCE_TYPES_PREFIX = "instanceTypes/"
_SEGMENT = r"[^/]+"
_WORKSPACE = re.compile(rf"namespaces/({_SEGMENT})/workspaces/({_SEGMENT})")
_NAMESPACE = re.compile(rf"namespaces/({_SEGMENT})")


def workspace_name(ref: WorkspaceRef) -> str:
    return f"namespaces/{ref.namespace}/workspaces/{ref.name}"


def parse_workspace_name(name: str) -> WorkspaceRef | None:
    """None where ``name`` is not a workspace's name."""
    match = _WORKSPACE.fullmatch(name)
    return WorkspaceRef(namespace=match[1], name=match[2]) if match else None


def parse_namespace_name(name: str) -> str | None:
    """The namespace, None where ``name`` is not a namespace's name."""
    match = _NAMESPACE.fullmatch(name)
    return match[1] if match else None
