"""OpenAPI v3 documents: what kubectl validates by, merges by and explains from."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from simulator.kubernetes.built_in_schemas import BuiltInSchemas
from simulator.kubernetes.json_values import encode
from simulator.kubernetes.patching import patch_types
from simulator.kubernetes.registry import Registry
from simulator.kubernetes.resources import Origin, Resource
from simulator.kubernetes.status import Object

_FIELD_VALIDATION = {
    "name": "fieldValidation",
    "in": "query",
    "description": "What to do with unknown or duplicate fields: Ignore, Warn or Strict.",
    "schema": {"type": "string", "uniqueItems": True},
}
"""kubectl validates on the server only where PATCH declares this parameter."""
_DRY_RUN = {
    "name": "dryRun",
    "in": "query",
    "description": "With All, every check is made and nothing is stored.",
    "schema": {"type": "string", "uniqueItems": True},
}


class OpenApi:
    """Documents by group and version, made when asked for and kept until the kinds change."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._documents: dict[str, bytes] = {}
        self._made_at = -1

    def index(self) -> Object:
        paths = {}
        for group, versions in self._registry.group_versions().items():
            for version in versions:
                path = f"apis/{group}/{version}" if group else f"api/{version}"
                digest = sha256(self.document(group, version)).hexdigest()[:32].upper()
                paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
        return {"paths": paths}

    def document(self, group: str, version: str) -> bytes:
        """The encoded document; b"" where the version is not served."""
        if self._made_at != self._registry.changes:
            self._documents.clear()
            self._made_at = self._registry.changes
        name = f"{group}/{version}"
        if name not in self._documents:
            resources = self._registry.in_group_version(group, version)
            self._documents[name] = encode(_document(name, resources)) if resources else b""
        return self._documents[name]


def _document(name: str, resources: list[Resource]) -> Object:
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    built_in = BuiltInSchemas.load()
    for resource in resources:
        component = f"{resource.group or 'core'}.{resource.version}.{resource.kind}"
        schemas |= _schemas(resource, component, built_in)
        paths |= _paths(resource, component)
    return {
        "openapi": "3.0.0",
        "info": {"title": f"Kubernetes {name}", "version": "v1.37.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _schemas(resource: Resource, component: str, built_in: BuiltInSchemas) -> Mapping[str, Object]:
    own_type = [_gvk(resource)]
    if resource.origin is Origin.CUSTOM:
        schema = {**(resource.schema or {}), "x-kubernetes-group-version-kind": own_type}
        schema["properties"] = {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            **(schema.get("properties") or {}),
            "metadata": built_in.reference("v1.ObjectMeta"),
        }
        return {component: schema, **built_in.closure("v1.ObjectMeta")}
    found = built_in.of_resource(resource)
    if found is None:
        return {
            component: {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "x-kubernetes-group-version-kind": own_type,
            }
        }
    name, closure = found
    root = {**closure[name], "x-kubernetes-group-version-kind": own_type}
    return {**closure, component: root}


def _gvk(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _paths(resource: Resource, component: str) -> Mapping[str, Object]:
    base = f"/apis/{resource.group}" if resource.group else "/api"
    root = f"{base}/{resource.version}"
    if resource.namespaced:
        root += "/namespaces/{namespace}"
    collection = f"{root}/{resource.plural}"
    body = {"$ref": f"#/components/schemas/{component}"}
    one = {
        "get": _operation(resource, "get", body),
        "put": _operation(resource, "put", body, writes=True),
        "patch": _operation(resource, "patch", body, writes=True),
        "delete": _operation(resource, "delete", body),
    }
    many = {
        "get": _operation(resource, "list", body),
        "post": _operation(resource, "post", body, writes=True),
    }
    return {collection: many, f"{collection}/{{name}}": one}


def _operation(resource: Resource, action: str, body: Object, *, writes: bool = False) -> Object:
    operation: Object = {
        "operationId": f"{action}{resource.group}{resource.version}{resource.kind}",
        "parameters": [_DRY_RUN, _FIELD_VALIDATION] if writes else [],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": body}}}
        },
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _gvk(resource),
    }
    if action == "patch":
        content = {each.value: {"schema": {"type": "object"}} for each in patch_types(resource)}
        operation["requestBody"] = {"content": content}
    elif writes:
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return operation
