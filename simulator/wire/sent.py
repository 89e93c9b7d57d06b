"""What a request asks for, read from its method and path: what faults and records go by."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simulator.faults.triggers import Calls
from simulator.history import History, workspace_of
from simulator.kubernetes.json_values import decode
from simulator.kubernetes.status import Object

KINDS = {
    "workspaces": "Workspace",
    "nodeclaims": "NodeClaim",
    "nodes": "Node",
    "pods": "Pod",
    "services": "Service",
    "events": "Event",
    "statefulsets": "StatefulSet",
    "namespaces": "Namespace",
    "leases": "Lease",
    "configmaps": "ConfigMap",
}
AGENT_POOL = "AgentPool"
"""Azure's, not Kubernetes': each bears the name of its node claim."""

_SELECTED = re.compile(r"kaito\.sh/workspace=([^,&]+)")
_VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request on its way; ``verb`` is a Kubernetes verb, with server-side apply apart."""

    actor: str
    method: str
    verb: str
    kind: str
    namespace: str
    name: str
    subresource: str
    target: str
    body: Object | None

    @property
    def writes(self) -> bool:
        return self.verb not in {"get", "list", "watch"}


def workspace_name(number: int) -> str:
    """What a plan's workspaces are called."""
    return f"w{number}"


def sent(actor: str, method: str, target: str, media_type: str, body: bytes) -> Sent:
    path, is_watch = _path(target)
    kind, namespace, name, subresource = _place(path)
    value = decode(body) if body else None
    if kind == "Namespace" and not name:
        namespace = ""
    if method == "POST" and isinstance(value, dict):
        name = (value.get("metadata") or {}).get("name", "")
    return Sent(
        actor=actor,
        method=method,
        verb=_verb(method, media_type, named=bool(name), is_watch=is_watch),
        kind=kind,
        namespace=namespace,
        name=name,
        subresource=subresource,
        target=target,
        body=value if isinstance(value, dict) else None,
    )


def _verb(method: str, media_type: str, *, named: bool, is_watch: bool) -> str:
    if method == "GET":
        if is_watch:
            return "watch"
        return "get" if named else "list"
    if method == "PATCH":
        return "apply" if "apply-patch" in media_type else "patch"
    return _VERBS.get(method, method.lower())


@lru_cache(maxsize=4096)
def _path(target: str) -> tuple[str, bool]:
    parts = urlsplit(target)
    return parts.path, parse_qs(parts.query).get("watch") == ["true"]


@lru_cache(maxsize=4096)
def _place(path: str) -> tuple[str, str, str, str]:
    """Kind, namespace, name and subresource."""
    parts = [part for part in path.split("/") if part]
    rest = parts[2:] if parts[:1] == ["api"] else parts[3:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:  # noqa: PLR2004 - a namespace and what is in it
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource, *_ = [*rest, "", "", ""]
    return KINDS.get(plural, plural), namespace, name, subresource


def matches(calls: Calls, request: Sent, history: History) -> bool:
    """Whether the request is one of those meant."""
    return (
        request.actor.startswith(calls.actor)
        and calls.kind in ("", request.kind)
        and (calls.verb in ("", request.verb) or (calls.verb == "write" and request.writes))
        and calls.subresource in ("", request.subresource)
        and (
            calls.workspace is None
            or workspace_of_request(request, history) == workspace_name(calls.workspace)
        )
    )


def workspace_of_request(request: Sent, history: History) -> str:
    """The name of the workspace that a request is about, "" where it is about none alone."""
    if request.kind == "Workspace":
        return request.name
    kind = "NodeClaim" if request.kind == AGENT_POOL else request.kind
    known: Any = history.objects.get((kind, request.namespace, request.name))
    for obj in (known, request.body):
        if obj is not None and "kind" in obj and "metadata" in obj:
            owner = workspace_of(obj)
            if owner is not None:
                return owner[1]
    if request.kind == "Event" and request.body is not None:
        return str((request.body.get("involvedObject") or {}).get("name", ""))
    selected = _SELECTED.search(request.target.replace("%3D", "=").replace("%2F", "/"))
    return selected[1] if selected else ""
