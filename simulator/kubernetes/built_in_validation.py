"""Checks of built-in kinds that people and controllers run into (pkg/apis/*/validation)."""

from collections.abc import Callable, Iterator, Mapping

from simulator.kubernetes import definition_validation, field_errors
from simulator.kubernetes.names import NameRule, label_value_problems, name_problems
from simulator.kubernetes.status import Cause, Object

_Check = Callable[[Object, Object | None], Iterator[Cause]]
_MUTABLE_POD_FIELDS = frozenset(
    {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"}
)
_MUTABLE_STATEFUL_SET_FIELDS = frozenset(
    {
        "minReadySeconds",
        "ordinals",
        "persistentVolumeClaimRetentionPolicy",
        "replicas",
        "revisionHistoryLimit",
        "template",
        "updateStrategy",
    }
)
_RESTART_POLICIES = ("Always", "OnFailure", "Never")


def problems(collection: str, obj: Object, live: Object | None) -> list[Cause]:
    """Everything wrong with ``obj``; ``live`` is what an update replaces."""
    check = _CHECKS.get(collection)
    return [] if check is None else list(check(obj, live))


def _pod(pod: Object, live: Object | None) -> Iterator[Cause]:
    if live is None:
        yield from _pod_spec(pod["spec"], "spec")
    elif _immutable_part(pod) != _immutable_part(live) or _moves(pod, live):
        yield field_errors.forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
            "(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` "
            "(allow it to be set to 1 if it was previously negative)",
        )


def _immutable_part(pod: Object) -> Object:
    """Binding a pod to its node is an update here: in-process schedulers have no subresource."""
    fixed = {key: value for key, value in pod["spec"].items() if key not in _MUTABLE_POD_FIELDS}
    fixed.pop("nodeName", None)
    for group in ("containers", "initContainers"):
        if group in fixed:
            fixed[group] = [{**each, "image": ""} for each in fixed[group]]
    return fixed


def _moves(pod: Object, live: Object) -> bool:
    node = live["spec"].get("nodeName")
    return bool(node) and pod["spec"].get("nodeName") != node


def _pod_spec(spec: Object, at: str) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield field_errors.required(f"{at}.containers")
    if spec.get("restartPolicy") not in _RESTART_POLICIES:
        yield field_errors.not_supported(
            f"{at}.restartPolicy", spec.get("restartPolicy"), _RESTART_POLICIES
        )
    names: set[str] = set()
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or ()):
            here = f"{at}.{group}[{index}]"
            yield from _container(container, here, names)
            yield from _mounts(container, here, volumes)


def _container(container: Object, at: str, names: set[str]) -> Iterator[Cause]:
    name = container.get("name")
    if not name:
        yield field_errors.required(f"{at}.name")
    else:
        for problem in name_problems(name, NameRule.DNS_LABEL):
            yield field_errors.invalid(f"{at}.name", name, problem)
        if name in names:
            yield field_errors.duplicate(f"{at}.name", name)
        names.add(name)
    if not container.get("image"):
        yield field_errors.required(f"{at}.image")


def _mounts(container: Object, at: str, volumes: set[str | None]) -> Iterator[Cause]:
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        here = f"{at}.volumeMounts[{index}]"
        if mount.get("name") not in volumes:
            yield Cause(
                reason="FieldValueNotFound",
                message=f"Not found: {field_errors.quoted(mount.get('name'))}",
                field=f"{here}.name",
            )
        if not mount.get("mountPath"):
            yield field_errors.required(f"{here}.mountPath")


def _workload(obj: Object, live: Object | None) -> Iterator[Cause]:
    """Kinds whose pods follow a template, chosen by a selector that never changes."""
    spec = obj["spec"]
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    labels = ((spec["template"].get("metadata") or {}).get("labels")) or {}
    if not spec.get("selector"):
        yield field_errors.required("spec.selector")
    elif any(labels.get(key) != value for key, value in selector.items()):
        yield field_errors.invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        )
    if live is not None and live["spec"].get("selector") != spec.get("selector"):
        yield field_errors.invalid("spec.selector", spec.get("selector"), "field is immutable")
    if isinstance(replicas := spec.get("replicas", 0), int) and replicas < 0:
        yield field_errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
    yield from _pod_spec(spec["template"]["spec"], "spec.template.spec")


