"""What the API serves, in the two forms clients ask for: aggregated (v2) and one by one."""

from collections.abc import Iterable

from simulator.kubernetes.http_messages import Request, Response, json_response
from simulator.kubernetes.json_values import encode
from simulator.kubernetes.registry import Registry
from simulator.kubernetes.resources import Resource, Subresource
from simulator.kubernetes.status import Object

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def index(registry: Registry, request: Request, *, core: bool) -> Response:
    """The answer to ``/api`` (``core``) and ``/apis``."""
    if wants_aggregated(request):
        body = aggregated(registry, core=core)
        return Response(200, {"Content-Type": _AGGREGATED, "Vary": "Accept"}, encode(body))
    return json_response(core_versions(request) if core else group_list(registry))


def wants_aggregated(request: Request) -> bool:
    """Whether the client prefers the aggregated form that is served, v2."""
    for media in request.accepted():
        parameters = media.parameters
        if media.is_json and parameters.get("as") == "APIGroupDiscoveryList":
            if parameters.get("v") == "v2":
                return True
        elif media.is_json:
            return False
    return False


def aggregated(registry: Registry, *, core: bool) -> Object:
    groups = registry.group_versions()
    chosen = {group: versions for group, versions in groups.items() if (group == "") is core}
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": group, "creationTimestamp": None} if group else {},
                "versions": [
                    _version(registry.in_group_version(group, version), version)
                    for version in versions
                ],
            }
            for group, versions in chosen.items()
        ],
    }


def _version(resources: Iterable[Resource], version: str) -> Object:
    described = [_aggregated_resource(resource) for resource in resources]
    return {"version": version, "resources": described, "freshness": "Current"}


def _aggregated_resource(resource: Resource) -> Object:
    described = {
        "resource": resource.plural,
        "responseKind": _kind(resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
        "shortNames": list(resource.short_names),
        "categories": list(resource.categories),
        "subresources": [
            {
                "subresource": sub.name,
                "responseKind": _kind(sub.group, sub.version, sub.kind),
                "verbs": list(sub.verbs),
            }
            for sub in resource.subresources
        ],
    }
    return {key: value for key, value in described.items() if value != []}


def _kind(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}


def core_versions(request: Request) -> Object:
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": request.headers.get("host", "")}]
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": addresses,
    }


def group_list(registry: Registry) -> Object:
    groups = registry.group_versions()
    described = [_group(name, versions) for name, versions in groups.items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": described}


def group(registry: Registry, name: str) -> Object | None:
    """One group, or None where it is not served."""
    versions = registry.group_versions().get(name)
    if versions is None or not name:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}


def _group(name: str, versions: list[str]) -> Object:
    described = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": described, "preferredVersion": described[0]}


def resource_list(registry: Registry, group_name: str, version: str) -> Object | None:
    """The resources of one version, or None where it is not served."""
    resources = registry.in_group_version(group_name, version)
    if not resources:
        return None
    api_version = resources[0].api_version
    described = []
    for resource in resources:
        described.append(_plain_resource(resource))
        described += [_plain_subresource(resource, sub) for sub in resource.subresources]
    head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version}
    return {**head, "resources": described}


def _plain_resource(resource: Resource) -> Object:
    described = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
        "shortNames": list(resource.short_names),
        "categories": list(resource.categories),
    }
    return {key: value for key, value in described.items() if value != []}


def _plain_subresource(resource: Resource, sub: Subresource) -> Object:
    described = {
        "name": f"{resource.plural}/{sub.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": sub.kind,
        "verbs": list(sub.verbs),
    }
    if (sub.group, sub.version) != (resource.group, resource.version):
        described |= {"group": sub.group, "version": sub.version}
    return described
