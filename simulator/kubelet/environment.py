"""A container's environment, command and arguments, resolved as Kubernetes does.

Sources: the API reference of ``EnvVar`` and ``Container``. ``$(NAME)`` stands for a variable
defined earlier, ``$$(NAME)`` for the literal text, and an unknown name is left as it is.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from simulator.kubelet.content import decode_config_map, decode_secret
from simulator.kubelet.resources import resource_field
from simulator.kubernetes.status import Object

FindObject = Callable[[str, str], Object | None]
"""Kind and name of an object in the pod's namespace → the object, if there is one."""

_REFERENCE = re.compile(r"\$\$|\$\(([^()\s]+)\)")
_MAP_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_FIELDS = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "metadata.uid": ("metadata", "uid"),
    "spec.nodeName": ("spec", "nodeName"),
    "spec.serviceAccountName": ("spec", "serviceAccountName"),
    "status.hostIP": ("status", "hostIP"),
    "status.podIP": ("status", "podIP"),
}


class ConfigError(Exception):
    """The container can't be configured yet: something it refers to is missing."""


def resolve_environment(pod: Object, container: Object, find: FindObject) -> dict[str, str]:
    """The variables of ``envFrom`` and ``env``, later ones winning.

    Raises ConfigError naming the Secret, ConfigMap, key or field that is missing.
    """
    variables: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        variables |= _from_source(source, find)
    for entry in container.get("env") or ():
        value = _value(entry, variables, pod, container, find)
        if value is not None:
            variables[entry["name"]] = value
    return variables


def expand(text: str, variables: Mapping[str, str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else variables.get(name, match.group(0))

    return _REFERENCE.sub(replacement, text)


def expand_all(texts: Sequence[str] | None, variables: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(expand(text, variables) for text in texts or ())


def pod_field(pod: Object, path: str) -> str:
    """A downward API field as text. Raises ConfigError where the API offers no such field."""
    if path in ("metadata.labels", "metadata.annotations"):
        values = pod["metadata"].get(path.removeprefix("metadata.")) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))
    if (match := _MAP_FIELD.fullmatch(path)) is not None:
        return str((pod["metadata"].get(match.group(1)) or {}).get(match.group(2), ""))
    if path == "status.podIPs":
        return ",".join(entry["ip"] for entry in pod.get("status", {}).get("podIPs") or ())
    if path not in _FIELDS:
        raise ConfigError(f"field path {path!r} is not supported by the downward API")
    section, key = _FIELDS[path]
    return str(pod.get(section, {}).get(key) or "")


def _from_source(source: Object, find: FindObject) -> dict[str, str]:
    prefix = source.get("prefix", "")
    kind, reference = (
        ("ConfigMap", source["configMapRef"])
        if source.get("configMapRef")
        else ("Secret", source["secretRef"])
    )
    found = _require(kind, reference, find)
    return {prefix + key: value.decode() for key, value in _data(kind, found).items()}


def _value(
    entry: Object, variables: Mapping[str, str], pod: Object, container: Object, find: FindObject
) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(str(entry.get("value") or ""), variables)
    if field := source.get("fieldRef"):
        return pod_field(pod, field["fieldPath"])
    if resource := source.get("resourceFieldRef"):
        return resource_field(pod, container, resource)
    if reference := source.get("configMapKeyRef"):
        return _key("ConfigMap", reference, find)
    if reference := source.get("secretKeyRef"):
        return _key("Secret", reference, find)
    raise ConfigError(f"environment variable {entry['name']!r} has an unknown source")


def _key(kind: str, reference: Object, find: FindObject) -> str | None:
    data = _data(kind, _require(kind, reference, find))
    if reference["key"] in data:
        return data[reference["key"]].decode()
    if reference.get("optional"):
        return None
    raise ConfigError(f"couldn't find key {reference['key']} in {kind} {reference['name']}")


def _require(kind: str, reference: Object, find: FindObject) -> Object | None:
    found = find(kind, reference["name"])
    if found is None and not reference.get("optional"):
        raise ConfigError(f'{kind.lower()} "{reference["name"]}" not found')
    return found


def _data(kind: str, found: Object | None) -> dict[str, bytes]:
    if found is None:
        return {}
    return decode_secret(found) if kind == "Secret" else decode_config_map(found)
