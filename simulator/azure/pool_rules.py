"""What an agent pool may be asked to be, and what AKS makes of it. Pure."""

import re
from collections.abc import Mapping

from simulator.azure.failures import Object, Refusal, Refused, immutable, invalid
from simulator.azure.records import SPOT

MOST_POOLS = 100
MOST_NODES = 1000
KUBERNETES_VERSION = "1.34.2"
FIRST_IMAGE = "AKSUbuntu-2404gen2containerd-202608.01.0"
SPOT_MARK = "kubernetes.azure.com/scalesetpriority"

_NAME = re.compile(r"[a-z][a-z0-9]{0,11}\Z")
_TAINT = re.compile(r"[^=:]+=[^=:]*:(NoSchedule|PreferNoSchedule|NoExecute)\Z")
_RESERVED = ("kubernetes.io/", "kubernetes.azure.com/")
_IMMUTABLE = (
    "vmSize",
    "osType",
    "osDiskSizeGB",
    "osDiskType",
    "gpuProfile",
    "gpuInstanceProfile",
    "scaleSetPriority",
    "availabilityZones",
    "vnetSubnetID",
)
_READ_ONLY = ("provisioningState", "powerState", "eTag", "status")
_DEFAULTS: Mapping[str, object] = {
    "count": 1,
    "enableAutoScaling": False,
    "kubeletDiskType": "OS",
    "maxPods": 250,
    "mode": "User",
    "osDiskSizeGB": 320,
    "osDiskType": "Ephemeral",
    "osSKU": "Ubuntu",
    "osType": "Linux",
    "scaleDownMode": "Delete",
    "type": "VirtualMachineScaleSets",
    "upgradeSettings": {"maxSurge": "10%", "maxUnavailable": "0"},
}
_SPOT_DEFAULTS: Mapping[str, object] = {"scaleSetEvictionPolicy": "Delete", "spotMaxPrice": -1}


def check_request(name: str, asked: Object) -> None:
    """Raises Refused 400 where AKS would take no pool of that name and kind at all."""
    refusal = next(filter(None, (_name_refusal(name), _properties_refusal(asked))), None)
    if refusal is not None:
        raise Refused(refusal)


def _name_refusal(name: str) -> Refusal | None:
    if _NAME.match(name):
        return None
    message = f"The agent pool name {name!r} must be 1 to 12 of a-z and 0-9, a letter first."
    return invalid(message, "agentPoolProfile.name")


def _properties_refusal(asked: Object) -> Refusal | None:
    if not isinstance(asked.get("vmSize"), str):
        return invalid("A VM size is required.", "agentPoolProfile.vmSize")
    count = asked.get("count", 1)
    if not isinstance(count, int) or not 0 <= count <= MOST_NODES:
        return invalid(f"The count must be 0 to {MOST_NODES}.", "agentPoolProfile.count")
    if asked.get("scaleSetPriority") == SPOT and asked.get("mode") == "System":
        return invalid("A system pool cannot be of spot machines.", "agentPoolProfile.mode")
    for key in asked.get("nodeLabels") or {}:
        if key.startswith(_RESERVED) and key != SPOT_MARK:
            return invalid(f"The label {key!r} is reserved.", "agentPoolProfile.nodeLabels")
    for taint in asked.get("nodeTaints") or ():
        if not _TAINT.match(taint):
            message = f"The taint {taint!r} is not of the form key=value:Effect."
            return invalid(message, "agentPoolProfile.nodeTaints")
    return None


def check_unchanged(before: Object, asked: Object) -> None:
    """Raises Refused 400 where a property is to change that cannot."""
    for name in _IMMUTABLE:
        if name in asked and _plain(asked[name]) != _plain(before.get(name)):
            raise Refused(immutable(name))


def _plain(value: object) -> object:
    """Sizes are compared as Azure compares names; an empty list is none."""
    return value.lower() if isinstance(value, str) else value or None


def filled_in(asked: Object, before: Object | None = None) -> Object:
    """What the pool will show: what was asked for, and the service's choices for all else.

    Where there is a pool ``before``, what cannot change stays as it is.
    """
    kept = {name: before[name] for name in (*_IMMUTABLE, *_CHOSEN) if before and name in before}
    own = {name: value for name, value in asked.items() if name not in _READ_ONLY}
    chosen = {
        "orchestratorVersion": KUBERNETES_VERSION,
        "currentOrchestratorVersion": KUBERNETES_VERSION,
        "nodeImageVersion": FIRST_IMAGE,
    }
    properties = {**_DEFAULTS, **chosen, **_without_nulls(own), **kept}
    return _marked_spot(properties) if properties.get("scaleSetPriority") == SPOT else properties


_CHOSEN = ("currentOrchestratorVersion", "nodeImageVersion")


def _without_nulls(asked: Object) -> Object:
    """An ``osDiskSizeGB`` of 0 leaves the choice to the service, as null does."""
    return {
        name: value
        for name, value in asked.items()
        if value is not None and (name, value) != ("osDiskSizeGB", 0)
    }


def _marked_spot(properties: Object) -> Object:
    labels = {**properties.get("nodeLabels", {}), SPOT_MARK: "spot"}
    mark = f"{SPOT_MARK}=spot:NoSchedule"
    taints = [taint for taint in properties.get("nodeTaints", ()) if taint != mark]
    return {
        **_SPOT_DEFAULTS,
        **properties,
        "nodeLabels": labels,
        "nodeTaints": [*taints, mark],
    }
