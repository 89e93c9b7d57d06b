"""Request bodies: JSON, YAML where apply sends it, and kubectl's protobuf."""

from typing import Any

import yaml

from simulator.kubernetes import errors, protobuf
from simulator.kubernetes.http_messages import JSON, Request
from simulator.kubernetes.json_values import decode
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import Object

PROTOBUF = "application/vnd.kubernetes.protobuf"
YAML = "application/yaml"


def read_object(request: Request) -> Object:
    """The body as an object; raises ApiError 400 or 415."""
    match request.media_type:
        case "application/json":
            value = read_json(request.body)
        case "application/vnd.kubernetes.protobuf":
            value = protobuf.decode(request.body)
        case "application/yaml":
            value = read_yaml(request.body)
        case _:
            raise errors.unsupported_media_type([JSON, YAML, PROTOBUF])
    if not isinstance(value, dict):
        raise errors.bad_request("the request body must be an object")
    return value


def read_optional_object(request: Request) -> Object:
    """As ``read_object``; an empty body is an empty object."""
    return read_object(request) if request.body.strip() else {}


def read_json(body: bytes) -> Any:
    try:
        return decode(body)
    except ValueError as error:
        raise errors.bad_request(f"the request body is not valid JSON: {error}") from None


def read_yaml(body: bytes) -> Any:
    """YAML, of which JSON is a part."""
    if body.lstrip().startswith(b"{"):
        return read_json(body)
    try:
        return yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise errors.bad_request(f"the request body is not valid YAML: {error}") from None


def checked(obj: Object, resource: Resource, *, namespace: str, name: str = "") -> Object:
    """``obj``, once it is of the kind and place that the URL says; raises ApiError 400."""
    _check_type(obj, resource)
    metadata = obj.get("metadata")
    if metadata is None:
        metadata = obj["metadata"] = {}
    if not isinstance(metadata, dict):
        raise errors.bad_request("metadata must be an object")
    own_namespace = metadata.get("namespace") or ""
    if resource.namespaced and own_namespace not in {"", namespace}:
        raise errors.bad_request(
            f"the namespace of the provided object does not match the namespace sent on the "
            f"request: {own_namespace!r} is not {namespace!r}"
        )
    own_name = metadata.get("name") or ""
    if name and own_name not in {"", name}:
        raise errors.bad_request(
            f"the name of the object ({own_name}) does not match the name on the URL ({name})"
        )
    if name:
        metadata["name"] = name
    if resource.namespaced:
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    return obj


def _check_type(obj: Object, resource: Resource) -> None:
    kind = obj.setdefault("kind", resource.kind) or resource.kind
    api_version = obj.setdefault("apiVersion", resource.api_version) or resource.api_version
    if (kind, api_version) != (resource.kind, resource.api_version):
        raise errors.bad_request(
            f"{kind} in version {api_version!r} was sent where {resource.kind} in version "
            f"{resource.api_version!r} is served"
        )