def _stateful_set(obj: Object, live: Object | None) -> Iterator[Cause]:
    yield from _workload(obj, live)
    if live is not None and _fixed(obj) != _fixed(live):
        yield field_errors.forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
            "'template', 'updateStrategy', 'revisionHistoryLimit', "
            "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        )


def _fixed(stateful_set: Object) -> Object:
    spec = stateful_set["spec"]
    return {key: spec[key] for key in spec if key not in _MUTABLE_STATEFUL_SET_FIELDS}


def _job(job: Object, live: Object | None) -> Iterator[Cause]:
    spec = job["spec"]
    template = spec["template"]["spec"]
    if template.get("restartPolicy") == "Always":
        yield field_errors.required(
            "spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'
        )
    yield from _pod_spec(template, "spec.template.spec")
    if live is not None and live["spec"]["template"] != spec["template"]:
        yield field_errors.invalid_whole("spec.template", "field is immutable")


def _service(service: Object, live: Object | None) -> Iterator[Cause]:
    spec = service["spec"]
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield field_errors.required("spec.ports")
    names: set[str] = set()
    for index, port in enumerate(ports):
        at = f"spec.ports[{index}]"
        if len(ports) > 1 and not port.get("name"):
            yield field_errors.required(f"{at}.name")
        elif port.get("name") in names:
            yield field_errors.duplicate(f"{at}.name", port["name"])
        names.add(port.get("name", ""))
        yield from _port_number(port.get("port"), f"{at}.port")
    if live is not None and _loses_address(service, live):
        yield field_errors.invalid(
            "spec.clusterIPs[0]", spec.get("clusterIPs"), "may not change once set"
        )


def _loses_address(service: Object, live: Object) -> bool:
    old = live["spec"].get("clusterIP")
    return bool(
        old
        and service["spec"].get("type") != "ExternalName"
        and service["spec"].get("clusterIP") != old
    )


def _port_number(port: object, at: str) -> Iterator[Cause]:
    if not isinstance(port, int) or not 0 < port < 65536:  # noqa: PLR2004 - a TCP port
        yield field_errors.invalid(at, port, "must be between 1 and 65535, inclusive")


def _config_map(config_map: Object, live: Object | None) -> Iterator[Cause]:
    if live is not None and live.get("immutable") and _data(config_map) != _data(live):
        yield field_errors.forbidden("data", "field is immutable when `immutable` is set")


def _secret(secret: Object, live: Object | None) -> Iterator[Cause]:
    yield from _config_map(secret, live)
    if live is not None and secret.get("type") != live.get("type"):
        yield field_errors.invalid("type", secret.get("type"), "field is immutable")


def _data(obj: Object) -> Object:
    return {key: obj.get(key) for key in ("data", "binaryData", "immutable")}


def _node(node: Object, live: Object | None) -> Iterator[Cause]:
    old = ((live or {}).get("spec") or {}).get("providerID")
    if old and (node.get("spec") or {}).get("providerID") != old:
        yield field_errors.forbidden(
            "spec.providerID", 'node updates may not change providerID except from "" to valid'
        )
    for key, value in (node["metadata"].get("labels") or {}).items():
        for problem in label_value_problems(value):
            yield field_errors.invalid(f"metadata.labels[{key}]", value, problem)


def _event(event: Object, live: Object | None) -> Iterator[Cause]:
    namespace = event["metadata"].get("namespace")
    about = (event.get("involvedObject") or event.get("regarding") or {}).get("namespace") or ""
    if live is None and about != namespace and (about or namespace not in _EVENT_NAMESPACES):
        yield field_errors.invalid(
            "involvedObject.namespace", about, "does not match event.namespace"
        )


_EVENT_NAMESPACES = frozenset({"default", "kube-system"})

_CHECKS: Mapping[str, _Check] = {
    "configmaps": _config_map,
    "customresourcedefinitions.apiextensions.k8s.io": definition_validation.problems,
    "daemonsets.apps": _workload,
    "deployments.apps": _workload,
    "events": _event,
    "jobs.batch": _job,
    "nodes": _node,
    "pods": _pod,
    "replicasets.apps": _workload,
    "secrets": _secret,
    "services": _service,
    "statefulsets.apps": _stateful_set,
}
