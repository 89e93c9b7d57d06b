"""What ``kubectl get`` prints of built-in kinds (pkg/printers/internalversion)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.kubernetes.durations import age, human, parse_time
from simulator.kubernetes.pod_summary import (
    images,
    names,
    pod_restarts,
    pod_status,
    ready_containers,
)
from simulator.kubernetes.status import Object

Cell = Callable[[Object, datetime], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """``priority`` above 0 is printed with ``-o wide`` only."""

    name: str
    cell: Cell
    type: str = "string"
    format: str = ""
    priority: int = 0


def _get(obj: Object, path: str, default: Any = None) -> Any:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return default if value is None else value


def _at(name: str, path: str, default: Any = "", *, type: str = "string") -> Column:  # noqa: A002
    return Column(name=name, type=type, cell=lambda obj, _: _get(obj, path, default))


def _of(name: str, cell: Callable[[Object], Any], *, type: str = "string") -> Column:  # noqa: A002
    return Column(name=name, type=type, cell=lambda obj, _: cell(obj))


def _wide(column: Column) -> Column:
    return Column(
        name=column.name, type=column.type, format=column.format, cell=column.cell, priority=1
    )


NAME = Column(name="Name", format="name", cell=lambda obj, _: obj["metadata"]["name"])
AGE = Column(name="Age", cell=lambda obj, now: age(_get(obj, "metadata.creationTimestamp"), now))


def _comma(values: Iterable[Any]) -> str:
    return ",".join(str(value) for value in values) or "<none>"


def _selector(obj: Object) -> str:
    labels = _get(obj, "spec.selector.matchLabels") or {}
    return _comma(f"{key}={value}" for key, value in sorted(labels.items()))


def _plain_selector(obj: Object) -> str:
    return _comma(
        f"{key}={value}" for key, value in sorted((_get(obj, "spec.selector") or {}).items())
    )


def _fraction(done: str, wanted: str) -> Callable[[Object], str]:
    return lambda obj: f"{_get(obj, done, 0)}/{_get(obj, wanted, 0)}"


def _template(cell: Callable[[Object], str]) -> Callable[[Object], str]:
    return lambda obj: cell(_get(obj, "spec.template.spec") or {})


_WORKLOAD_WIDE = (
    _wide(_of("Containers", _template(names))),
    _wide(_of("Images", _template(images))),
)
_SELECTOR_WIDE = _wide(_of("Selector", _selector))


def _node_status(node: Object) -> str:
    ready = next(
        (each for each in _get(node, "status.conditions") or () if each["type"] == "Ready"), None
    )
    status = "Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"
    return status + (",SchedulingDisabled" if _get(node, "spec.unschedulable") else "")


def _node_roles(node: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = _get(node, "metadata.labels") or {}
    return _comma(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix)))


def _node_address(kind: str) -> Callable[[Object], str]:
    def cell(node: Object) -> str:
        addresses = _get(node, "status.addresses") or ()
        return next((each["address"] for each in addresses if each["type"] == kind), "<none>")

    return cell


def _ports(service: Object) -> str:
    return _comma(
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}"
        f"/{port.get('protocol', 'TCP')}"
        for port in _get(service, "spec.ports") or ()
    )


def _external_ip(service: Object) -> str:
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", "<none>"))
    ingress = _get(service, "status.loadBalancer.ingress") or ()
    addresses = [each.get("ip") or each.get("hostname") for each in ingress]
    addresses += spec.get("externalIPs") or []
    if not addresses and spec.get("type") == "LoadBalancer":
        return "<pending>"
    return _comma(addresses)


def _job_status(job: Object) -> str:
    if "deletionTimestamp" in job["metadata"]:
        return "Terminating"
    for kind in ("Complete", "Failed", "Suspended"):
        for condition in _get(job, "status.conditions") or ():
            if condition["type"] == kind and condition["status"] == "True":
                return kind
    return "Running"


def _job_duration(job: Object, now: datetime) -> str:
    start = parse_time(_get(job, "status.startTime"))
    if start is None:
        return ""
    end = parse_time(_get(job, "status.completionTime")) or now
    return human(int((end - start).total_seconds()))


def _data_size(obj: Object) -> int:
    return len(obj.get("data") or {}) + len(obj.get("binaryData") or {})


def _event_time(event: Object, now: datetime) -> str:
    series = _get(event, "series.lastObservedTime")
    return age(series or event.get("lastTimestamp") or event.get("eventTime"), now)


def _event_object(event: Object) -> str:
    about = event.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _endpoint_addresses(endpoints: Object) -> str:
    return _comma(
        f"{address['ip']}:{port['port']}"
        for subset in endpoints.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ({"port": ""},)
    )


def _slice_ports(endpoint_slice: Object) -> str:
    return _comma(port.get("port", "*") for port in endpoint_slice.get("ports") or ())


def _slice_addresses(endpoint_slice: Object) -> str:
    return _comma(
        address
        for endpoint in endpoint_slice.get("endpoints") or ()
        for address in endpoint.get("addresses") or ()
    )


def _owner(obj: Object) -> str:
    owners = _get(obj, "metadata.ownerReferences") or ()
    owner = next((each for each in owners if each.get("controller")), None)
    return "<none>" if owner is None else f"{owner['kind'].lower()}/{owner['name']}"


def _modes(obj: Object) -> str:
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX"}
    return ",".join(short.get(mode, mode) for mode in _get(obj, "spec.accessModes") or ())


_POD_COLUMNS = (
    NAME,
    _of("Ready", ready_containers),
    _of("Status", pod_status),
    Column(name="Restarts", cell=pod_restarts),
    AGE,
    _wide(_at("IP", "status.podIP", "<none>")),
    _wide(_at("Node", "spec.nodeName", "<none>")),
    _wide(_at("Nominated Node", "status.nominatedNodeName", "<none>")),
    _wide(_of("Readiness Gates", lambda _: "<none>")),
)
_NODE_COLUMNS = (
    NAME,
    _of("Status", _node_status),
    _of("Roles", _node_roles),
    AGE,
    _at("Version", "status.nodeInfo.kubeletVersion"),
    _wide(_of("Internal-IP", _node_address("InternalIP"))),
    _wide(_of("External-IP", _node_address("ExternalIP"))),
    _wide(_at("OS-Image", "status.nodeInfo.osImage", "<unknown>")),
    _wide(_at("Kernel-Version", "status.nodeInfo.kernelVersion", "<unknown>")),
    _wide(_at("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", "<unknown>")),
)
_EVENT_COLUMNS = (
    Column(name="Last Seen", cell=_event_time),
    _at("Type", "type"),
    _at("Reason", "reason"),
    _of("Object", _event_object),
    _wide(_at("Subobject", "involvedObject.fieldPath")),
    _wide(_at("Source", "source.component")),
    _at("Message", "message"),
    _wide(Column(name="First Seen", cell=lambda obj, now: age(obj.get("firstTimestamp"), now))),
    _wide(_at("Count", "count", 1)),
    _wide(NAME),
)

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "pods": _POD_COLUMNS,
    "nodes": _NODE_COLUMNS,
    "events": _EVENT_COLUMNS,
    "services": (
        NAME,
        _at("Type", "spec.type", "ClusterIP"),
        _at("Cluster-IP", "spec.clusterIP", "<none>"),
        _of("External-IP", _external_ip),
        _of("Port(s)", _ports),
        AGE,
        _wide(_of("Selector", _plain_selector)),
    ),
    "namespaces": (NAME, _at("Status", "status.phase"), AGE),
    "configmaps": (NAME, _of("Data", _data_size, type="integer"), AGE),
    "secrets": (NAME, _at("Type", "type"), _of("Data", _data_size, type="integer"), AGE),
    "serviceaccounts": (
        NAME,
        _of("Secrets", lambda obj: len(obj.get("secrets") or ()), type="integer"),
        AGE,
    ),
    "endpoints": (NAME, _of("Endpoints", _endpoint_addresses), AGE),
    "endpointslices.discovery.k8s.io": (
        NAME,
        _at("AddressType", "addressType"),
        _of("Ports", _slice_ports),
        _of("Endpoints", _slice_addresses),
        AGE,
    ),
    "persistentvolumeclaims": (
        NAME,
        _at("Status", "status.phase"),
        _at("Volume", "spec.volumeName"),
        _at("Capacity", "status.capacity.storage"),
        _of("Access Modes", _modes),
        _at("StorageClass", "spec.storageClassName"),
        AGE,
    ),
    "persistentvolumes": (
        NAME,
        _at("Capacity", "spec.capacity.storage"),
        _of("Access Modes", _modes),
        _at("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
        _at("Status", "status.phase"),
        _at("Claim", "spec.claimRef.name"),
        _at("StorageClass", "spec.storageClassName"),
        AGE,
    ),
    "deployments.apps": (
        NAME,
        _of("Ready", _fraction("status.readyReplicas", "spec.replicas")),
        _at("Up-to-date", "status.updatedReplicas", 0, type="integer"),
        _at("Available", "status.availableReplicas", 0, type="integer"),
        AGE,
        *_WORKLOAD_WIDE,
        _SELECTOR_WIDE,
    ),
    "statefulsets.apps": (
        NAME,
        _of("Ready", _fraction("status.readyReplicas", "spec.replicas")),
        AGE,
        *_WORKLOAD_WIDE,
    ),
    "replicasets.apps": (
        NAME,
        _at("Desired", "spec.replicas", 0, type="integer"),
        _at("Current", "status.replicas", 0, type="integer"),
        _at("Ready", "status.readyReplicas", 0, type="integer"),
        AGE,
        *_WORKLOAD_WIDE,
        _SELECTOR_WIDE,
    ),
    "daemonsets.apps": (
        NAME,
        _at("Desired", "status.desiredNumberScheduled", 0, type="integer"),
        _at("Current", "status.currentNumberScheduled", 0, type="integer"),
        _at("Ready", "status.numberReady", 0, type="integer"),
        _at("Up-to-date", "status.updatedNumberScheduled", 0, type="integer"),
        _at("Available", "status.numberAvailable", 0, type="integer"),
        AGE,
        *_WORKLOAD_WIDE,
        _SELECTOR_WIDE,
    ),
    "controllerrevisions.apps": (
        NAME,
        _of("Controller", _owner),
        _at("Revision", "revision", 0, type="integer"),
        AGE,
    ),
    "jobs.batch": (
        NAME,
        _of("Status", _job_status),
        _of("Completions", _fraction("status.succeeded", "spec.completions")),
        Column(name="Duration", cell=_job_duration),
        AGE,
        *_WORKLOAD_WIDE,
        _SELECTOR_WIDE,
    ),
    "cronjobs.batch": (
        NAME,
        _at("Schedule", "spec.schedule"),
        _of("Suspend", lambda obj: str(bool(_get(obj, "spec.suspend")))),
        _of("Active", lambda obj: len(_get(obj, "status.active") or ()), type="integer"),
        AGE,
    ),
    "leases.coordination.k8s.io": (NAME, _at("Holder", "spec.holderIdentity"), AGE),
    "poddisruptionbudgets.policy": (
        NAME,
        _at("Min Available", "spec.minAvailable", "N/A"),
        _at("Max Unavailable", "spec.maxUnavailable", "N/A"),
        _at("Allowed Disruptions", "status.disruptionsAllowed", 0, type="integer"),
        AGE,
    ),
    "storageclasses.storage.k8s.io": (
        NAME,
        _at("Provisioner", "provisioner"),
        _at("ReclaimPolicy", "reclaimPolicy", "Delete"),
        _at("VolumeBindingMode", "volumeBindingMode", "Immediate"),
        _of("AllowVolumeExpansion", lambda obj: bool(obj.get("allowVolumeExpansion"))),
        AGE,
    ),
    "customresourcedefinitions.apiextensions.k8s.io": (
        NAME,
        Column(name="Created At", cell=lambda obj, _: obj["metadata"]["creationTimestamp"]),
    ),
    "validatingadmissionpolicies.admissionregistration.k8s.io": (
        NAME,
        _of("Validations", lambda obj: len(_get(obj, "spec.validations") or ()), type="integer"),
        _of("ParamKind", lambda obj: _get(obj, "spec.paramKind.kind", "<unset>")),
        AGE,
    ),
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": (
        NAME,
        _at("PolicyName", "spec.policyName"),
        _at("ParamRef", "spec.paramRef.name", "<unset>"),
        AGE,
    ),
}
